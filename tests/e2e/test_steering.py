"""An open stream is steered from any worker: subscribe, client events, typing, revocation."""

import time

import pytest
import requests

from tests.e2e.conftest import open_streams, post, sign_in, stream_url, trigger
from tests.support.ports import wait_until


@pytest.fixture
def opened(sse):
    """An open stream of a user, with what steering it takes."""

    def make(server, user, *channels):
        cookies = sign_in(server, user)
        client = sse(stream_url(server, *channels), cookies=cookies)
        client.cookies = cookies
        client.socket_id = client.take(1)[0].payload["socket_id"]
        if channels:
            client.take_until("pusher:subscription_succeeded")
        return client

    return make


@pytest.fixture(params=["memory", "redis"])
def server(request, serve, redis_url):
    """One worker in memory, or three on Redis, so that most requests land elsewhere."""
    return serve() if request.param == "memory" else serve(redis_url, workers=3)


def steer(server, client, what, **body):
    body = {"socket_id": client.socket_id, **body}
    return post(server, f"/api/realtime/{what}", body, cookies=client.cookies)


def test_a_channel_is_added_by_whichever_worker_is_asked(server, opened):
    client = opened(server, "member-1")

    for number in range(9):
        answer = steer(server, client, "subscribe", channels=[f"public-{number}", "room-2"])
        assert answer.json() == {"subscribed": [f"public-{number}"], "refused": {"room-2": 403}}
        assert client.take_until("pusher:subscription_succeeded")[-1].channel == f"public-{number}"
    trigger(server, "public-8", data="live")

    assert client.take_until("tick")[-1].payload == "live"


def test_a_late_subscribe_replays_at_the_streams_own_position(server, opened):
    client = opened(server, "member-1", "public-1")
    missed = trigger(server, "room-1", data="missed")
    at = trigger(server, "public-1", data="seen")
    client.take_until("tick")

    before = f"{int(missed.split('-')[0]) - 1}-0"
    steer(server, client, "subscribe", channels=["room-1"], last_event_id=before)

    replayed = client.take_until("tick")[-1]
    assert (replayed.payload, replayed.channel) == ("missed", "room-1")
    assert replayed.id == at


def test_a_late_subscribe_that_has_missed_nothing_is_simply_live(server, opened):
    client = opened(server, "member-1", "public-1")
    at = trigger(server, "public-1", data="seen")
    client.take_until("tick")

    for number in range(4):
        answer = steer(
            server, client, "subscribe", channels=[f"public-9{number}"], last_event_id=at
        )
        assert answer.json() == {"subscribed": [f"public-9{number}"], "refused": {}}
        assert client.take_until("pusher:subscription_succeeded")[-1].id == at
    trigger(server, "public-93", data="live")

    assert client.take_until("tick")[-1].payload == "live"


def test_a_channel_that_is_given_back_is_silent(server, opened):
    client = opened(server, "member-1", "public-1", "public-2")
    client.take_until("pusher:subscription_succeeded")

    answer = steer(server, client, "unsubscribe", channels=["public-1"])
    trigger(server, "public-1", data="unheard")
    trigger(server, "public-2", data="heard")

    assert answer.json() == {"subscribed": ["public-2"], "refused": {}}
    assert client.take_until("tick")[-1].payload == "heard"


def test_only_the_streams_own_user_may_steer_it(server, opened):
    client, other = opened(server, "member-1"), opened(server, "member-2")
    body = {"socket_id": client.socket_id, "channels": ["public-1"]}

    for what in ("subscribe", "unsubscribe"):
        answer = post(server, f"/api/realtime/{what}", body, cookies=other.cookies)
        assert answer.status_code == 403
        assert post(server, f"/api/realtime/{what}", body).status_code == 403


def test_a_stream_that_has_ended_is_not_found(server, opened):
    client = opened(server, "member-1")
    client.close()

    def answer():
        return steer(server, client, "subscribe", channels=["public-1"]).status_code

    wait_until(lambda: answer() == 404, timeout=30)


def test_a_client_event_reaches_the_others_on_every_worker(server, opened):
    alice, bob = opened(server, "admin-a", "room-1"), opened(server, "admin-b", "room-1")

    answer = steer(server, alice, "events", channel="room-1", event="client-wave", data={"n": 1})
    trigger(server, "room-1", data="after")

    assert answer.status_code == 200
    assert bob.take_until("client-wave")[-1].json() == {"channel": "room-1", "data": {"n": 1}}
    assert "client-wave" not in [event.name for event in alice.take_until("tick")]


def test_a_client_event_on_a_presence_channel_names_its_sender(server, opened):
    alice, bob = opened(server, "alice", "presence-a"), opened(server, "bob", "presence-a")

    steer(server, alice, "events", channel="presence-a", event="client-wave", data=None)

    event = bob.take_until("client-wave")[-1]
    assert event.json() == {"channel": "presence-a", "data": None, "user_id": "alice"}


@pytest.mark.parametrize(
    "body, status",
    [
        ({"channel": "public-1", "event": "client-x"}, 403),
        ({"channel": "room-2", "event": "client-x"}, 403),
        ({"channel": "room-1", "event": "wave"}, 400),
        ({"channel": "room-1", "event": "client-\n"}, 400),
        ({"channel": "room-1", "event": "client-x", "data": "x" * 20_000}, 413),
        ({"channel": "room-1"}, 422),
    ],
    ids=["public", "not-held", "name", "control", "large", "missing"],
)
def test_a_client_event_that_is_not_allowed_is_refused(server, opened, body, status):
    client = opened(server, "member-1", "room-1", "public-1")

    assert steer(server, client, "events", **body).status_code == status


def test_client_events_are_limited_for_all_workers_together(server, opened):
    client = opened(server, "member-1", "room-1")

    answers = [
        steer(server, client, "events", channel="room-1", event="client-x") for _ in range(15)
    ]

    codes = [answer.status_code for answer in answers]
    assert codes.count(200) <= 11
    assert codes[-1] == 429
    assert int(answers[-1].headers["Retry-After"]) >= 1


def test_typing_is_told_to_the_others_once_in_three_seconds_and_ended_by_a_stop(server, opened):
    alice, bob = opened(server, "admin-a", "room-1"), opened(server, "admin-b", "room-1")
    body = {"conversationId": "room-1", "isTyping": True}

    sent = [post(server, "/api/realtime/typing", body, cookies=alice.cookies) for _ in range(3)]
    stop = {**body, "isTyping": False}
    post(server, "/api/realtime/typing", stop, cookies=alice.cookies)
    trigger(server, "room-1", data="after")

    assert [answer.json()["sent"] for answer in sent] == [True, False, False]
    names = [event.name for event in bob.take_until("tick")]
    assert [name for name in names if name.startswith("typing")] == ["typing:start", "typing:stop"]
    assert "typing:start" not in [event.name for event in alice.take_until("tick")]


def test_typing_carries_how_long_it_is_to_be_believed(server, opened):
    alice, bob = opened(server, "admin-a", "room-1"), opened(server, "admin-b", "room-1")
    body = {"conversationId": "room-1", "isTyping": True}

    post(server, "/api/realtime/typing", body, cookies=alice.cookies)

    assert bob.take_until("typing:start")[-1].payload == {
        "conversationId": "room-1",
        "userId": "admin-a",
        "expiresInMs": 6000,
    }


def test_typing_ends_when_the_typist_is_cut(server, opened):
    alice, bob = opened(server, "admin-a", "room-1"), opened(server, "admin-b", "room-1")
    body = {"conversationId": "room-1", "isTyping": True}
    post(server, "/api/realtime/typing", body, cookies=alice.cookies)
    bob.take_until("typing:start")

    alice.reset()

    assert bob.take_until("typing:stop")[-1].payload["userId"] == "admin-a"


def test_typing_and_client_events_are_not_replayed(server, opened, sse):
    alice, bob = opened(server, "admin-a", "room-1"), opened(server, "admin-b", "room-1")
    cursor = bob.last_event_id
    bob.close()
    body = {"conversationId": "room-1", "isTyping": True}
    post(server, "/api/realtime/typing", body, cookies=alice.cookies)
    steer(server, alice, "events", channel="room-1", event="client-wave")
    trigger(server, "room-1", data="kept")

    back = sse(stream_url(server, "room-1"), cookies=bob.cookies, last_event_id=cursor)
    names = [event.name for event in back.take_until("tick")]

    assert not {"typing:start", "client-wave"} & set(names)


def test_a_revoked_channel_is_told_and_silent(server, opened):
    client = opened(server, "member-1", "room-1", "public-1")
    client.take_until("pusher:subscription_succeeded")

    post(server, "/revoke", {"user": "member-1", "channel": "room-1"})
    revoked = client.take_until("nexora:revoked")[-1]
    trigger(server, "room-1", data="secret")
    trigger(server, "public-1", data="open")

    assert revoked.payload == {"channel": "room-1", "reason": "revoked"}
    assert client.take_until("tick")[-1].payload == "open"


def test_terminated_streams_end_within_a_second(server, opened):
    streams = [opened(server, "member-1", "room-1") for _ in range(3)]
    other = opened(server, "member-2", "room-2")

    post(server, "/terminate/member-1")

    assert all(stream.wait_ended(1) for stream in streams)
    assert not other.wait_ended(0.2)


def test_signing_out_ends_the_streams_and_they_cannot_come_back(server, opened, sse):
    client = opened(server, "member-1", "room-1")

    signed_out = post(server, "/logout", cookies=client.cookies).cookies.get_dict()

    assert client.wait_ended(1)
    again = sse(stream_url(server, "room-1"), cookies=signed_out)
    assert again.status == 401


def test_health_and_metrics_tell_of_all_workers(serve, redis_url, sse):
    parts = '["stream","health","metrics"]'
    server = serve(redis_url, workers=2, env={"FLASK_NEXORA_RT_PARTS": parts})
    for _ in range(6):
        sse(stream_url(server, "public-1")).take_until("pusher:subscription_succeeded")
    trigger(server, "public-1")

    health = requests.get(f"{server.url}/api/realtime/health", timeout=5)
    assert health.status_code == 200
    assert health.json()["broker"]["ok"] is True
    assert health.json()["database"] == {"ok": True}

    def total(name):
        text = requests.get(f"{server.url}/api/realtime/metrics", timeout=5).text
        lines = [line for line in text.splitlines() if line.startswith(f"nexora_rt_{name}{{")]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    wait_until(lambda: total("streams") == 6, timeout=30)
    wait_until(lambda: total("deliveries_total") >= 6, timeout=30)
    assert total("connections_total") == 6
    time.sleep(0)
    assert open_streams(server) <= 6


def test_health_says_which_part_is_not_well(serve, make_redis):
    redis_server = make_redis()
    server = serve(redis_server.url, env={"FLASK_NEXORA_RT_PUBLISH_TIMEOUT": "0.5"})
    assert requests.get(f"{server.url}/api/realtime/health", timeout=5).status_code == 200

    redis_server.stop()
    answer = requests.get(f"{server.url}/api/realtime/health", timeout=10)

    assert answer.status_code == 503
    assert answer.json()["broker"]["ok"] is False
