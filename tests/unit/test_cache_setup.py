"""Which store the cache takes, warm-ups, the shell and the figures."""

import json
import logging
import subprocess
import sys
import threading

import pytest
from cachelib.serializers import JSONSerializer
from flask import Flask
from flask_caching import Cache
from flask_caching.backends import BaseCache

from flask_nexora_rt import BadRequest, ConfigurationError, NexoraRT, NotServable, Uncacheable
from flask_nexora_rt.metrics import render
from flask_nexora_rt.testing import make_app


class Opaque(BaseCache):
    """A host's own backend: nobody knows what it has inside."""

    held: dict = {}  # noqa: RUF012 - one per test process is what a server would be

    def get(self, key):
        return self.held.get(key)

    def set(self, key, value, timeout=None):
        self.held[key] = value
        return True

    def delete(self, key):
        return self.held.pop(key, None) is not None


@pytest.fixture
def host_with():
    """Makes an app with a host cache: `host_with(CACHE_TYPE=...)`."""
    made = []

    def make(rt=None, **config):
        rt = rt or NexoraRT()
        app = make_app(rt, **config)
        made.append(app)
        return rt, app, Cache(app) if "CACHE_TYPE" in config else None

    yield make
    for app in made:
        app.extensions["nexora_rt"].runtime.close()


def test_the_hosts_cache_is_where_values_are(host_with):
    rt, app, cache = host_with(CACHE_TYPE="SimpleCache")

    with app.app_context():
        rt.cache.set("key", 1, 60)
        assert rt.cache.has("key")
        cache.clear()
        assert not rt.cache.has("key"), "what the host clears is gone here too"


def test_of_several_caches_the_given_one_is_taken():
    rt, app = NexoraRT(), Flask("host")
    app.config.update(TESTING=True, NEXORA_RT_SECRET="x" * 16)
    Cache(app, config={"CACHE_TYPE": "NullCache", "CACHE_NO_NULL_WARNING": True})
    second = Cache(app, config={"CACHE_TYPE": "SimpleCache"})
    rt.init_app(app, cache=second)

    with app.app_context():
        rt.cache.set("key", 1, 60)
        assert rt.cache.has("key")


def test_a_cache_that_is_not_set_up_is_told_of(host_with):
    app, rt = Flask("host"), NexoraRT()
    app.config.update(TESTING=True, NEXORA_RT_SECRET="x" * 16)
    rt.init_app(app, cache=Cache())

    with app.app_context(), pytest.raises(ConfigurationError, match="cache.init_app"):
        rt.cache.get("key")


def test_a_null_cache_keeps_nothing_and_shares_one_factory(host_with):
    rt, app, _ = host_with(CACHE_TYPE="NullCache", CACHE_NO_NULL_WARNING=True)
    gate, runs = threading.Event(), []

    def factory():
        runs.append(1)
        assert gate.wait(10)
        return "made"

    def ask(answers):
        with app.app_context():
            answers.append(rt.cache.get_or_set("key", factory, 60))

    answers = []
    threads = [threading.Thread(target=ask, args=(answers,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    with app.app_context():
        while rt.cache.stats()["lock_waits"] < 2:
            threading.Event().wait(0.005)
        gate.set()
        for thread in threads:
            thread.join()
        assert answers == ["made"] * 3
        assert len(runs) == 1
        assert not rt.cache.has("key")
        assert rt.cache.clear()


def test_a_backend_of_the_hosts_own_works_but_cannot_be_searched(host_with):
    rt, app, _ = host_with(CACHE_TYPE=f"{__name__}.Opaque")
    sys.modules[__name__].Opaque.held.clear()

    with app.app_context():
        assert rt.cache.get_or_set("key", lambda: None, 60) is None
        assert rt.cache.has("key")
        rt.cache.delete("key")
        assert not rt.cache.has("key")
        with pytest.raises(Uncacheable):
            rt.cache.set("key", threading.Lock())
        with pytest.raises(NotServable, match="cannot say which keys"):
            rt.cache.clear()
        assert rt.cache.stats()["total"] is None


def test_the_hosts_serializer_is_used(host_with, redis_url, app_id):
    rt, app, cache = host_with(
        CACHE_TYPE="RedisCache",
        CACHE_REDIS_URL=redis_url,
        CACHE_SERIALIZER=JSONSerializer(),
        NEXORA_RT_APP_ID=app_id,
    )
    with app.app_context():
        cache.cache.serializer.loads = lambda raw: raw and json.loads(raw)
        assert rt.cache.get_or_set("key", lambda: {"a": None}, 60) == {"a": None}
        assert rt.cache.get("key") == {"a": None}
        with pytest.raises(Uncacheable):
            rt.cache.set("key", {1, 2})
        rt.cache.clear()


def test_an_entry_that_cannot_be_read_any_more_is_made_anew(host_with, tmp_path, caplog):
    rt, app, cache = host_with(CACHE_TYPE="SimpleCache")

    with app.app_context():
        rt.cache.set("key", 1, 60)
        rt.cache.set("other", 1, 60)
        (name,) = [n for n in cache.cache._cache if n.endswith(":key")]
        gone = b"cno_such_module\nThing\n."
        cache.cache._cache[name] = (0, gone)

        assert rt.cache.get("key") is None
        assert rt.cache.get("other") == 1, "one bad entry is no outage"
        assert "reading the cache key 'key'" in caplog.text
        assert rt.cache.set("key", 2, 60)
        assert rt.cache.get("key") == 2


def test_importing_the_package_brings_no_redis():
    code = "import sys, flask_nexora_rt, flask_nexora_rt.cache.service as s; "
    code += "print([m for m in ('gevent', 'redis') if m in sys.modules])"

    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


# -- warm-ups -------------------------------------------------------------------------------------


def make_warm(host_with):
    rt, ran = NexoraRT(), []

    @rt.warm_up("profiles", every=60)
    def profiles():
        ran.append("profiles")

    @rt.warm_up("broken")
    def broken():
        raise ValueError("no data")

    @rt.warm_up("last")
    def last():
        ran.append("last")

    return rt, host_with(rt)[1], ran


def test_warm_ups_run_in_order_and_one_that_fails_does_not_stop_the_others(host_with, caplog):
    rt, app, ran = make_warm(host_with)

    with app.app_context():
        report = rt.warm()

    assert ran == ["profiles", "last"]
    assert [(run["name"], run["error"]) for run in report] == [
        ("profiles", None),
        ("broken", "ValueError: no data"),
        ("last", None),
    ]
    assert "warm-up broken has failed" in caplog.text


def test_warm_ups_run_by_name(host_with):
    rt, app, ran = make_warm(host_with)

    with app.app_context():
        rt.warm(["last"])
        with pytest.raises(BadRequest, match="nothing; declared: broken, last, profiles"):
            rt.warm(["nothing"])

    assert ran == ["last"]


def test_a_warm_up_needs_a_name_of_its_own_and_a_time():
    rt = NexoraRT()
    rt.warm_up("one")(print)

    with pytest.raises(ConfigurationError, match="one"):
        rt.warm_up("one")
    with pytest.raises(BadRequest, match="every"):
        rt.warm_up("two", every=-1)
    with pytest.raises(BadRequest, match="a second or more"):
        rt.warm_up("two", every=0)


# -- the shell and the figures --------------------------------------------------------------------


def test_the_shell_shows_clears_and_warms(host_with, tmp_path, app_id):
    rt = NexoraRT()
    rt.warm_up("one")(lambda: rt.cache.set("user:1", 1, 60))
    _, app, _ = host_with(
        rt, CACHE_TYPE="FileSystemCache", CACHE_DIR=str(tmp_path), NEXORA_RT_APP_ID=app_id
    )
    run = app.test_cli_runner().invoke

    warmed = run(args=["nexora-rt", "cache", "warm"])
    assert (warmed.exit_code, "one" in warmed.output) == (0, True)
    shown = json.loads(run(args=["nexora-rt", "cache", "stats"]).output)
    assert (shown["total"], shown["sets"]) == (1, 1)
    assert run(args=["nexora-rt", "cache", "clear", "guild:"]).exit_code == 0
    with app.app_context():
        assert rt.cache.has("user:1")
    assert run(args=["nexora-rt", "cache", "clear"]).exit_code == 0
    with app.app_context():
        assert not rt.cache.has("user:1")


def test_the_shell_says_when_it_failed(host_with, tmp_path, app_id):
    rt = NexoraRT()
    rt.warm_up("broken")(lambda: 1 / 0)
    _, app, _ = host_with(
        rt, CACHE_TYPE="FileSystemCache", CACHE_DIR=str(tmp_path), NEXORA_RT_APP_ID=app_id
    )
    run = app.test_cli_runner().invoke

    broken = run(args=["nexora-rt", "cache", "warm"])
    assert (broken.exit_code, "division by zero" in broken.output) == (1, True)
    assert run(args=["nexora-rt", "cache", "warm", "nothing"]).exit_code == 1


def test_the_shell_cannot_reach_into_a_servers_memory(host_with):
    _, app, _ = host_with(CACHE_TYPE="SimpleCache")

    answer = app.test_cli_runner().invoke(args=["nexora-rt", "cache", "clear"])

    assert answer.exit_code == 1
    assert "inside the server's process" in answer.output


def test_prometheus_is_told_of_the_cache(host_with):
    rt, app, _ = host_with(CACHE_TYPE="SimpleCache")

    with app.app_context():
        rt.cache.get_or_set("key", lambda: 1, 60)
        rt.cache.get("key")
        text = render(app.extensions["nexora_rt"]).decode()

    assert "nexora_rt_cache_hits_total 1.0" in text
    assert "nexora_rt_cache_factory_runs_total 1.0" in text


def test_totals_that_cannot_be_told_are_kept(host_with, caplog):
    rt, app, _ = host_with(CACHE_TYPE="SimpleCache")
    caplog.set_level(logging.INFO)

    with app.app_context():
        statistics = rt.cache._statistics
        add = statistics._totals.add
        statistics._totals.add = lambda amounts: 1 / 0
        rt.cache.get("key")
        assert rt.cache.stats()["misses"] == 1, "this process's own meanwhile"
        statistics._totals.add = add
        rt.cache.get("key")
        assert rt.cache.stats()["misses"] == 2
        assert add.__self__.read() == {"misses": 2}
