"""Members, seen by clients, over HTTP and from Python, right on any number of workers."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
import requests

from flask_nexora_rt.presence.base import GRACE_SECONDS, LEASE_SECONDS
from flask_nexora_rt.presence.registrar import BEAT_SECONDS
from tests.e2e.conftest import post, sign_in, stream_url
from tests.support.ports import wait_until
from tests.support.servers import environment


@pytest.fixture
def visit(sse):
    """Opens a stream as a user and waits until it has been shown the members."""

    def open_stream(server, user, channel="presence-a", cookies=None):
        cookies = cookies or sign_in(server, user)
        client = sse(stream_url(server, channel), cookies=cookies)
        events = client.take_until("pusher:subscription_succeeded")
        client.user, client.cookies = user, cookies
        client.socket_id = events[0].payload["socket_id"]
        client.shown = events[-1].payload["presence"]
        return client

    return open_stream


def members(server, channel="presence-a"):
    answer = requests.get(f"{server.url}/members/{channel}", timeout=30).json()
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
    assert alice.take_until("pusher:member_removed")[-1].payload == {"id": "bob"}
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


def test_fifteen_seconds_are_enough_to_see_that_a_worker_was_killed():
    assert LEASE_SECONDS + GRACE_SECONDS + BEAT_SECONDS <= 15


def test_the_members_of_a_killed_worker_leave_once(serve, redis_url, visit):
    server = serve(redis_url, workers=2)
    streams = [visit(server, f"user-{n}") for n in range(8)]
    wait_until(lambda: len(members(server)) == 8, timeout=30)
    victim = server.pids()[0]

    os.kill(victim, signal.SIGKILL)
    time.sleep(1)
    gone = {f"user-{n}" for n, stream in enumerate(streams) if stream.wait_ended(0.01)}
    left = [stream for stream in streams if not stream.ended]

    wait_until(lambda: set(members(server)) == {f"user-{n}" for n in range(8)} - gone, timeout=60)
    for stream in left:
        leaves = [entry for entry in log_of(stream) if entry[0] == "-"]
        assert sorted(leaves) == sorted(f"-{user}" for user in gone)


def test_members_can_be_asked_for_by_those_who_may_hold_the_channel(serve, redis_url, visit):
    server = serve(redis_url, workers=2)
    alice = visit(server, "alice")
    url = f"{server.url}/api/realtime/presence/presence-a"

    answer = requests.get(url, cookies=alice.cookies, timeout=30).json()

    assert answer["count"] == 1
    (member,) = answer["members"]
    assert member["id"] == "alice"
    assert member["info"] == {"name": "Alice"}
    assert member["status"] == "online"
    assert member["lastSeen"].endswith("Z")
    assert answer["position"]
    assert requests.get(url, timeout=30).status_code == 401


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
    answer = requests.get(f"{server.url}/status/alice", timeout=30).json()
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
        return requests.get(f"{server.url}/info/{channel}", timeout=30).json()

    wait_until(lambda: info("public-1")["subscription_count"] == 4, timeout=30)
    assert info("public-1") == {"occupied": True, "subscription_count": 4}
    assert info("presence-a") == {"occupied": True, "subscription_count": 2, "user_count": 1}
    assert info("public-9") == {"occupied": False, "subscription_count": 0}
    found = requests.get(f"{server.url}/infos?prefix=public-", timeout=30).json()
    assert found == {"channels": {"public-1": {"subscription_count": 4}}}


def test_a_lost_record_is_told_anew_without_anybody_seeming_to_leave(serve, make_redis, visit):
    redis_server = make_redis()
    server = serve(redis_server.url, workers=2)
    streams = [visit(server, f"user-{n}") for n in range(4)]
    wait_until(lambda: len(members(server)) == 4, timeout=30)
    for stream in streams:
        stream.events(0.2)

    redis_server.restart(crash=True)

    wait_until(lambda: len(members(server)) == 4, timeout=20)
    time.sleep(5)
    assert [log_of(stream, seconds=0.2) for stream in streams] == [[], [], [], []]


@pytest.fixture
def signals(tmp_path):
    """What the signals of all workers have said so far: `signals()`, and what `serve` needs."""
    path = tmp_path / "signals"
    path.touch()

    def read():
        return path.read_text().splitlines()

    read.env = {"E2E_SIGNALS": str(path)}
    return read


def test_each_signal_is_sent_once_for_all_workers(serve, redis_url, visit, signals):
    server = serve(redis_url, workers=2, env=signals.env)
    users = [f"user-{n}" for n in range(8)]
    streams = [visit(server, user) for user in users]
    streams += [visit(server, stream.user, cookies=stream.cookies) for stream in streams[:4]]
    came = ["channel_occupied presence-a", *(f"member_added presence-a {user}" for user in users)]
    wait_until(lambda: len(signals()) >= len(came), timeout=30)

    streams.pop().close()
    os.kill(server.pids()[0], signal.SIGKILL)
    for stream in streams:
        if not stream.wait_ended(0.1):
            stream.close()

    gone = ["channel_vacated presence-a", *(f"member_removed presence-a {user}" for user in users)]
    wait_until(lambda: len(signals()) >= len(came + gone), timeout=30)
    time.sleep(3)
    assert Counter(signals()) == Counter(came + gone)
    assert signals()[0] == came[0]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM], ids=["reload", "one-worker"])
def test_nobody_seems_to_leave_when_a_worker_drains(serve, redis_url, make_swarm, signals, number):
    server = serve(redis_url, workers=2, env=signals.env)
    users = [f"user-{n}" for n in range(12)]
    swarm = make_swarm()
    for user in users:
        url, cookies = stream_url(server, "presence-a"), sign_in(server, user)
        swarm.open(url, name=user, cookies=cookies, reconnects=True)
    swarm.wait_for(lambda stream: bool(stream.named("pusher:subscription_succeeded")))
    wait_until(lambda: members(server) == sorted(users), timeout=30)
    workers = server.pids()
    first = workers[0]

    os.kill(server.pid if number == signal.SIGHUP else first, number)
    wait_until(lambda: first not in server.pids() and len(server.pids()) == 2, timeout=30)
    drained = [stream for stream in swarm.streams if stream.named("nexora:closing")]
    swarm.wait_for(lambda stream: stream.connects >= 2, timeout=30, streams=drained)
    time.sleep(9)  # the lease of a worker that did not give it back

    assert drained
    assert len(drained) == len(users) or number == signal.SIGTERM
    assert members(server) == sorted(users)
    assert [line for line in signals() if line.startswith("member_removed")] == []
    assert [stream.named("pusher:member_removed") for stream in swarm.streams] == [[]] * len(users)
    for stream in drained:
        shown = stream.named("pusher:subscription_succeeded")[-1].payload["presence"]
        assert sorted(shown["ids"]) == sorted(users)


def test_the_status_command_shows_workers_channels_and_members(serve, redis_url, app_id, visit):
    server = serve(redis_url, workers=2)
    alice, bob = visit(server, "alice"), visit(server, "bob")
    visit(server, "alice", cookies=alice.cookies)
    body = {"socket_id": bob.socket_id, "status": "away"}
    post(server, "/api/realtime/presence", body, cookies=bob.cookies)
    time.sleep(2.5)  # the workers leave their figures every two seconds

    tables = status(redis_url, app_id).split("\n\n")

    workers, channels, presence = [[line.split() for line in t.splitlines()] for t in tables]
    assert workers[0][:3] == ["host", "pid", "streams"]
    assert sum(int(line[2]) for line in workers[1:]) == 3
    assert {int(line[1]) for line in workers[1:]} <= set(server.pids())
    assert channels == [["channel", "streams", "members"], ["presence-a", "3", "2"]]
    assert [line[:3] for line in presence] == [
        ["channel", "member", "status"],
        ["presence-a", "alice", "online"],
        ["presence-a", "bob", "away"],
    ]


def status(redis_url, app_id):
    command = [sys.executable, "-m", "flask", "--app", "tests.e2e.app", "nexora-rt", "status"]
    env = {"FLASK_NEXORA_RT_URL": redis_url, "FLASK_NEXORA_RT_APP_ID": app_id}
    done = subprocess.run(command, env=environment(env), capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout
