"""A cache that processes share is warmed by the scheduler: one of them fills it for all."""

import pytest
from flask_caching import Cache
from flask_sqlalchemy import SQLAlchemy

from flask_nexora_rt import NexoraRT
from flask_nexora_rt.scheduling.ticker import Ticker
from flask_nexora_rt.testing import Clock, make_app


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path}/jobs.db"


@pytest.fixture
def make_worker(database_url, tmp_path):
    """Makes the app of one more worker: on the same database and the same cache."""
    made = []

    def make(warm, cache_type="FileSystemCache"):
        rt, db = NexoraRT(), SQLAlchemy()
        rt.warm_up("leaders", every=600)(lambda: warm(rt))
        rt.warm_up("by-hand")(lambda: pytest.fail("nobody has asked"))
        cache = {"CACHE_TYPE": cache_type, "CACHE_DIR": str(tmp_path / "cache")}
        app = make_app(rt, db=db, SQLALCHEMY_DATABASE_URI=database_url, **cache)
        Cache(app)
        state = app.extensions["nexora_rt"]
        state.clock = Clock(1_772_409_600.0)  # a slot: divisible by 600
        with app.app_context():
            db.create_all()
        made.append((app, db))
        return rt, state

    yield make
    for app, db in made:
        with app.app_context():
            db.session.remove()
            db.drop_all()
            db.engine.dispose()
        app.extensions["nexora_rt"].runtime.close()


def jobs_of(state):
    return [job.name for job in state.jobs.registry]


def tick(state):
    """One look at the clock by this worker's scheduler, and what it begins."""
    ticker = Ticker(state.jobs.registry, state.jobs.ledger, state.jobs.runner)
    with state.app.app_context():
        ticker.tick()
        if "warm-leaders" in jobs_of(state):
            state.jobs.service.run("warm-leaders")  # waits for it


def test_one_worker_fills_it_for_all(make_worker):
    ran = []
    workers = [
        make_worker(lambda rt, n=n: (ran.append(n), rt.cache.set("leaders", "x", 900)))
        for n in range(2)
    ]
    for _, state in workers:
        tick(state)
    assert len(ran) == 1

    for rt, state in workers:
        with state.app.app_context():
            assert rt.cache.get("leaders") == "x"

    for _, state in workers:
        state.clock.advance(600)
    for _, state in reversed(workers):
        tick(state)
    assert len(ran) == 2


def test_what_a_warm_up_raises_is_in_the_ledger(make_worker):
    def warm(rt):
        raise ValueError("no data")

    rt, state = make_worker(warm)
    tick(state)

    with state.app.app_context():
        runs = rt.jobs.runs("warm-leaders")
    assert runs[0]["status"] == "failed"
    assert runs[0]["error"] == "raised ValueError"


def test_a_cache_of_one_process_has_no_job(make_worker):
    _, state = make_worker(lambda rt: None, cache_type="SimpleCache")

    assert [name for name in jobs_of(state) if name.startswith("warm-")] == []
