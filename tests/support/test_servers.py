"""The HTTP servers of the tests start, report and end as the tests rely on."""

import os
import signal

import pytest
import requests

from tests.support.ports import wait_until

APP = "tests.support.plain_app:app"


def plain(gunicorn, **options):
    return gunicorn(APP, config=None, **options)


def answer(server):
    return requests.get(server.url, timeout=5).text.split()


def test_gunicorn_answers_and_knows_its_workers(gunicorn):
    server = plain(gunicorn, workers=2, env={"GREETING": "hello"})
    pid, greeting = answer(server)

    assert greeting == "hello"
    assert int(pid) in server.pids()
    assert len(server.pids()) == 2


@pytest.mark.parametrize("worker_class, options", [("gevent", {}), ("gthread", {"threads": 4})])
def test_worker_class_is_a_choice(gunicorn, worker_class, options):
    server = plain(gunicorn, worker_class=worker_class, **options)

    server.wait_log(f"Using worker: {worker_class}")
    assert answer(server)


def test_reload_replaces_the_workers(gunicorn):
    server = plain(gunicorn)
    (old,) = server.pids()

    server.signal(signal.SIGHUP)

    wait_until(lambda: server.pids() not in ([old], []) and old not in server.pids(), 10)


def test_killed_worker_is_replaced(gunicorn):
    server = plain(gunicorn)
    (old,) = server.pids()

    server.signal_workers(signal.SIGKILL)

    wait_until(lambda: server.pids() and old not in server.pids(), 10)


def test_stopped_server_has_ended_well(gunicorn):
    server = plain(gunicorn)
    (worker,) = server.pids()

    assert server.stop() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


def test_app_that_does_not_start_shows_why(gunicorn):
    with pytest.raises(RuntimeError, match="No module named 'tests.no_such_app'"):
        gunicorn("tests.no_such_app:app", config=None)


def test_flask_run_answers(flask_run):
    server = flask_run(APP, env={"GREETING": "hello"})

    assert answer(server)[1] == "hello"
