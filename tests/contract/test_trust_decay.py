"""Trust decay: a point per day of absence, once, whatever runs how often; on every database."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import DateTime, Float, Integer, String, event, func, insert, select, update
from sqlalchemy.orm import mapped_column

from flask_nexora_rt.notifications import NotificationService
from flask_nexora_rt.signals import trust_changed
from tests.contract.job_host import BEARER, at, job_host

SUNDAY = at("2026-03-01T00:00:10")
WEEK = 7 * 86_400


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path}/decay.db"


def declare(memory, zoned, id_type=Integer):
    """How a host declares its users: who remembers, and whether its times have a zone."""

    def run(rt, db):
        class User(db.Model):
            id = mapped_column(id_type, primary_key=True)
            trust = mapped_column(Integer)
            last_active = mapped_column(DateTime(timezone=zoned))
            decay_anchor = mapped_column(DateTime(timezone=zoned), nullable=True)
            decay_applied = mapped_column(Integer, nullable=True)

        columns = {"anchor": User.decay_anchor, "applied": User.decay_applied}
        own = columns if memory == "columns" else {}
        rt.trust_columns(User.id, User.trust, User.last_active, **own)
        return User

    return run


@pytest.fixture(params=["columns-naive", "columns-zoned", "table-naive", "table-zoned"])
def host(request, database_url):
    memory, zoned = request.param.split("-")
    with job_host(database_url, SUNDAY, declare(memory, zoned == "zoned")) as made:
        yield made


def add(host, user_id, trust, days_away, since=None):
    """A user that was last seen so many days before the slot."""
    add_all(host, [(user_id, trust, days_away)], since)


def add_all(host, users, since=None):
    rows = [user_row(host, *user, since) for user in users]
    host.db.session.execute(insert(host.models), rows)
    host.db.session.commit()


def user_row(host, user_id, trust, days_away, since):
    seen = (since or SUNDAY.replace(second=0)) - timedelta(days=days_away)
    stored = seen if host.models.last_active.type.timezone else seen.replace(tzinfo=None)
    return {"id": user_id, "trust": trust, "last_active": stored if days_away >= 0 else None}


def seen_again(host, user_id):
    now = datetime.fromtimestamp(host.clock(), UTC)
    stored = now if host.models.last_active.type.timezone else now.replace(tzinfo=None)
    mine = update(host.models).where(host.models.id == user_id)
    host.db.session.execute(mine.values(last_active=stored))
    host.db.session.commit()


def trust(host):
    users = select(host.models.id, host.models.trust).order_by(host.models.id)
    found = dict(host.db.session.execute(users).all())
    host.db.session.rollback()
    return found


def run(host, force=False):
    answer = host.rt.jobs.run("trust-decay", force=force, wait=20)
    assert answer["success"], answer
    return answer["usersProcessed"], answer["usersDecayed"]


def test_each_day_beyond_thirty_costs_a_point_at_most_fifty_and_never_below_the_floor(host):
    at_900 = [(900, days) for days in (29, 30, 30.9, 31, 40.5, 80, 400)]
    others = [(505, 60), (500, 60), (450, 60), (900, -1)]
    add_all(host, [(user_id, *user) for user_id, user in enumerate([*at_900, *others])])

    assert run(host) == (8, 5)
    assert list(trust(host).values()) == [
        *(900, 900, 900, 899, 890, 850, 850),
        *(500, 500, 450, 900),
    ]


def test_twelve_weeks_take_fifty_points_from_who_stays_away(host):
    add(host, 1, 900, 0)
    taken = []
    for _ in range(20):
        host.clock.advance(WEEK)
        before = trust(host)[1]
        run(host)
        taken.append(before - trust(host)[1])

    assert taken[:12] == [0, 0, 0, 0, 5, 7, 7, 7, 7, 7, 7, 3]
    assert sum(taken) == 50


def test_a_repeat_changes_nothing_whether_replayed_or_forced(host):
    add(host, 1, 900, 45)
    first = run(host)
    assert run(host) == first
    assert run(host, force=True) == (1, 0)
    assert trust(host) == {1: 885}
    assert host.told.users() == ["1"]


def test_skipped_weeks_are_made_up_for(host):
    add(host, 1, 900, 31)
    run(host)
    host.clock.advance(4 * WEEK)
    run(host)

    assert trust(host) == {1: 871}


def test_who_comes_back_begins_anew(host):
    add(host, 1, 900, 80)
    run(host)
    assert trust(host) == {1: 850}
    seen_again(host, 1)
    host.clock.advance(WEEK)
    assert run(host) == (0, 0)
    host.clock.advance(4 * WEEK)
    run(host)

    assert trust(host) == {1: 846}  # 34.9 days away, of which 30 are free


def test_forced_runs_at_the_same_time_take_once(host):
    add_all(host, [(user_id, 900, 45) for user_id in range(50)])

    def force():
        with host.app.app_context():
            run(host, force=True)

    threads = [threading.Thread(target=force) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(trust(host).values()) == {885}
    assert sorted(host.told.users()) == sorted(map(str, range(50)))


def test_one_statement_changes_all_users(host):
    add_all(host, [(user_id, 900, 31 + user_id % 60) for user_id in range(300)])
    statements = []
    event.listen(
        host.db.engine, "before_cursor_execute", lambda *args: statements.append(args[2].lower())
    )
    run(host)

    table = host.models.__tablename__
    updates = [text for text in statements if f"update {table}" in text or 'update "user"' in text]
    assert len(updates) == 1


def test_who_has_changed_is_told_once_and_in_few_events(host):
    add_all(host, [(user_id, 900, 31 + user_id % 3) for user_id in range(1200)])
    start = host.state.runtime.log.bounds().reset
    run(host)

    assert sorted(host.told.users()) == sorted(map(str, range(1200)))
    sent = [data["newScore"] for _, name, data, _ in host.told.sent]
    assert set(sent) == {899, 898, 897}
    assert len(sent) < 10
    for _ in range(200):
        entries = host.state.runtime.log.range(start, 10_000)
        if sum(len(entry.event.channels) for entry in entries) == 2 * 1200:
            break
        threading.Event().wait(0.02)
    assert len(entries) < 20
    events = [entry.event for entry in entries]
    assert {event.name for event in events} == {"user:trust-changed", "notification:new"}
    changed = [event for event in events if event.name == "user:trust-changed"]
    mine = next(event for event in changed if "private-user-0" in event.channels)
    told = host.app.json.loads(mine.data_for("private-user-0"))
    assert (told["userId"], told["newScore"]) == ("0", 899)


def test_the_hosts_own_code_is_told_who_has_changed_also_when_it_raises(host, caplog):
    add_all(host, [(1, 700, 40), (2, 700, 45), (3, 700, 5)])
    heard = []

    def forget(sender, user_ids):
        heard.append((sender, sorted(user_ids)))
        raise RuntimeError("of the host")

    with trust_changed.connected_to(forget, sender=host.app):
        run(host)
        run(host, force=True)

    assert heard == [(host.app, ["1", "2"])]
    assert trust(host) == {1: 690, 2: 685, 3: 700}
    assert "a receiver of trust_changed has failed" in caplog.text


def test_who_was_not_told_before_a_crash_is_told_by_the_next_run(host, monkeypatch):
    add(host, 1, 900, 45)
    with monkeypatch.context() as patch:
        patch.setattr(NotificationService, "send_all", broken)
        assert host.rt.jobs.run("trust-decay", wait=20)["success"] is False
    assert trust(host) == {1: 885}
    assert host.rt.jobs.run("trust-decay", wait=20)["success"] is True

    assert trust(host) == {1: 885}
    assert host.told.users() == ["1"]


def broken(*args, **options):
    raise RuntimeError("away")


def test_the_endpoint_answers_as_the_contract_says(host):
    add(host, 1, 900, 45)
    add(host, 2, 500, 45)
    answer = host.client.get("/api/cron/trust-decay", headers=BEARER)

    body = answer.get_json()
    assert answer.status_code == 200
    assert set(body) == {
        *("success", "timestamp", "usersProcessed", "usersDecayed", "runId", "replayed")
    }
    assert (body["usersProcessed"], body["usersDecayed"]) == (2, 1)
    again = host.client.post("/api/cron/trust-decay", headers=BEARER).get_json()
    assert again == {**body, "replayed": True}


def test_ids_may_be_text_and_trust_a_fraction(database_url):
    def declare_text(rt, db):
        class Person(db.Model):
            id = mapped_column(String(40), primary_key=True)
            trust = mapped_column(Float)
            last_active = mapped_column(DateTime)

        rt.trust_columns(Person.id, Person.trust, Person.last_active)
        return Person

    with job_host(database_url, SUNDAY, declare_text) as host:
        add(host, "alice@example.com", 700.5, 45)
        assert run(host) == (1, 1)
        assert trust(host) == {"alice@example.com": 685.5}
        assert host.told.sent[0][2]["newScore"] == 685.5


def test_without_columns_it_answers_zeros(database_url):
    with job_host(database_url, SUNDAY, lambda rt, db: None) as host:
        body = host.client.get("/api/cron/trust-decay", headers=BEARER).get_json()

        assert body["success"] is True
        assert (body["usersProcessed"], body["usersDecayed"]) == (0, 0)
        changes = host.state.models.trust_change
        assert host.db.session.scalar(select(func.count()).select_from(changes)) == 0


def test_a_declaration_that_cannot_work_is_refused():
    from flask_nexora_rt import NexoraRT

    with pytest.raises(ValueError, match="columns"):
        NexoraRT().trust_columns("id", "trust", "last_active")
