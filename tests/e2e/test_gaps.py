"""Nothing is lost in silence: what cannot be replayed is said, and what can be is not."""

import time

import pytest

from tests.e2e.conftest import post, stream_url, trigger


@pytest.fixture
def away(sse):
    """A client that was there, has left, and knows its cursor."""

    def leave(server, *channels):
        client = sse(stream_url(server, *channels))
        client.take_until("pusher:subscription_succeeded")
        client.close()
        return client.last_event_id

    return leave


@pytest.mark.parametrize("backend", ["memory", "redis"])
def test_an_absence_longer_than_the_history_is_a_gap_that_names_the_channels(
    serve, redis_url, sse, away, backend
):
    server = serve(
        redis_url if backend == "redis" else None, env={"FLASK_NEXORA_RT_RETENTION_EVENTS": "10"}
    )
    cursor = away(server, "public-1", "public-2")
    for number in range(30):
        trigger(server, "public-1", data=number)

    client = sse(stream_url(server, "public-1", "public-2"), last_event_id=cursor)
    gap = client.take_until("nexora:gap")[-1].payload
    trigger(server, "public-1", data="live")
    event = client.take_until("tick")[-1]

    assert gap["channels"] == ["public-1", "public-2"]
    assert gap["reason"] == "expired"
    assert gap["since"] == cursor
    assert event.payload == "live"


def test_a_client_that_is_cut_before_it_hears_of_the_gap_hears_of_it_again(
    serve, redis_url, sse, away
):
    server = serve(redis_url, env={"FLASK_NEXORA_RT_RETENTION_EVENTS": "5"})
    cursor = away(server, "public-1")
    for number in range(10):
        trigger(server, "public-1", data=number)

    with sse(stream_url(server, "public-1"), last_event_id=cursor) as client:
        established = client.take(1)[0]

    assert established.id == cursor
    assert established.payload["recovered"] is False


def test_a_quiet_log_gives_no_false_gap(serve, redis_url, sse, away):
    server = serve(redis_url, env={"FLASK_NEXORA_RT_RETENTION_SECONDS": "1"})
    trigger(server, "public-1", data="old")
    cursor = away(server, "public-1")
    time.sleep(2)
    trigger(server, "public-1", data="new")

    client = sse(stream_url(server, "public-1"), last_event_id=cursor)
    events = client.take_until("tick")

    assert events[0].payload["recovered"] is True
    assert events[0].payload["replayed"] == 1
    assert events[-1].payload == "new"
    assert "nexora:gap" not in [event.name for event in events]


def test_a_flush_is_a_gap_for_those_who_were_away_and_those_who_were_not(
    serve, make_redis, sse, away
):
    redis_server = make_redis()
    server = serve(redis_server.url)
    there = sse(stream_url(server, "public-1"))
    trigger(server, "public-1", data=1)
    there.take_until("tick")
    cursor = away(server, "public-1")

    redis_server.client.flushall()
    trigger(server, "public-1", data=2)

    seen = there.take_until("tick")
    assert [event.name for event in seen if event.name != "nexora:ping"] == ["nexora:gap", "tick"]
    assert seen[0].payload["reason"] == "reset"
    back = sse(stream_url(server, "public-1"), last_event_id=cursor)
    assert back.take_until("nexora:gap")[-1].payload["reason"] == "reset"


def test_a_flush_of_a_quiet_log_is_told_without_waiting_for_an_event(serve, make_redis, sse):
    redis_server = make_redis()
    server = serve(redis_server.url)
    client = sse(stream_url(server, "public-1"))
    trigger(server, "public-1")
    client.take_until("tick")

    redis_server.client.flushall()

    assert client.take_until("nexora:gap")[-1].payload["reason"] == "reset"
    trigger(server, "public-1", data="next")
    assert [e.name for e in client.take_until("tick") if e.name == "nexora:gap"] == []


def test_a_fail_over_to_a_replica_that_lost_the_end_is_a_gap(
    serve, make_redis, make_proxy, sse, away
):
    master = make_redis()
    replica = make_redis(replicaof=master)
    proxy = make_proxy(master.url)
    server = serve(proxy.url)
    client = sse(stream_url(server, "public-1"))
    trigger(server, "public-1", data="replicated")
    client.take_until("tick")
    master.client.wait(1, 5000)
    replica.promote()
    trigger(server, "public-1", data="lost with the master")
    client.take_until("tick")
    cursor = away(server, "public-1")

    proxy.retarget(replica.url)

    assert client.take_until("nexora:gap")[-1].payload["reason"] == "reset"
    back = sse(stream_url(server, "public-1"), last_event_id=cursor)
    assert back.take_until("nexora:gap")[-1].payload["reason"] == "reset"


def test_a_cursor_of_the_future_is_a_gap(serve, redis_url, sse):
    server = serve(redis_url)

    client = sse(stream_url(server, "public-1"), last_event_id="99999999999999-0")

    assert client.take_until("nexora:gap")[-1].payload["reason"] == "future"


@pytest.mark.parametrize("backend", ["memory", "redis"])
def test_a_live_stream_is_told_when_events_come_faster_than_they_are_read(
    serve, redis_url, sse, backend
):
    server = serve(
        redis_url if backend == "redis" else None, env={"FLASK_NEXORA_RT_RETENTION_EVENTS": "3"}
    )
    client = sse(stream_url(server, "public-1"))
    client.take_until("pusher:subscription_succeeded")

    batch = [{"channel": "public-1", "name": "tick", "data": n} for n in range(60)]
    post(server, "/trigger-batch", batch)
    trigger(server, "public-1", data="last")
    seen = client.take_until(lambda event: event.name in ("nexora:gap", "tick"))

    numbers = [event.payload for event in seen if event.name == "tick"]
    assert seen[-1].name == "nexora:gap" or numbers == [0]
