"""The oracle on a database: what it reads, whom it tells, and how often."""

import random
from datetime import UTC, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import DateTime, Integer, String, event, func, insert, literal, select, union_all
from sqlalchemy.orm import mapped_column

from flask_nexora_rt.oracle.detector import Anomaly
from tests.contract.job_host import BEARER, at, job_host

MIDNIGHT = at("2026-03-02T00:00:10")
DAY = timedelta(days=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path}/oracle.db"


def declare(rt, db):
    class Deed(db.Model):
        id = mapped_column(Integer, primary_key=True)
        who = mapped_column(Integer)
        kind = mapped_column(String(20))
        done_at = mapped_column(DateTime)

    rt.activity(lambda: select(Deed.who.label("user_id"), Deed.kind.label("metric"),
                               Deed.done_at.label("at")))  # fmt: skip
    rt.admins(lambda: [7, 8])
    return Deed


@pytest.fixture
def host(database_url):
    with job_host(database_url, MIDNIGHT, declare) as made:
        yield made


def do(host, user_id, count, kind="vote", day=3, until=MIDNIGHT):
    """A user does something so often, so many days before midnight."""
    moment = (until.replace(second=0) - day * DAY + timedelta(hours=5)).replace(tzinfo=None)
    rows = [{"who": user_id, "kind": kind, "done_at": moment} for _ in range(count)]
    host.db.session.execute(insert(host.models), rows)
    host.db.session.commit()


def crowd(host, users=60, kind="vote", until=MIDNIGHT):
    """Many who do about as much as each other."""
    dice = random.Random(kind)
    for user_id in range(100, 100 + users):
        do(host, user_id, dice.randint(3, 9), kind, dice.randint(1, 7), until)


def run(host, force=False):
    answer = host.rt.jobs.run("oracle", force=force, wait=20)
    assert answer["success"], answer
    return answer


def test_who_stands_out_is_found_with_the_evidence(host):
    crowd(host)
    do(host, 1, 400)
    answer = run(host)

    assert answer["anomaliesDetected"] == 1
    found = answer["anomalies"][0]
    assert (found["userId"], found["level"]) == ("1", "Critical")
    evidence = found["evidence"][0]
    assert (evidence["metric"], evidence["value"], evidence["users"]) == ("vote", 400, 61)
    assert evidence["z"] > 7
    assert evidence["days"] == [0, 0, 0, 0, 400, 0, 0]


def test_admins_are_told_once_of_what_is_critical(host):
    crowd(host)
    do(host, 1, 400)
    health = run(host)["platformHealth"]

    assert 0 < health < 100
    found = "Oracle detected 1 critical anomaly"
    assert [(users, name, data) for users, name, data, _ in host.told.sent] == [
        (
            ["7", "8"],
            "platform_announcement",
            {
                "title": "Critical Anomalies Detected",
                "message": f"{found}. Platform health: {health:g} of 100",
                "anomalyCount": 1,
                "platformHealth": health,
            },
        )
    ]
    assert host.told.sent[0][3] == "oracle:2026-03-02T00:00:00.000Z"
    run(host, force=True)
    for _ in range(3):
        host.clock.advance(86_400)
        assert run(host)["anomaliesDetected"] == 1
    assert len(host.told.sent) == 1


def test_the_same_user_is_told_of_again_in_a_week_that_does_not_overlap(host):
    crowd(host)
    do(host, 1, 400)
    run(host)
    host.clock.advance(8 * 86_400)
    later = MIDNIGHT + 8 * DAY
    crowd(host, until=later)
    do(host, 1, 400, until=later)
    run(host)

    assert len(host.told.sent) == 2


def test_without_admins_nobody_is_told_and_the_log_says_so(database_url, caplog):
    def without(rt, db):
        models = declare(rt, db)
        rt.admins(list)
        return models

    with job_host(database_url, MIDNIGHT, without) as host:
        crowd(host)
        do(host, 1, 400)
        assert run(host)["anomaliesDetected"] == 1
        assert host.told.sent == []
        assert "declare @rt.admins" in caplog.text


def test_only_the_seven_days_before_the_slot_count(host):
    crowd(host)
    do(host, 1, 400, day=9)
    do(host, 2, 400, day=0)

    assert run(host)["anomaliesDetected"] == 0


def test_each_metric_is_one_query(host):
    crowd(host, kind="vote")
    crowd(host, kind="review")
    statements = []
    event.listen(host.db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    run(host)

    assert len([text for text in statements if "GROUP BY" in text and "deed" in text]) == 2


def test_health_is_a_number_with_its_parts_and_falls_with_anomalies(host):
    crowd(host)
    well = run(host)
    assert well["platformHealth"] == 100
    do(host, 1, 400)
    ill = run(host, force=True)

    assert 0 <= ill["platformHealth"] < 100
    points = sum(part["points"] for part in ill["platformHealthBreakdown"])
    assert ill["platformHealth"] == pytest.approx(points)


def test_health_falls_with_failed_runs(host):
    crowd(host)
    host.rt.job("breaks", cron="@daily")(lambda: 1 / 0)
    host.rt.jobs.run("breaks")

    assert 0 < run(host)["platformHealth"] < 100


def test_too_little_activity_is_no_health(host):
    for user_id in range(5):
        do(host, user_id, 3)
    answer = run(host)

    assert answer["platformHealth"] is None
    assert answer["anomaliesDetected"] == 0


def test_the_endpoint_answers_as_the_contract_says_on_an_empty_database(host):
    answer = host.client.get("/api/cron/oracle", headers=BEARER)

    body = answer.get_json()
    assert answer.status_code == 200
    assert {"success", "timestamp", "anomaliesDetected", "platformHealth", "runId"} <= set(body)
    assert (body["success"], body["replayed"]) == (True, False)
    again = host.client.post("/api/cron/oracle", headers=BEARER).get_json()
    assert again == {**body, "replayed": True}


def test_another_detector_can_be_plugged(host):
    crowd(host)
    seen = []

    @host.rt.detector
    def suspect(activity):
        seen.extend((metric.metric, len(metric.users)) for metric in activity)
        return [Anomaly("9", 95.0, "vote", ({"why": "a feeling"},)), Anomaly("8", 60.0, "vote", ())]

    answer = run(host)
    assert seen == [("vote", 60)]
    assert [one["userId"] for one in answer["anomalies"]] == ["9"]
    assert answer["anomalies"][0]["evidence"] == [{"why": "a feeling"}]


@pytest.mark.parametrize(
    "found, why",
    [
        (Anomaly("9", 95.0, "vote", ({"much": "x" * 20_000},)), "20"),
        (Anomaly("9", 95.0, "vote", ({"z": float("nan")},)), "no JSON"),
        (Anomaly("9", 95.0, "vote", ({"at": MIDNIGHT},)), "no JSON"),
        (Anomaly("9", float("inf"), "vote", ()), "inf"),
        (Anomaly("9", None, "vote", ()), "not a number"),
        (Anomaly("9" * 129, 95.0, "vote", ()), "128 characters"),
    ],
)
def test_what_a_detector_finds_and_no_one_can_keep_is_refused_before_anything_is_written(
    host, found, why
):
    crowd(host)
    host.rt.detector(lambda activity: [Anomaly("8", 95.0, "vote", ()), found])
    answer = host.rt.jobs.run("oracle", wait=20)

    assert answer["success"] is False
    assert "the detector's anomaly of user '9" in answer["detail"]
    assert why in answer["detail"]
    rows = host.state.models.anomaly.__table__
    assert host.db.session.scalar(select(func.count()).select_from(rows)) == 0
    assert host.told.sent == []


def test_a_user_whom_a_detector_names_twice_is_one_anomaly_with_all_the_evidence(host):
    crowd(host)
    low, high = Anomaly(9, 85, "post", ({"p": 1},)), Anomaly("9", Decimal("95.5"), "vote", [{}])
    host.rt.detector(lambda activity: iter([low, high]))
    answer, again = run(host), run(host, force=True)

    assert (answer["anomaliesDetected"], answer["newCriticalAnomalies"]) == (1, 1)
    found = answer["anomalies"][0]
    assert (found["userId"], found["risk"], found["evidence"]) == ("9", 95.5, [{}, {"p": 1}])
    assert (again["anomaliesDetected"], again["newCriticalAnomalies"]) == (1, 0)


def test_of_much_evidence_the_result_shows_what_it_has_room_for(host):
    crowd(host)
    much = ({"much": "x" * 5000},)
    host.rt.detector(lambda activity: [Anomaly(str(n), 95.0, "vote", much) for n in range(30)])
    answer = run(host)

    assert answer["anomaliesDetected"] == 30
    assert 1 <= len(answer["anomalies"]) < 30
    rows = host.state.models.anomaly.__table__
    assert host.db.session.scalar(select(func.count()).select_from(rows)) == 30


def test_messages_are_the_activity_of_a_host_that_declares_none(database_url):
    with job_host(database_url, MIDNIGHT, lambda rt, db: None) as host:
        moment = MIDNIGHT - DAY
        rows = [
            message(f"user-{n}", seq, moment)
            for n in range(30)
            for seq in range(300 if n == 7 else 3 + n % 3)
        ]
        host.db.session.execute(insert(host.state.models.message), rows)
        host.db.session.commit()
        answer = run(host)

        assert [one["userId"] for one in answer["anomalies"]] == ["user-7"]
        assert answer["platformHealth"] is not None


def message(sender, seq, moment):
    return {
        "id": f"{sender}-{seq}",
        "conversation_id": f"guild-{sender}",
        "seq": seq,
        "sender_id": sender,
        "content": "hello",
        "revision": 1,
        "created_at": moment.astimezone(UTC),
    }


def test_a_union_of_tables_is_a_source(host):
    deed = host.models
    one = select(deed.who.label("user_id"), literal("a").label("metric"), deed.done_at.label("at"))
    two = select(deed.who, literal("b"), deed.done_at)
    host.rt.activity(lambda: union_all(one, two))
    crowd(host)
    do(host, 1, 400)

    evidence = run(host)["anomalies"][0]["evidence"]
    assert {item["metric"] for item in evidence} == {"a", "b"}


@pytest.mark.parametrize("source", [None, select(func.count().label("user_id")), "deeds"])
def test_a_source_that_is_none_is_said_clearly(host, source):
    host.rt.activity(lambda: source)
    answer = host.rt.jobs.run("oracle")

    assert answer["success"] is False
    assert "user_id, metric, at" in answer["detail"]
