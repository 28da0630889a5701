"""The cache between real processes."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
import requests
from flask_caching import Cache

from flask_nexora_rt import NexoraRT
from flask_nexora_rt.testing import make_app


@pytest.fixture(params=["RedisCache", "FileSystemCache"])
def config(request, tmp_path, redis_url, app_id):
    if request.param == "RedisCache":
        return {"NEXORA_RT_URL": redis_url, "NEXORA_RT_APP_ID": app_id}
    folder = str(tmp_path / "cache")
    return {"CACHE_TYPE": request.param, "CACHE_DIR": folder, "NEXORA_RT_APP_ID": app_id}


@pytest.fixture
def start(config, tmp_path):
    """Starts a process of `tests.support.cache_process`, which waits for `go`."""
    with ExitStack() as ending:

        def start_one(threads, seconds, lock_timeout=10.0):
            asked = {
                "config": config,
                "key": "cold",
                "threads": threads,
                "seconds": seconds,
                "runs": str(tmp_path / "runs"),
                "lock_timeout": lock_timeout,
            }
            command = [sys.executable, "-m", "tests.support.cache_process", json.dumps(asked)]
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            ending.callback(process.communicate)
            ending.callback(process.kill)
            return process

        yield start_one


def go(*processes):
    """Wait until all are ready and let them ask."""
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()


def runs(tmp_path):
    file = tmp_path / "runs"
    return file.read_text().count("run") if file.exists() else 0


def test_fifty_threads_in_four_processes_run_one_factory(start, tmp_path):
    processes = [start(threads=50, seconds=0.3, lock_timeout=60) for _ in range(4)]

    go(*processes)
    told = [json.loads(process.stdout.readline()) for process in processes]

    assert [answer for one in told for answer in one["answers"]] == ["made"] * 200
    assert runs(tmp_path) == 1
    assert sum(one["stats"]["process"]["factory_runs"] for one in told) == 1
    assert max(one["stats"]["factory_runs"] for one in told) == 1, "the sum over all processes"


def test_the_lock_of_a_killed_holder_delays_others_by_its_time_at_most(config, start, tmp_path):
    lock_seconds = 2.0
    holder = start(threads=1, seconds=600, lock_timeout=lock_seconds)
    go(holder)
    while not runs(tmp_path):
        time.sleep(0.01)
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    rt = NexoraRT()
    app = make_app(rt, **config)
    if "CACHE_TYPE" in config:
        Cache(app)

    with app.app_context():
        began = time.monotonic()
        value = rt.cache.get_or_set("cold", lambda: "next", 60, wait_timeout=100)
        taken = time.monotonic() - began
        waited_too_long = rt.cache.stats()["process"]["wait_timeouts"]
    app.extensions["nexora_rt"].runtime.close()

    assert value == "next"
    assert waited_too_long == 0
    assert taken < lock_seconds + 3  # what a busy machine may add


@pytest.mark.parametrize("worker", ["gevent", "gthread"])
def test_workers_of_a_preloaded_app_share_values_and_factories(
    gunicorn, redis_url, app_id, worker, tmp_path
):
    server = gunicorn(
        "tests.support.cache_app:app",
        workers=2,
        worker_class=worker,
        threads=8,
        extra_args=["--preload"],
        env={
            "FLASK_NEXORA_RT_URL": redis_url,
            "FLASK_NEXORA_RT_APP_ID": app_id,
            "FLASK_NEXORA_RT_SECRET": "x" * 32,
            "CACHE_RUNS": str(tmp_path / "runs"),
        },
    )
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: requests.get(f"{server.url}/cold").json(), range(16)))
    assert {answer["value"] for answer in answers} == {"made"}
    assert runs(tmp_path) == 1

    pids = {answer["pid"] for answer in answers}
    while len(pids) < 2:
        pids.add(requests.get(f"{server.url}/cold").json()["pid"])
    assert runs(tmp_path) == 1, "both workers had the value of one"
