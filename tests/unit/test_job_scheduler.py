"""When the job scheduler starts by itself, and what it leaves alone."""

import threading

import pytest
from flask import Flask
from flask_apscheduler import APScheduler
from flask_sqlalchemy import SQLAlchemy

from flask_nexora_rt import NexoraRT
from flask_nexora_rt.scheduling.scheduler import Scheduler, start_all, stop_all
from tests.unit.host import SECRET


@pytest.fixture
def make_app(tmp_path):
    """Makes an app as a server would run it, and starts nothing."""
    made = []

    def make(with_database=True, rt=None, url=None, before=None, **config):
        app, db = Flask("scheduled"), SQLAlchemy()
        url = url or f"sqlite:///{tmp_path}/{len(made)}.db"
        app.config.update(SQLALCHEMY_DATABASE_URI=url, NEXORA_RT_SECRET=SECRET, **config)
        if before is not None:
            before(app)
        db.init_app(app)
        (rt or NexoraRT()).init_app(app, db=db if with_database else None)
        app.add_url_rule("/", view_func=lambda: "ok")
        if with_database:
            with app.app_context():
                db.create_all()
        made.append((app, db))
        return app

    yield make
    for app, db in made:
        state = app.extensions["nexora_rt"]
        state.jobs.scheduler.stop()
        with app.app_context():
            db.engine.dispose()
        state.runtime.close()


def reason(app):
    return app.extensions["nexora_rt"].jobs.scheduler.reason


def tick_threads():
    return [thread for thread in threading.enumerate() if thread.name == "APScheduler"]


def test_nothing_starts_before_the_first_request_and_then_it_runs_once(make_app):
    app = make_app()
    assert tick_threads() == []
    assert "first request" in reason(app)
    for _ in range(3):
        app.test_client().get("/")

    assert reason(app) is None
    assert len(tick_threads()) == 1
    app.extensions["nexora_rt"].jobs.scheduler.stop()
    assert "stopped" in reason(app)


def test_a_new_worker_starts_the_schedulers_of_all_its_apps(make_app):
    apps = [make_app(), make_app(NEXORA_RT_SCHEDULER="off")]
    start_all()

    assert reason(apps[0]) is None
    assert "off" in reason(apps[1])
    stop_all()
    assert "stopped" in reason(apps[0])


@pytest.mark.parametrize(
    "config, why",
    [
        ({"NEXORA_RT_SCHEDULER": "off"}, "NEXORA_RT_SCHEDULER is off"),
        ({"TESTING": True}, "app.testing is set"),
        ({"url": "sqlite://"}, "the database is in memory"),
    ],
)
def test_it_says_once_why_it_does_not_start(make_app, caplog, config, why):
    app = make_app(**config)
    for _ in range(3):
        app.test_client().get("/")

    lines = [record.getMessage() for record in caplog.records if "scheduler" in record.name]
    assert len(lines) == 1
    assert why in lines[0]
    assert why in reason(app)
    assert tick_threads() == []


def test_jobs_without_a_database_are_said_and_no_jobs_are_silent(make_app, caplog):
    make_app(with_database=False).test_client().get("/")
    assert "scheduler" not in caplog.text
    rt = NexoraRT()
    rt.job("mine", cron="@daily")(lambda: None)
    make_app(with_database=False, rt=rt).test_client().get("/")

    assert "jobs need the database" in caplog.text


def test_it_starts_though_flask_debug_is_set_outside_the_reloader(make_app, monkeypatch):
    monkeypatch.setenv("FLASK_DEBUG", "1")
    app = make_app()
    app.test_client().get("/")

    assert reason(app) is None


def test_the_hosts_own_scheduler_is_left_alone(make_app):
    host_scheduler = APScheduler()
    jobs = [{"id": "of-the-host", "func": "time:time", "trigger": "interval", "seconds": 999}]
    app = make_app(before=host_scheduler.init_app, SCHEDULER_JOBS=jobs, SCHEDULER_API_ENABLED=False)
    app.test_client().get("/")

    assert app.apscheduler is host_scheduler
    assert [job.id for job in host_scheduler.get_jobs()] == ["of-the-host"]
    assert host_scheduler.running is False
    assert not [rule for rule in app.url_map.iter_rules() if "scheduler" in rule.rule]


def test_a_tick_that_fails_is_logged_and_the_next_one_comes(make_app, caplog):
    ticks, enough = [], threading.Event()

    def tick():
        ticks.append(1)
        if len(ticks) == 3:
            enough.set()
        raise LookupError("broken")

    scheduler = Scheduler(make_app(), [tick], 0.05)
    scheduler.start()
    assert enough.wait(10)
    scheduler.stop()
    assert caplog.text.count("a tick of the job scheduler has failed") >= 2


@pytest.mark.parametrize(
    "name, options",
    [
        ("", {}),
        ("with space", {}),
        ("../up", {}),
        ("UPPER", {}),
        ("x" * 65, {}),
        ("fine", {"timeout": 0}),
        ("fine", {"timeout": float("nan")}),
        ("fine", {"grace": -1}),
        ("fine", {"grace": float("nan")}),
        ("fine", {"timezone": "Nowhere"}),
        ("fine", {"cron": "often"}),
    ],
)
def test_a_job_that_cannot_be_is_refused_where_it_is_declared(name, options):
    with pytest.raises(ValueError, match=r"\S"):
        NexoraRT().job(name, **{"cron": "@daily", **options})(lambda: None)


def test_a_coroutine_function_is_refused_where_it_is_declared():
    async def work():
        pass

    with pytest.raises(ValueError, match="not a coroutine"):
        NexoraRT().job("work", cron="@daily")(work)


def test_a_name_is_declared_once_and_may_be_a_built_in_one(make_app):
    rt = NexoraRT()
    rt.job("oracle", cron="@hourly")(lambda: {"mine": True})
    with pytest.raises(ValueError, match="declared before"):
        rt.job("oracle", cron="@hourly")(lambda: None)

    with make_app(rt=rt).app_context():
        assert rt.jobs.run("oracle")["mine"] is True
        assert [job["name"] for job in rt.jobs.overview()] == ["oracle", "trust-decay", "retention"]


def test_jobs_run_on_a_database_in_memory_when_they_are_asked_for(make_app):
    rt = NexoraRT()
    rt.job("mine", cron="@daily")(lambda: 7)
    with make_app(rt=rt, url="sqlite://").app_context():
        assert rt.jobs.run("mine")["result"] == 7
        assert rt.jobs.run("mine")["replayed"] is True
        assert rt.jobs.run("oracle")["success"] is True
