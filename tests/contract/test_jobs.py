"""What jobs promise, on every database: one run per slot, and everybody gets its result."""

import threading
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import func, select

from flask_nexora_rt import NexoraRT
from flask_nexora_rt.errors import JobStopped, NotFound
from flask_nexora_rt.scheduling.runner import HTTP, TICK
from flask_nexora_rt.scheduling.ticker import Ticker
from flask_nexora_rt.testing import Clock, make_app

SECRET = "a cron secret for tests"
BEARER = {"Authorization": f"Bearer {SECRET}"}
MONDAY = datetime(2026, 3, 2, 0, 0, 30, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    options = request.param.removeprefix("sqlite")
    return f"sqlite:///{tmp_path}/jobs.db{options}"


class Work:
    """A job whose body a test opens and closes: `calls` counts how often it has begun."""

    def __init__(self):
        self.calls = 0
        self.tasks = []
        self.answer = {"answer": 42}
        self.raises = None
        self.began = threading.Event()
        self.may_end = threading.Event()
        self.may_end.set()

    def __call__(self, task):
        self.calls += 1
        self.tasks.append(task)
        self.began.set()
        assert self.may_end.wait(20)
        if self.raises is not None:
            raise self.raises
        return self.answer


@pytest.fixture
def host(database_url):
    rt, db, work = NexoraRT(), SQLAlchemy(), Work()
    rt.job("work", cron="0 0 * * *", timeout=60)(work)
    app = make_app(
        rt,
        db=db,
        SQLALCHEMY_DATABASE_URI=database_url,
        NEXORA_RT_CRON_SECRET=SECRET,
        NEXORA_RT_JOB_LEASE_SECONDS=1,
    )
    state = app.extensions["nexora_rt"]
    clock = Clock(MONDAY.timestamp())
    state.clock = clock
    with app.app_context():
        db.create_all()
        yield SimpleNamespace(
            app=app, rt=rt, db=db, state=state, work=work, clock=clock, client=app.test_client()
        )
        work.may_end.set()
        db.session.remove()
        for thread in threading.enumerate():
            if thread.name.startswith(("nexora-rt-job", "nexora-rt-lease")):
                thread.join(20)
        db.drop_all()
        db.engine.dispose()
    state.runtime.close()


def ticker(host):
    """The scheduler of one more process."""
    return Ticker(host.state.jobs.registry, host.state.jobs.ledger, host.state.jobs.runner)


def only_work(host):
    """Leave the built-in jobs out."""
    host.state.jobs.registry._built_in = {}


def statuses(host, name="work"):
    return [(run["scheduledFor"][:16], run["status"]) for run in host.rt.jobs.runs(name)]


def wait_until_ended(host, name="work"):
    for _ in range(500):
        if all(run["status"] != "running" for run in host.rt.jobs.runs(name)):
            return
        threading.Event().wait(0.02)
    pytest.fail("the run does not end")


def in_threads(count, call):
    """What each call returns, made at the same time."""
    results, barrier = [], threading.Barrier(count)

    def run():
        barrier.wait()
        results.append(call())

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


# -- one run per slot ---------------------------------------------------------------------------


def test_a_run_is_for_the_latest_slot_and_its_result_is_kept(host):
    first = host.rt.jobs.run("work")
    again = host.rt.jobs.run("work")

    assert first["answer"] == 42
    assert first["success"] is True
    assert first["replayed"] is False
    assert again == {**first, "replayed": True}
    assert host.work.calls == 1
    assert host.work.tasks[0].scheduled_for == datetime(2026, 3, 2, tzinfo=UTC)
    host.clock.advance(86_400)
    assert host.rt.jobs.run("work")["runId"] != first["runId"]
    assert host.work.calls == 2


def test_of_many_callers_at_once_one_runs_and_all_get_its_result(host):
    def call():
        with host.app.app_context():
            return host.rt.jobs.run("work")

    answers = in_threads(12, call)

    assert host.work.calls == 1
    assert len({answer["runId"] for answer in answers}) == 1
    assert {answer["answer"] for answer in answers} == {42}
    assert [answer["replayed"] for answer in answers].count(False) == 1


def test_force_runs_it_again_beside_its_schedule(host):
    host.rt.jobs.run("work")
    forced = [host.rt.jobs.run("work", force=True) for _ in range(2)]

    assert host.work.calls == 3
    assert len({answer["runId"] for answer in forced}) == 2
    assert {run["trigger"] for run in host.rt.jobs.runs("work")} == {"call", "force"}
    assert host.rt.jobs.run("work")["replayed"] is True


def test_a_job_that_nobody_declared_is_not_found(host):
    with pytest.raises(NotFound):
        host.rt.jobs.run("nothing")
    with pytest.raises(NotFound):
        host.rt.jobs.runs("nothing")


def test_a_job_has_an_app_context_and_needs_no_argument(host):
    host.rt.job("counts", cron="@hourly")(lambda: host.db.session.scalar(select(func.count(1))))

    assert host.rt.jobs.run("counts")["result"] == 1


# -- runs that go wrong -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function, answer",
    [
        (lambda days=30: days, 30),
        (lambda *, days=30: days, 30),
        (lambda **options: len(options), 0),
        (lambda task: task.job, "own"),
        (lambda task=None: task.job, "own"),
        (lambda *anything: anything[0].job, "own"),
    ],
)
def test_a_task_is_given_to_who_has_a_place_for_it(host, function, answer):
    host.rt.job("own", cron="@daily")(function)

    assert host.rt.jobs.run("own")["result"] == answer


def test_a_job_that_raises_is_tried_three_times_and_tells_no_secret(host, caplog):
    host.work.raises = LookupError("the password is hunter2")
    answers = [host.rt.jobs.run("work") for _ in range(4)]

    assert host.work.calls == 3
    assert [answer["replayed"] for answer in answers] == [False, False, False, True]
    assert all(answer["success"] is False for answer in answers)
    assert "hunter2" not in str(answers) + str(host.rt.jobs.runs("work"))
    assert "hunter2" in caplog.text
    run = host.rt.jobs.runs("work")[0]
    assert (run["status"], run["attempt"], run["error"]) == ("failed", 3, "raised LookupError")
    host.work.raises = None
    assert host.rt.jobs.run("work", force=True)["success"] is True


@pytest.mark.parametrize("answer", [{"a": object()}, float("nan"), "x" * 70_000])
def test_a_result_that_cannot_be_kept_is_a_failure(host, answer):
    host.work.answer = answer

    assert host.rt.jobs.run("work")["success"] is False


def test_a_job_that_hangs_is_given_up_and_its_late_result_is_refused(host):
    host.work.may_end.clear()
    running = host.rt.jobs.run("work", wait=0)
    assert (running["success"], running["status"]) == (None, "running")
    host.clock.advance(61)
    wait_until_ended(host)

    run = host.rt.jobs.runs("work")[0]
    assert (run["status"], run["error"]) == ("failed", "timeout")
    with pytest.raises(JobStopped, match="timeout"):
        host.work.tasks[0].check()
    host.work.may_end.set()
    join_jobs()
    assert host.rt.jobs.runs("work")[0] == run


def join_jobs():
    for thread in threading.enumerate():
        if thread.name.startswith("nexora-rt-job"):
            thread.join(20)


def test_a_caller_that_waits_gets_the_failure_instead_of_trying_again(host):
    host.work.may_end.clear()
    host.work.raises = ValueError("no")
    results = []

    def call():
        with host.app.app_context():
            results.append(host.rt.jobs.run("work"))

    first, second = threading.Thread(target=call), threading.Thread(target=call)
    first.start()
    assert host.work.began.wait(10)
    second.start()
    threading.Event().wait(0.5)
    host.work.may_end.set()
    first.join()
    second.join()

    assert host.work.calls == 1
    assert [answer["success"] for answer in results] == [False, False]


@pytest.mark.parametrize("database_url", ["?timeout=0.1"], indirect=True)
def test_who_waits_does_not_queue_with_a_job_that_keeps_all_writers_out(host):
    rows = host.state.models.outbox.__table__
    answers, began, may_end = [], threading.Event(), threading.Event()

    def write():
        host.db.session.execute(rows.insert().values(event=b"{}", owner="nobody"))
        began.set()
        assert may_end.wait(20)
        host.db.session.commit()

    def call():
        with host.app.app_context():
            answers.append(host.rt.jobs.run("writes"))

    host.rt.job("writes", cron="@daily")(write)
    threads = [threading.Thread(target=call) for _ in range(4)]
    threads[0].start()
    assert began.wait(10)
    for thread in threads[1:]:
        thread.start()
    threading.Event().wait(1)  # much longer than SQLite waits for a lock here
    may_end.set()
    for thread in threads:
        thread.join()

    assert [answer["success"] for answer in answers] == [True] * 4


# -- leases and fences --------------------------------------------------------------------------


def claim_as_dead(host):
    """Another process has claimed the slot, and dies."""
    job = host.state.jobs.registry.get("work")
    slot = job.schedule.floor(MONDAY)
    mine, run = host.state.jobs.runner.claim(job, slot, TICK)
    assert mine
    return run


def test_a_silent_owner_is_replaced_and_its_late_result_is_refused(host):
    dead = claim_as_dead(host)
    assert host.rt.jobs.run("work", wait=0)["status"] == "running"
    host.clock.advance(2)
    answer = host.rt.jobs.run("work")

    assert (answer["runId"], answer["answer"], answer["replayed"]) == (dead.id, 42, False)
    assert not host.state.jobs.ledger.finish(dead, "ok", MONDAY, '{"answer":0}', None)
    assert not host.state.jobs.ledger.renew(dead, MONDAY + timedelta(days=1))
    run = host.rt.jobs.runs("work")[0]
    assert (run["status"], run["attempt"], run["result"]) == ("ok", 2, {"answer": 42})


def test_an_owner_that_was_replaced_cannot_commit_either(host):
    host.work.may_end.clear()
    host.rt.jobs.run("work", wait=0)
    assert host.work.began.wait(10)
    task = host.work.tasks[0]
    task.confirm(host.db.session)
    host.db.session.rollback()
    run = host.state.jobs.ledger.history("work", 1)[0]
    assert host.state.jobs.ledger.take(run, TICK, "another", MONDAY, timedelta(seconds=90))

    with pytest.raises(JobStopped, match="taken the run over"):
        task.confirm(host.db.session)
    host.db.session.rollback()


def test_who_commits_last_keeps_the_run_though_its_lease_could_not_be_renewed(host):
    host.work.may_end.clear()
    host.rt.jobs.run("work", wait=0)
    assert host.work.began.wait(10)
    run = host.state.jobs.ledger.history("work", 1)[0]
    host.clock.advance(20)
    host.work.tasks[0].confirm(host.db.session)
    host.db.session.commit()

    assert host.state.jobs.ledger.get(run.id).is_live(host.state.jobs.runner.now())
    assert host.state.jobs.ledger.take(run, TICK, "me", MONDAY, timedelta(seconds=1)) is None


def test_of_many_who_take_over_one_does(host):
    claim_as_dead(host)
    host.clock.advance(2)

    def call():
        with host.app.app_context():
            return host.rt.jobs.run("work")

    assert {answer["answer"] for answer in in_threads(8, call)} == {42}
    assert host.work.calls == 1


def test_a_lease_that_was_renewed_meanwhile_is_not_taken(host):
    dead = claim_as_dead(host)
    assert host.state.jobs.ledger.renew(dead, MONDAY + timedelta(seconds=90))

    assert host.state.jobs.ledger.take(dead, TICK, "me", MONDAY, timedelta(seconds=1)) is None
    assert not host.state.jobs.ledger.abandon(dead, MONDAY, "silent")


def test_a_lease_is_renewed_while_the_job_runs(host):
    host.work.may_end.clear()
    host.rt.jobs.run("work", wait=0)
    for _ in range(8):
        host.clock.advance(0.5)
        threading.Event().wait(0.4)
        assert host.state.jobs.ledger.history("work", 1)[0].is_live(host.state.jobs.runner.now())
    host.work.may_end.set()
    wait_until_ended(host)
    assert host.rt.jobs.runs("work")[0]["attempt"] == 1


def test_a_run_whose_owners_all_die_is_abandoned(host):
    claim_as_dead(host)
    for _ in range(2):
        host.clock.advance(2)
        assert host.state.jobs.runner.claim(
            host.state.jobs.registry.get("work"), datetime(2026, 3, 2, tzinfo=UTC), HTTP
        )[0]
    host.clock.advance(2)

    assert host.rt.jobs.run("work")["success"] is False
    assert host.work.calls == 0
    assert statuses(host) == [("2026-03-02T00:00", "abandoned")]


def test_a_dead_run_that_nobody_takes_over_any_more_is_abandoned_at_the_next_slot(host):
    only_work(host)
    claim_as_dead(host)
    runner, job = host.state.jobs.runner, host.state.jobs.registry.get("work")
    host.clock.advance(60)
    forced = host.state.jobs.ledger.open(
        job.name, runner.now(), "force", "a dead one", runner.now(), timedelta(seconds=1)
    )
    assert forced is not None
    host.clock.advance(86_400)
    one = ticker(host)
    one.tick()
    for _ in range(500):
        if host.state.jobs.ledger.history("work", 1)[0].status == "ok":
            break
        threading.Event().wait(0.02)
    one.tick()

    assert statuses(host) == [
        ("2026-03-03T00:00", "ok"),
        ("2026-03-02T00:01", "abandoned"),
        ("2026-03-02T00:00", "abandoned"),
    ]


def test_a_run_that_began_in_time_is_finished_by_another_also_when_its_grace_is_over(host):
    only_work(host)
    claim_as_dead(host)
    host.clock.advance(13 * 3600)
    ticker(host).tick()
    wait_until_ended(host)

    assert host.work.calls == 1
    assert statuses(host) == [("2026-03-02T00:00", "ok")]


def test_where_only_calls_run_jobs_a_dead_run_ends_with_the_next_one(host):
    claim_as_dead(host)
    host.clock.advance(86_400)

    assert host.rt.jobs.run("work")["success"] is True
    assert statuses(host) == [("2026-03-03T00:00", "ok"), ("2026-03-02T00:00", "abandoned")]


def test_who_asks_for_a_forced_run_whose_owner_died_is_told_so(host):
    runner = host.state.jobs.runner
    run = host.state.jobs.ledger.open(
        "work", runner.now(), "force", "a dead one", runner.now(), timedelta(seconds=1)
    )
    place = f"/api/cron/work/runs/{run.id}"
    assert host.client.get(place, headers=BEARER).status_code == 202
    host.clock.advance(2)
    answer = host.client.get(place, headers=BEARER)

    assert answer.status_code == 500
    assert "fell silent" in answer.get_json()["detail"]
    assert "force=1" in answer.get_json()["detail"]


def test_a_run_of_an_older_slot_that_still_works_is_left_alone(host):
    only_work(host)
    runner, job = host.state.jobs.runner, host.state.jobs.registry.get("work")
    host.state.jobs.ledger.open(
        job.name, job.schedule.floor(MONDAY), TICK, "busy", runner.now(), timedelta(days=3)
    )
    host.clock.advance(86_400 + 13 * 3600)
    ticker(host).tick()

    assert statuses(host) == [("2026-03-03T00:00", "skipped"), ("2026-03-02T00:00", "running")]


# -- the scheduler's tick -----------------------------------------------------------------------


def test_the_tick_runs_a_slot_once_for_all_processes(host):
    only_work(host)
    tickers = [ticker(host) for _ in range(4)]
    for _ in range(3):
        for one in tickers:
            one.tick()
    wait_until_ended(host)
    for one in tickers:
        one.tick()

    assert host.work.calls == 1
    assert host.rt.jobs.runs("work")[0]["trigger"] == "tick"
    assert host.rt.jobs.run("work")["replayed"] is True


def test_a_new_job_begins_with_its_latest_slot_if_that_is_not_too_late(host):
    only_work(host)
    host.clock.advance(3 * 3600)
    ticker(host).tick()
    wait_until_ended(host)

    assert [run["trigger"] for run in host.rt.jobs.runs("work")] == ["catchup"]


def test_only_the_latest_missed_slot_is_caught_up_and_the_others_are_noted(host):
    only_work(host)
    host.rt.jobs.run("work")
    host.clock.advance(3 * 86_400)
    ticker(host).tick()
    wait_until_ended(host)

    assert statuses(host) == [
        ("2026-03-05T00:00", "ok"),
        ("2026-03-04T00:00", "skipped"),
        ("2026-03-03T00:00", "skipped"),
        ("2026-03-02T00:00", "ok"),
    ]
    assert host.work.calls == 2


def test_a_slot_past_its_grace_is_noted_and_runs_only_for_who_asks(host):
    only_work(host)
    host.clock.advance(13 * 3600)
    one = ticker(host)
    one.tick()
    one.tick()
    assert statuses(host) == [("2026-03-02T00:00", "skipped")]
    assert host.work.calls == 0

    assert host.rt.jobs.run("work")["success"] is True
    assert statuses(host) == [("2026-03-02T00:00", "ok")]


def test_a_slot_may_begin_though_no_grace_is_given_because_nobody_looks_at_its_very_moment(host):
    only_work(host)
    host.rt.job("prompt", cron="0 0 * * *", grace=0)(lambda: None)
    ticker(host).tick()
    wait_until_ended(host, "prompt")

    assert statuses(host, "prompt") == [("2026-03-02T00:00", "ok")]


def test_a_job_that_stood_still_for_long_notes_a_bounded_number_of_slots(host):
    only_work(host)
    host.rt.job("often", cron="* * * * *")(lambda: None)
    host.rt.jobs.run("often")
    host.clock.advance(86_400)
    ticker(host).tick()
    wait_until_ended(host, "often")

    with_rows = host.state.jobs.ledger.history("often", 1000)
    assert [run.status for run in with_rows].count("skipped") == 100
    assert len(with_rows) == 102


def test_a_failed_run_is_tried_again_by_the_tick_after_a_rest(host):
    only_work(host)
    host.work.raises = ValueError("not yet")
    one = ticker(host)
    one.tick()
    wait_until_ended(host)
    one.tick()
    assert host.work.calls == 1
    host.work.raises = None
    host.clock.advance(61)
    one.tick()
    wait_until_ended(host)

    assert host.work.calls == 2
    assert statuses(host) == [("2026-03-02T00:00", "ok")]


def test_the_tick_does_not_begin_a_job_that_still_runs_for_the_slot_before(host):
    only_work(host)
    work = Work()
    work.may_end.clear()
    host.rt.job("slow", cron="* * * * *", timeout=600)(work)
    one = ticker(host)
    one.tick()
    assert work.began.wait(10)
    run = host.state.jobs.ledger.history("slow", 1)[0]
    host.state.jobs.ledger.renew(run, MONDAY + timedelta(minutes=5))
    host.clock.advance(40)
    one.tick()
    assert work.calls == 1
    work.may_end.set()
    wait_until_ended(host, "slow")
    one.tick()
    wait_until_ended(host, "slow")
    assert work.calls == 2


def test_a_database_without_the_tables_is_said_once_and_waited_for(host, caplog):
    only_work(host)
    host.db.drop_all()
    one = ticker(host)
    one.tick()
    one.tick()
    assert caplog.text.count("jobs wait for their ledger") == 1
    host.db.create_all()
    one.tick()
    wait_until_ended(host)
    assert host.work.calls == 1


# -- what is seen of it -------------------------------------------------------------------------


def test_a_job_is_overdue_when_it_has_run_before_and_its_slot_has_passed_its_grace(host):
    assert host.rt.jobs.overdue() == []
    host.rt.jobs.run("work")
    host.clock.advance(86_400)
    assert host.rt.jobs.overdue() == []
    host.clock.advance(13 * 3600)
    assert host.rt.jobs.overdue() == ["work"]
    health = host.client.get("/api/realtime/health")
    assert health.status_code == 200
    assert health.get_json()["scheduler"]["overdue"] == ["work"]
    assert health.get_json()["scheduler"]["ok"] is False
    host.rt.jobs.run("work")
    assert host.rt.jobs.overdue() == []


def test_a_job_that_has_only_been_run_by_hand_is_not_overdue(host):
    only_work(host)
    host.clock.advance(13 * 3600)
    ticker(host).tick()
    assert statuses(host) == [("2026-03-02T00:00", "skipped")]
    host.rt.jobs.run("work", force=True)

    assert host.rt.jobs.overdue() == []


def test_health_says_that_the_job_runs_cannot_be_read(host):
    host.db.drop_all()
    answer = host.client.get("/api/realtime/health")

    assert answer.status_code == 200
    assert answer.get_json()["scheduler"]["error"] == "the job runs cannot be read"
