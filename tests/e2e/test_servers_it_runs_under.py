"""The servers a host may use, and those that cannot work and say so."""

import pytest
import requests

from tests.e2e.conftest import APP, open_streams, post, sign_in, stream_url, trigger


def assert_streams_work(server, sse):
    client = sse(stream_url(server, "public-1"))
    assert client.status == 200
    client.take_until("pusher:subscription_succeeded")
    trigger(server, "public-1", data={"n": 1})
    assert client.take_until("tick")[-1].json() == {"channel": "public-1", "data": {"n": 1}}


@pytest.mark.parametrize(
    "options",
    [
        {"worker_class": "gevent"},
        {"worker_class": "gevent", "config": None},
        {"worker_class": "gevent", "extra_args": ("--preload",)},
        {"worker_class": "gevent", "env": {"FLASK_NEXORA_RT_TRANSPORT": "wsgi"}},
        {"worker_class": "gthread", "threads": 8},
        {"worker_class": "gthread", "threads": 8, "extra_args": ("--preload",)},
    ],
    ids=["gevent", "gevent-no-helper", "gevent-preload", "gevent-wsgi", "gthread", "preload"],
)
def test_it_works_under_gunicorn(serve, redis_url, sse, options):
    assert_streams_work(serve(redis_url, **options), sse)


@pytest.mark.parametrize("debug", [False, True])
def test_it_works_under_flask_run_in_memory(flask_run, app_id, sse, debug):
    server = flask_run(
        APP, debug=debug, env={"FLASK_NEXORA_RT_APP_ID": app_id}, ready_path="/count"
    )

    assert_streams_work(server, sse)


def test_a_sync_worker_is_refused_with_the_way_out(serve, redis_url):
    server = serve(redis_url, worker_class="sync")

    answer = requests.get(stream_url(server, "public-1"), timeout=5)

    assert answer.status_code == 503
    assert "-k gevent" in answer.json()["detail"]
    server.wait_log("streams need concurrent workers")


def test_memory_with_two_workers_is_refused_loudly(serve):
    server = serve(workers=2)

    answer = requests.get(stream_url(server, "public-1"), timeout=5)

    assert answer.status_code == 503
    assert "NEXORA_RT_URL=redis://" in answer.json()["detail"]
    server.wait_log("memory:// serves one process")


def test_a_second_process_of_the_same_app_in_memory_is_refused(serve):
    first, second = serve(), serve()
    trigger(first, "public-1")

    answer = requests.get(stream_url(second, "public-1"), timeout=15)

    assert answer.status_code == 503
    assert "another process of this app" in answer.json()["detail"]


def test_a_graceful_reload_in_memory_is_no_second_process(serve, sse):
    import signal

    server = serve()
    trigger(server, "public-1")
    before = server.pids()
    server.signal(signal.SIGHUP)
    server.wait_log("Worker exiting")

    assert_streams_work(server, sse)
    assert before != server.pids()


def test_fifty_streams_leave_the_only_database_connection_free(
    serve, redis_url, make_swarm, tmp_path
):
    server = serve(
        redis_url,
        env={"E2E_DATABASE": f"sqlite:///{tmp_path / 'one.db'}", "E2E_POOL_OF_ONE": "yes"},
    )
    swarm = make_swarm()
    for number in range(50):
        cookies = sign_in(server, f"member-{number % 20}")
        swarm.open(stream_url(server, f"room-{number % 20}"), cookies=cookies)
    swarm.wait_open()

    assert open_streams(server) == 50
    assert requests.get(f"{server.url}/query", timeout=10).json() == {"answer": 42}


def test_a_full_worker_sends_streams_away_and_still_answers_pages(
    serve, redis_url, make_swarm, sse
):
    server = serve(redis_url, env={"FLASK_NEXORA_RT_MAX_STREAMS": "5"})
    swarm = make_swarm()
    for _ in range(5):
        swarm.open(stream_url(server, "public-1"))
    swarm.wait_open()

    turned_away = sse(stream_url(server, "public-1"))

    assert turned_away.status == 200
    assert turned_away.wait_ended()
    assert turned_away.retry_ms >= 1000
    assert turned_away.last_event_id  # so that it misses nothing while it waits
    assert open_streams(server) == 5


def test_a_user_has_only_so_many_streams(serve, redis_url, sse):
    server = serve(redis_url, env={"FLASK_NEXORA_RT_MAX_STREAMS_PER_USER": "2"})
    cookies = sign_in(server, "member-1")
    url = stream_url(server, "room-1")
    first, second = sse(url, cookies=cookies), sse(url, cookies=cookies)
    first.take(1), second.take(1)

    third = sse(url, cookies=cookies)

    assert third.wait_ended()
    assert third.retry_ms >= 1000
    assert third.events(0.1) == []


@pytest.mark.parametrize("transport", ["socket", "wsgi"])
def test_head_opens_no_stream(serve, redis_url, transport):
    server = serve(redis_url, env={"FLASK_NEXORA_RT_TRANSPORT": transport})

    answer = requests.head(stream_url(server, "public-1"), timeout=5)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert open_streams(server) == 0


def test_an_ended_stream_is_a_line_in_the_access_log(serve, redis_url, sse):
    server = serve(redis_url)
    cookies = sign_in(server, "member-1")
    with sse(stream_url(server, "room-1", ticket=""), cookies=cookies) as client:
        client.take(1)

    server.wait_log("/api/realtime/stream user=member-1")


def test_cookies_and_cors_headers_of_the_app_are_on_a_taken_over_socket(serve, redis_url, sse):
    server = serve(redis_url, env={"FLASK_NEXORA_RT_ALLOWED_ORIGINS": '["https://shop.example"]'})
    cookies = sign_in(server, "member-1")

    client = sse(
        stream_url(server, "room-1"),
        cookies=cookies,
        headers={"Origin": "https://shop.example", "Sec-Fetch-Site": "cross-site"},
    )

    assert client.status == 200
    assert client.headers["access-control-allow-origin"] == "https://shop.example"
    assert client.headers["access-control-allow-credentials"] == "true"
    assert client.headers["x-accel-buffering"] == "no"


def test_bad_input_leaves_the_worker_alive(serve, redis_url):
    server = serve(redis_url)
    (worker,) = server.pids()

    answers = [
        post(server, "/api/realtime/auth", data="{", headers={"Content-Type": "application/json"}),
        requests.get(stream_url(server, "x" * 165), timeout=5),
        requests.get(stream_url(server, *(f"public-{n}" for n in range(200))), timeout=5),
        requests.get(stream_url(server, "public-1", last_event_id="nonsense"), timeout=5),
    ]

    assert [answer.status_code for answer in answers] == [400, 400, 400, 400]
    assert all(set(answer.json()) == {"error", "detail"} for answer in answers)
    assert server.pids() == [worker]
