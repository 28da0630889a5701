"""The retention job: what has expired goes, and nothing else; on every database."""

from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select

from tests.contract.job_host import at, job_host

NOW = at("2026-03-02T03:30:10")
DAY = timedelta(days=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path}/retention.db"


@pytest.fixture
def host(database_url):
    with job_host(database_url, NOW, lambda rt, db: None) as made:
        yield made


def run(host):
    host.clock.advance(86_400)
    answer = host.rt.jobs.run("retention", wait=20)
    assert answer["success"], answer
    return answer


def count(host, model):
    found = host.db.session.scalar(select(func.count()).select_from(model))
    host.db.session.rollback()
    return found


def test_runs_go_after_ninety_days_but_none_that_is_running(host):
    job = host.state.jobs.registry.get("oracle")
    for days in (200, 91, 80):
        slot = job.schedule.floor(NOW - days * DAY)
        mine, opened = host.state.jobs.runner.claim(job, slot, "tick")
        assert mine
        if days != 91:
            assert host.state.jobs.ledger.finish(opened, "ok", NOW, "{}", None)
    answer = run(host)

    assert answer["deleted"]["jobRuns"] == 1
    assert [r["status"] for r in host.rt.jobs.runs("oracle")] == ["ok", "running"]


def test_anomalies_go_after_a_year(host):
    row = {"metric": "m", "risk": 90.0, "level": "Critical", "evidence": "[]", "created_at": NOW}
    rows = [
        {**row, "user_id": str(n), "window_start": NOW - days * DAY - 7 * DAY,
         "window_end": NOW - days * DAY}
        for n, days in enumerate([400] * 2500 + [300])
    ]  # fmt: skip
    host.db.session.execute(insert(host.state.models.anomaly), rows)
    host.db.session.commit()

    assert run(host)["deleted"]["anomalies"] == 2500
    assert count(host, host.state.models.anomaly) == 1


def test_expired_notifications_and_old_tombstones_go(host):
    send = host.rt.notifications.send
    data = {"title": "t", "message": "m"}
    send("alice", "platform_announcement", data, expires_in=60)
    gone = send("alice", "platform_announcement", data).notification["id"]
    send("alice", "platform_announcement", data)
    host.rt.notifications.delete("alice", gone)
    host.clock.advance(91 * 86_400)

    assert run(host)["deleted"]["notifications"] == 4  # two rows and their events
    assert len(host.rt.notifications.list("alice")["notifications"]) == 1


def test_events_that_nobody_publishes_are_warned_of_and_kept(host, caplog):
    outbox, mine = host.state.models.outbox, host.state.outbox.owner
    host.db.session.execute(insert(outbox), [{"owner": mine, "event": b"{}"}])
    host.db.session.commit()

    assert run(host)["outboxWaiting"] == 0
    assert run(host)["outboxWaiting"] == 1
    assert "1 committed events wait" in caplog.text
    assert count(host, outbox) == 1


def test_events_of_an_app_id_that_is_no_more_are_warned_of_by_name(host, caplog):
    outbox = host.state.models.outbox
    host.db.session.execute(insert(outbox), [{"owner": "old-name", "event": b"{}"}])
    host.db.session.commit()

    assert run(host)["outboxOfOthers"] == 0
    answer = run(host)
    assert (answer["outboxOfOthers"], answer["outboxWaiting"]) == (1, 0)
    assert "outbox adopt old-name" in caplog.text
