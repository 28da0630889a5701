"""Jobs under real servers: each slot once, whoever asks and whoever dies."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import psycopg
import pytest
import requests

from tests.support.ports import wait_until
from tests.support.servers import ROOT, environment

SECRET = "a cron secret for the end-to-end tests"
APP = "tests.e2e.jobs_app:app"
HEADERS = {"Authorization": f"Bearer {SECRET}"}


@pytest.fixture
def place(tmp_path):
    """Where the app keeps its database and its notes."""
    url = f"sqlite:///{tmp_path}/jobs.db"
    env = {"E2E_DATABASE": url, "E2E_NOTES": str(tmp_path), "E2E_CRON_SECRET": SECRET}
    return SimpleNamespace(path=tmp_path, env=env)


def notes(place, name="began"):
    file = place.path / name
    return file.read_text().split() if file.exists() else []


def call(server, path="work", method="GET"):
    return requests.request(method, f"{server.url}/api/cron/{path}", headers=HEADERS, timeout=40)


def runs(server, name="work"):
    return call(server, f"{name}/runs").json()["runs"]


def command(place, *arguments, env=None):
    """`flask nexora-rt ...` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", APP, "nexora-rt", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment({**place.env, **(env or {})}),
    )


def finish(process):
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


def wait_until_done(server, timeout=20):
    wait_until(
        lambda: [run["status"] for run in runs(server)] == ["ok"], timeout, "the run has gone well"
    )


def test_workers_schedulers_calls_and_a_command_make_one_run(gunicorn, place, postgres_url):
    place.env |= {"E2E_DATABASE": postgres_url, "E2E_JOB_SECONDS": "2"}
    server = gunicorn(APP, workers=4, env=place.env, ready_path="/count")
    by_command = command(place, "jobs", "run", "work")
    with ThreadPoolExecutor(20) as pool:
        methods = ["GET", "POST"] * 10
        answers = list(pool.map(lambda method: call(server, method=method), methods))
    printed = json.loads(finish(by_command))

    assert {answer.status_code for answer in answers} == {200}
    bodies = [answer.json() for answer in answers]
    assert len({(body["runId"], body["pid"], body["timestamp"]) for body in bodies}) == 1
    assert (printed["runId"], printed["pid"]) == (bodies[0]["runId"], bodies[0]["pid"])
    assert len(notes(place)) == 1
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT count(*) FROM done").fetchone() == (1,)
    assert [run["attempt"] for run in runs(server)] == [1]


def test_a_long_run_is_answered_202_with_the_place_of_its_result(gunicorn, place):
    (place.path / "hold").touch()
    env = {**place.env, "FLASK_NEXORA_RT_JOB_WAIT_SECONDS": "1"}
    server = gunicorn(APP, workers=2, env=env, ready_path="/count")
    answer = call(server)

    assert answer.status_code == 202
    assert answer.json()["status"] == "running"
    location = f"{server.url}{answer.headers['Location']}"
    assert requests.get(location, headers=HEADERS, timeout=10).status_code == 202
    (place.path / "hold").unlink()
    wait_until_done(server)
    result = requests.get(location, headers=HEADERS, timeout=10)
    assert result.status_code == 200
    assert result.json()["runId"] == answer.json()["runId"]
    assert requests.get(location, timeout=10).status_code == 401


def test_another_worker_finishes_the_run_of_one_that_is_killed(gunicorn, place):
    (place.path / "hold").touch()
    server = gunicorn(APP, workers=3, env=place.env, ready_path="/count")
    wait_until(lambda: notes(place), 20, "the job has begun")
    os.kill(int(notes(place)[0]), signal.SIGKILL)
    wait_until(lambda: len(notes(place)) == 2, 20, "another has taken it over")
    (place.path / "hold").unlink()
    wait_until_done(server)

    first, second = notes(place)
    assert first != second
    run = runs(server)[0]
    assert (run["attempt"], run["result"]) == (2, {"pid": int(second)})
    assert len(call(server).json()["runId"]) == 32
    assert len(notes(place)) == 2


def test_what_a_stopped_worker_writes_late_is_refused(gunicorn, place, postgres_url):
    # A worker that is stopped while it writes holds all of SQLite, but one row of PostgreSQL.
    place.env["E2E_DATABASE"] = postgres_url
    (place.path / "hold").touch()
    server = gunicorn(APP, workers=3, env=place.env, ready_path="/count")
    wait_until(lambda: notes(place), 20, "the job has begun")
    stopped = int(notes(place)[0])
    os.kill(stopped, signal.SIGSTOP)
    try:
        wait_until(lambda: len(notes(place)) == 2, 20, "another has taken it over")
        (place.path / "hold").unlink()
        # A stopped worker still takes connections, and never answers them.
        printed = finish(command(place, "jobs", "run", "work"))
    finally:
        os.kill(stopped, signal.SIGCONT)
    server.wait_log("taken the run over")

    run = runs(server)[0]
    assert run["result"] == {"pid": json.loads(printed)["pid"]}
    assert run["result"]["pid"] != stopped
    assert (run["status"], run["attempt"]) == ("ok", 2)
    table = finish(command(place, "jobs", "runs", "work"))
    assert table.count(" ok ") == 1


@pytest.mark.parametrize("worker_class, threads", [("gevent", None), ("gthread", 4)])
@pytest.mark.parametrize(
    "extra, env",
    [((), {}), (("--preload",), {}), ((), {"FLASK_DEBUG": "1"})],
    ids=["plain", "preload", "debug"],
)
def test_schedulers_run_by_themselves_in_every_worker(
    gunicorn, place, worker_class, threads, extra, env
):
    server = gunicorn(
        APP,
        workers=2,
        worker_class=worker_class,
        threads=threads,
        extra_args=extra,
        env={**place.env, **env},
        ready_path="/count",
    )
    wait_until_done(server)

    assert len(notes(place)) == 1
    assert int(notes(place)[0]) in server.pids()
    assert runs(server)[0]["trigger"] == "catchup"


def test_without_the_gunicorn_helper_the_first_request_starts_it(gunicorn, place):
    server = gunicorn(APP, config=None, env=place.env, ready_path="/count")
    wait_until_done(server)

    health = requests.get(f"{server.url}/api/realtime/health", timeout=10).json()
    assert health["scheduler"]["running"] is True


@pytest.mark.parametrize("debug", ["0", "1"])
def test_flask_run_runs_jobs_once_also_with_the_reloader(flask_run, place, debug):
    server = flask_run(APP, env={**place.env, "FLASK_DEBUG": debug}, ready_path="/count")
    wait_until_done(server)

    assert len(notes(place)) == 1


def test_a_scheduler_that_is_off_says_so_and_calls_still_run_jobs(gunicorn, place):
    env = {**place.env, "FLASK_NEXORA_RT_SCHEDULER": "off"}
    server = gunicorn(APP, env=env, ready_path="/count")
    server.wait_log("NEXORA_RT_SCHEDULER is off")

    health = requests.get(f"{server.url}/api/realtime/health", timeout=10).json()
    assert health["scheduler"]["running"] is False
    assert "off" in health["scheduler"]["reason"]
    assert notes(place) == []
    assert call(server).json()["success"] is True


def test_the_scheduler_runs_alone_and_ends_when_told(place):
    process = command(place, "scheduler", env={"FLASK_NEXORA_RT_SCHEDULER": "off"})
    try:
        wait_until(lambda: notes(place), 20, "the job has begun")
    finally:
        process.terminate()
        _, err = process.communicate(timeout=20)

    assert process.returncode == 0, err
    assert finish(command(place, "jobs")).splitlines()[0].startswith("name")
    assert len(notes(place)) == 1


def test_a_command_says_what_is_wrong_in_one_line(place):
    process = command(place, "jobs", "run", "no-such-job")
    out, err = process.communicate(timeout=60)

    assert process.returncode == 1
    assert err.strip().splitlines()[-1] == "Error: there is no job 'no-such-job'"
    assert "Traceback" not in out + err
