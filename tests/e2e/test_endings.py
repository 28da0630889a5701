"""How streams end: drained, cut at the bound, left by their client."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import open_streams, post, stream_url, trigger
from tests.support.ports import wait_until

STREAMS = 500


def reloaded(server, before):
    now = server.pids()
    return now and not set(before) & set(now)


@pytest.fixture
def crowd(serve, redis_url, make_swarm):
    """500 streams on one worker, and the swarm that holds them."""

    def make(**options):
        server = serve(redis_url, **options)
        swarm = make_swarm()
        for _ in range(STREAMS):
            swarm.open(stream_url(server, "public-1"), reconnects=True)
        swarm.wait_open()
        return server, swarm

    return make


def assert_closed_cleanly(swarm):
    swarm.wait_for(lambda stream: bool(stream.named("nexora:closing")))
    retries = [stream.retries[0] for stream in swarm.streams]
    assert all(500 <= retry <= 3000 for retry in retries)
    assert len(set(retries)) > STREAMS / 5


def assert_nothing_was_lost(server, swarm, position):
    trigger(server, "public-1", data="after")
    swarm.wait_for(lambda stream: len(stream.named("tick")) >= 2, timeout=30)
    for stream in swarm.streams:
        assert [event.payload for event in stream.named("tick")] == ["during", "after"]
        assert stream.named("tick")[0].id == position


@pytest.mark.parametrize("helper", [True, False], ids=["helper", "without"])
def test_a_reload_ends_every_stream_cleanly_and_loses_nothing(crowd, publisher, redis_url, helper):
    options = {} if helper else {"config": None}
    server, swarm = crowd(**options)
    before = server.pids()
    rt = publisher(redis_url)

    started = time.monotonic()
    server.signal(signal.SIGHUP)
    swarm.wait_for(lambda stream: bool(stream.named("nexora:closing")))
    position = rt.trigger("public-1", "tick", "during")["position"]
    wait_until(lambda: not alive(before), timeout=30)
    gone = time.monotonic() - started

    assert_closed_cleanly(swarm)
    # From the signal on, the new worker's start included; a drain that hangs takes 30 s.
    assert gone < 6
    wait_until(lambda: reloaded(server, before), timeout=30)
    assert_nothing_was_lost(server, swarm, position)


def test_max_requests_ends_every_stream_cleanly_and_loses_nothing(crowd, publisher, redis_url):
    server, swarm = crowd(extra_args=("--max-requests", str(STREAMS + 20)))
    before = server.pids()
    rt = publisher(redis_url)

    for _ in range(30):
        post(server, "/login/anybody")
        if not alive(before):
            break
    swarm.wait_for(lambda stream: bool(stream.named("nexora:closing")))
    position = rt.trigger("public-1", "tick", "during")["position"]

    assert_closed_cleanly(swarm)
    wait_until(lambda: reloaded(server, before), timeout=30)
    assert_nothing_was_lost(server, swarm, position)


def test_a_terminated_worker_is_gone_long_before_gunicorn_kills_it(crowd):
    server, swarm = crowd()
    (worker,) = server.pids()

    os.kill(worker, signal.SIGTERM)
    wait_until(lambda: not alive([worker]), timeout=15)  # gunicorn's graceful_timeout is 30 s

    assert_closed_cleanly(swarm)


def test_threads_drain_as_well(serve, redis_url, make_swarm):
    server = serve(redis_url, worker_class="gthread", threads=20)
    swarm = make_swarm()
    for _ in range(10):
        swarm.open(stream_url(server, "public-1"))
    swarm.wait_open()

    started = time.monotonic()
    server.stop()

    assert time.monotonic() - started < 15  # gunicorn would wait 30 s
    assert all(stream.named("nexora:closing") for stream in swarm.streams)


def alive(pids):
    return [pid for pid in pids if state(pid) not in ("Z", "gone")]


def state(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "gone"


@pytest.mark.parametrize("transport", ["socket", "wsgi"])
def test_a_client_that_stops_reading_is_cut_and_the_others_are_not(
    serve, redis_url, publisher, sse, transport
):
    server = serve(
        redis_url,
        env={
            "FLASK_NEXORA_RT_TRANSPORT": transport,
            "FLASK_NEXORA_RT_STREAM_BUFFER_BYTES": "65536",
        },
    )
    url = stream_url(server, "public-1")
    stuck, reader = sse(url, receive_buffer=4096), sse(url)
    stuck.take(1)
    memory = resident_bytes(server)
    rt = publisher(redis_url)
    before = open_streams(server)

    sent = 0
    while open_streams(server) == before and sent < 4000:
        rt.trigger_batch(
            [
                {"channel": "public-1", "name": "tick", "data": [sent + n, "x" * 8000]}
                for n in range(50)
            ]
        )
        sent += 50
        numbers = [event.payload[0] for event in reader.take(50) if event.name == "tick"]
        assert numbers == sorted(numbers)

    assert open_streams(server) == before - 1
    assert resident_bytes(server) - memory < 80_000_000
    server.wait_log("is cut: its client does not read")
    rt.trigger("public-1", "tick", "still here")
    reader.take_until(lambda event: event.payload == "still here")


@pytest.mark.parametrize(
    "options",
    [
        {"worker_class": "gevent"},
        {"worker_class": "gevent", "env": {"FLASK_NEXORA_RT_TRANSPORT": "wsgi"}},
        {"worker_class": "gthread", "threads": 5},
    ],
    ids=["socket", "gevent-wsgi", "gthread"],
)
def test_clients_that_never_read_hold_nothing_for_ever(serve, redis_url, publisher, sse, options):
    """Their windows are shut: neither a goodbye nor the end of their age can reach them."""
    env = {
        "FLASK_NEXORA_RT_MAX_STREAM_AGE": "5",
        "FLASK_NEXORA_RT_HEARTBEAT": "1",
        "FLASK_NEXORA_RT_STREAM_BUFFER_BYTES": "65536",
        **options.pop("env", {}),
    }
    server = serve(redis_url, env=env, **options)
    rt = publisher(redis_url)
    stuck = [sse(stream_url(server, "public-1"), receive_buffer=4096) for _ in range(3)]
    for client in stuck:
        client.take(1)
    for start in range(0, 1000, 50):
        batch = [
            {"channel": "public-1", "name": "tick", "data": [start + n, "x" * 8000]}
            for n in range(50)
        ]
        rt.trigger_batch(batch)
    replaying = sse(
        stream_url(server, "public-1"), receive_buffer=4096, last_event_id=stuck[0].last_event_id
    )

    wait_until(lambda: open_streams(server) == 0, timeout=20)

    assert replaying.status == 200
    started = time.monotonic()
    server.stop()
    # gunicorn waits 30 s for a thread that never comes back.
    assert time.monotonic() - started < 10


def resident_bytes(server):
    (worker,) = server.pids()
    return int(Path(f"/proc/{worker}/statm").read_text().split()[1]) * 4096


@pytest.mark.parametrize("transport", ["socket", "wsgi"])
def test_a_silent_stream_whose_client_left_is_gone(serve, redis_url, sse, transport):
    server = serve(
        redis_url,
        env={"FLASK_NEXORA_RT_TRANSPORT": transport, "FLASK_NEXORA_RT_HEARTBEAT": "1"},
    )
    client = sse(stream_url(server, "public-1"))
    client.take_until("pusher:subscription_succeeded")
    assert open_streams(server) == 1

    client.close()

    wait_until(lambda: open_streams(server) == 0, timeout=20)
