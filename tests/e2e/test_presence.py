"""Members, seen by clients, over HTTP and from Python, right on any number of workers."""

import os
import signal
import time

import pytest
import requests

from tests.e2e.conftest import post, sign_in, stream_url
from tests.support.ports import wait_until


@pytest.fixture
def visit(sse):
    """Opens a stream as a user and waits until it has been shown the members."""

    def open_stream(server, user, channel="presence-a", cookies=None):
        cookies = cookies or sign_in(server, user)
        client = sse(stream_url(server, channel), cookies=cookies)
        events = client.take_until("pusher:subscription_succeeded")
        client.cookies = cookies
        client.socket_id = events[0].payload["socket_id"]
        client.shown = events[-1].payload["presence"]
        return client

    return open_stream


def members(server, channel="presence-a"):
    answer = requests.get(f"{server.url}/members/{channel}", timeout=5).json()
    return sorted(member["id"] for member in answer)


def log_of(client, seconds=0.5):
    """The joins and leaves a client is told, in order."""
    names = {"pusher:member_added": "+", "pusher:member_removed": "-"}
    return [
        names[event.name] + event.payload["id"]
        for event in client.events(seconds)
        if event.name in names
    ]


@pytest.mark.parametrize("backend", ["memory", "redis"])
def test_members_see_each_other_come_and_go(serve, redis_url, visit, backend):
    server = serve(redis_url, workers=2) if backend == "redis" else serve()
    alice = visit(server, "alice")
    bob = visit(server, "bob")

    assert alice.shown == {"count": 1, "ids": ["alice"], "hash": {"alice": {"name": "Alice"}}}
    assert sorted(bob.shown["ids"]) == ["alice", "bob"]
    added = alice.take_until("pusher:member_added")[-1]
    assert added.payload == {"id": "bob", "info": {"name": "Bob"}}
    assert added.channel == "presence-a"

    bob.close()
    assert alice.take_until("pusher:member_removed", timeout=12)[-1].payload == {"id": "bob"}
    assert members(server) == ["alice"]


def test_a_second_tab_and_a_reload_are_not_seen(serve, redis_url, visit):
    server = serve(redis_url, workers=2)
    alice = visit(server, "alice")
    first = visit(server, "bob")
    second = visit(server, "bob", cookies=first.cookies)
    first.close()
    second.close()
    visit(server, "bob", cookies=first.cookies)

    assert log_of(alice, seconds=7) == ["+bob"]


def test_the_members_of_a_killed_worker_leave_once_within_fifteen_seconds(serve, redis_url, visit):
    server = serve(redis_url, workers=2)
    streams = [visit(server, f"user-{n}") for n in range(8)]
    wait_until(lambda: len(members(server)) == 8, timeout=5)
    victim = server.pids()[0]

    os.kill(victim, signal.SIGKILL)
    time.sleep(1)
    gone = {f"user-{n}" for n, stream in enumerate(streams) if stream.wait_ended(0.01)}
    left = [stream for stream in streams if not stream.ended]

    wait_until(lambda: set(members(server)) == {f"user-{n}" for n in range(8)} - gone, timeout=15)
    for stream in left:
        leaves = [entry for entry in log_of(stream) if entry[0] == "-"]
        assert sorted(leaves) == sorted(f"-{user}" for user in gone)


def test_members_can_be_asked_for_by_those_who_may_hold_the_channel(serve, redis_url, visit):
    server = serve(redis_url, workers=2)
    alice = visit(server, "alice")
    url = f"{server.url}/api/realtime/presence/presence-a"

    answer = requests.get(url, cookies=alice.cookies, timeout=5).json()

    assert answer["count"] == 1
    (member,) = answer["members"]
    assert member["id"] == "alice"
    assert member["info"] == {"name": "Alice"}
    assert member["status"] == "online"
    assert member["lastSeen"].endswith("Z")
    assert answer["position"]
    assert requests.get(url, timeout=5).status_code == 401


def test_a_user_is_away_when_all_its_tabs_are(serve, redis_url, visit):
    server = serve(redis_url, workers=2)
    bob = visit(server, "bob")
    first = visit(server, "alice")
    second = visit(server, "alice", cookies=first.cookies)

    def say(client, status):
        body = {"socket_id": client.socket_id, "status": status}
        return post(server, "/api/realtime/presence", body, cookies=first.cookies).json()

    assert say(first, "away") == {"status": "online"}
    assert say(second, "away") == {"status": "away"}
    updated = bob.take_until("nexora:member_updated")[-1].payload
    assert (updated["id"], updated["status"]) == ("alice", "away")
    answer = requests.get(f"{server.url}/status/alice", timeout=5).json()
    assert answer["status"] == "away"
    assert (
        post(
            server,
            "/api/realtime/presence",
            {"socket_id": first.socket_id, "status": "away"},
            cookies=bob.cookies,
        ).status_code
        == 403
    )


def test_a_large_channel_is_counted_and_not_listed(serve, redis_url, visit):
    server = serve(redis_url, env={"FLASK_NEXORA_RT_MAX_MEMBERS": "3"})
    streams = [visit(server, f"user-{n}") for n in range(5)]

    assert streams[-1].shown == {"count": 5, "ids": [], "hash": {}}
    counted = streams[0].take_until(
        lambda event: event.name == "nexora:member_count" and event.payload["count"] == 5
    )
    assert len([e for e in counted if e.name == "pusher:member_added"]) <= 2


def test_counts_are_those_of_all_workers(serve, redis_url, visit, sse):
    server = serve(redis_url, workers=2)
    alice = visit(server, "alice")
    visit(server, "alice", cookies=alice.cookies)
    for _ in range(4):
        sse(stream_url(server, "public-1")).take(1)

    def info(channel):
        return requests.get(f"{server.url}/info/{channel}", timeout=5).json()

    wait_until(lambda: info("public-1")["subscription_count"] == 4, timeout=5)
    assert info("public-1") == {"occupied": True, "subscription_count": 4}
    assert info("presence-a") == {"occupied": True, "subscription_count": 2, "user_count": 1}
    assert info("public-9") == {"occupied": False, "subscription_count": 0}
    found = requests.get(f"{server.url}/infos?prefix=public-", timeout=5).json()
    assert found == {"channels": {"public-1": {"subscription_count": 4}}}


def test_a_lost_record_is_told_anew_without_anybody_seeming_to_leave(serve, make_redis, visit):
    redis_server = make_redis()
    server = serve(redis_server.url, workers=2)
    streams = [visit(server, f"user-{n}") for n in range(4)]
    wait_until(lambda: len(members(server)) == 4, timeout=5)
    for stream in streams:
        stream.events(0.2)

    redis_server.restart(crash=True)

    wait_until(lambda: len(members(server)) == 4, timeout=20)
    time.sleep(5)
    assert [log_of(stream, seconds=0.2) for stream in streams] == [[], [], [], []]
