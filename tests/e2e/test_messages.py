"""Messages over HTTP: never lost, doubled or out of order, whatever crashes."""

import os
import random
import subprocess
import sys
import threading
import time

import pytest
import requests

from tests.e2e.conftest import post, sign_in, stream_url
from tests.support.ports import wait_until

CLIENTS, SENDS = 8, 500


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path}/messages.db"


class Writer:
    """One user that sends over HTTP and keeps its connection."""

    def __init__(self, server, user="writer-0"):
        self._server = server
        self._http = requests.Session()
        self.cookies = sign_in(server, user)

    def request(self, method, path, **options):
        url = f"{self._server.url}/api{path}"
        return self._http.request(method, url, cookies=self.cookies, timeout=30, **options)

    def send(self, content, client_id=None, conversation="guild-1"):
        body = {"conversationId": conversation, "content": content, "clientId": client_id}
        return self.request("POST", "/messages", json=body)


def everything(writer, conversation="guild-1"):
    """All messages of a conversation, page by page."""
    found, after = [], 0
    while True:
        page = writer.request(
            "GET",
            "/messages",
            params={"conversationId": conversation, "afterSeq": after, "limit": 100},
        ).json()
        found += page["messages"]
        if not page["hasMore"]:
            return found
        after = found[-1]["seq"]


def test_many_writers_with_repeats_make_one_sequence_without_holes(
    serve, redis_url, database, make_swarm
):
    server = serve(
        redis_url,
        workers=2,
        env={"E2E_DATABASE": database, "FLASK_NEXORA_RT_MESSAGE_RATE": "100000"},
    )
    swarm = make_swarm()
    writers = [Writer(server, f"writer-{n}") for n in range(CLIENTS)]
    for writer in writers:
        swarm.open(stream_url(server, "guild-1"), cookies=writer.cookies, reconnects=True)
    swarm.wait_open()
    failures = []

    def write(number):
        rng, mine = random.Random(number), []
        for n in range(SENDS):
            client_id = rng.choice(mine) if mine and rng.random() < 0.2 else f"{number}-{n}"
            mine.append(client_id)
            answer = writers[number].send(client_id, client_id)
            if answer.status_code not in (200, 201):
                failures.append((answer.status_code, answer.text))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    stored = everything(writers[0])
    assert failures == []
    assert [message["seq"] for message in stored] == list(range(1, len(stored) + 1))
    assert len({message["clientId"] for message in stored}) == len(stored)
    swarm.wait_for(lambda stream: len(stream.named("message:new")) >= len(stored), timeout=60)
    for stream in swarm.streams:
        seen = [event.payload["id"] for event in stream.named("message:new")]
        assert seen == [message["id"] for message in stored]


def test_a_worker_killed_between_commit_and_publish_loses_and_doubles_nothing(
    serve, redis_url, postgres_url, sse, tmp_path
):
    fault = tmp_path / "die"
    server = serve(
        redis_url,
        workers=2,
        env={
            "E2E_DATABASE": postgres_url,
            "E2E_DIE_BEFORE_PUBLISHING": str(fault),
            "FLASK_NEXORA_RT_MESSAGE_RATE": "1000",
        },
    )
    writer = Writer(server)
    client = sse(stream_url(server, "guild-1"), cookies=writer.cookies)
    client.take(1)
    writer.send("before", "c-0")
    cursor = client.take_until("message:new")[-1].id

    fault.touch()
    for number in range(1, 20):
        try:
            answer = writer.send(f"{number}", f"c-{number}")
        except requests.ConnectionError:
            answer = writer.send(f"{number}", f"c-{number}")
        assert answer.status_code in (200, 201)

    stored = [message["content"] for message in everything(writer)]
    with sse(
        stream_url(server, "guild-1"), cookies=writer.cookies, last_event_id=cursor
    ) as resumed:
        seen = []
        while len(seen) < 19:
            seen += [e.payload["content"] for e in resumed.take_until("message:new")[-1:]]
    assert not fault.exists()
    assert stored == ["before", *map(str, range(1, 20))]
    assert seen == [str(number) for number in range(1, 20)]


def test_messages_are_saved_while_the_broker_is_away_and_sent_when_it_is_back(
    serve, make_redis, postgres_url, sse
):
    redis_server = make_redis(appendonly=True)
    server = serve(
        redis_server.url,
        workers=2,
        env={
            "E2E_DATABASE": postgres_url,
            "FLASK_NEXORA_RT_MESSAGE_RATE": "1000",
            "FLASK_NEXORA_RT_PUBLISH_TIMEOUT": "0.5",
        },
    )
    writer = Writer(server)
    client = sse(stream_url(server, "guild-1"), cookies=writer.cookies)
    client.take_until("pusher:subscription_succeeded")
    codes = []
    for number in range(200):
        if number == 50:
            redis_server.stop()
        if number == 60:
            redis_server.start()
        codes.append(writer.send(f"{number}", f"c-{number}").status_code)

    assert set(codes) == {201}
    seen = []
    deadline = time.monotonic() + 60
    while len(seen) < 200 and time.monotonic() < deadline:
        seen += [e.payload["content"] for e in client.events(1) if e.name == "message:new"]
    assert seen == [str(number) for number in range(200)]


def test_who_is_no_member_gets_nothing_and_learns_nothing(serve, redis_url, tmp_path):
    server = serve(redis_url, env={"E2E_DATABASE": f"sqlite:///{tmp_path}/m.db"})
    message = Writer(server).send("secret").json()["message"]
    stranger = Writer(server, "stranger")
    mine = f"/messages/{message['id']}"

    answers = [
        stranger.send("hello"),
        stranger.request("GET", "/messages", params={"conversationId": "guild-1"}),
        stranger.request("PATCH", mine, json={"content": "x"}),
        stranger.request("DELETE", mine),
        stranger.request("PUT", f"{mine}/reactions/+1"),
        stranger.request(
            "POST", "/messages/read", json={"conversationId": "guild-1", "upToSeq": 1}
        ),
    ]

    assert [answer.status_code for answer in answers] == [403] * 6
    assert not any("secret" in answer.text for answer in answers)
    assert stranger.request("GET", "/messages/unread").json() == {"conversations": {}}
    assert requests.get(f"{server.url}/api/messages/unread", timeout=5).status_code == 401


def test_a_message_is_sent_edited_reacted_to_read_and_deleted(serve, redis_url, tmp_path, sse):
    server = serve(redis_url, workers=2, env={"E2E_DATABASE": f"sqlite:///{tmp_path}/m.db"})
    alice, bob = Writer(server), Writer(server, "writer-1")
    client = sse(stream_url(server, "guild-1"), cookies=bob.cookies)
    client.take_until("pusher:subscription_succeeded")

    sent = alice.send("hello", "c-1")
    assert sent.status_code == 201
    message = sent.json()["message"]
    assert sent.json()["data"] == {"messageId": message["id"]}
    assert alice.send("hello", "c-1").json()["duplicate"] is True
    assert alice.send("other", "c-1").status_code == 409
    mine = f"/messages/{message['id']}"
    edit = {"content": "hello!", "expectedRevision": 1}
    assert alice.request("PATCH", mine, json=edit).json()["message"]["revision"] == 2
    assert alice.request("PATCH", mine, json=edit).status_code == 409
    reactions = bob.request("PUT", f"{mine}/reactions/👍").json()["reactions"]
    assert reactions == {"👍": {"count": 1, "userIds": ["writer-1"]}}
    assert bob.request("GET", "/messages/unread").json() == {
        "conversations": {"guild-1": {"unread": 1, "mentions": 0}}
    }
    read = {"conversationId": "guild-1", "upToSeq": 9}
    assert bob.request("POST", "/messages/read", json=read).json()["upToSeq"] == 1
    assert alice.request("DELETE", mine).json()["message"]["content"] == ""
    assert alice.request("DELETE", mine).status_code == 200

    seen = client.take_until("message:delete")
    assert [event.name for event in seen if event.name.startswith("message")] == [
        "message:new",
        "message:edit",
        "message:reaction",
        "message:read",
        "message:delete",
    ]


def test_a_reconnecting_client_never_receives_deleted_text(serve, redis_url, tmp_path, sse):
    server = serve(redis_url, env={"E2E_DATABASE": f"sqlite:///{tmp_path}/m.db"})
    alice = Writer(server)
    with sse(stream_url(server, "guild-1"), cookies=alice.cookies) as client:
        cursor = client.take(1)[0].id
    gone = alice.send("secret").json()["message"]
    kept = alice.send("helo").json()["message"]
    alice.request("PATCH", f"/messages/{kept['id']}", json={"content": "hello"})
    alice.request("DELETE", f"/messages/{gone['id']}")
    alice.send("last")

    back = sse(stream_url(server, "guild-1"), cookies=alice.cookies, last_event_id=cursor)
    seen = back.take_until(
        lambda event: event.name == "message:new" and event.payload["content"] == "last"
    )

    texts = [event.payload["content"] for event in seen if event.name == "message:new"]
    assert texts == ["hello", "last"]
    assert not any("secret" in event.data for event in seen)


def test_who_reconnects_as_a_message_is_withdrawn_does_not_receive_it_from_any_worker(
    serve, redis_url, tmp_path, sse
):
    """The worker that is asked may not have read of the edit that another has answered."""
    env = {
        "E2E_DATABASE": f"sqlite:///{tmp_path}/m.db",
        "E2E_TAIL_LAG": "0.03",
        "FLASK_NEXORA_RT_MESSAGE_RATE": "1000",
    }
    server = serve(redis_url, workers=2, env=env)
    alice = Writer(server)
    with sse(stream_url(server, "guild-1"), cookies=alice.cookies) as client:
        cursor = client.take(1)[0].id

    for number in range(8):
        path = f"/messages/{alice.send(f'secret {number}').json()['message']['id']}"
        if number % 2:
            alice.request("PATCH", path, json={"content": "open"})
        else:
            alice.request("DELETE", path)
        for _ in range(2):
            back = sse(stream_url(server, "guild-1"), cookies=alice.cookies, last_event_id=cursor)
            [established, _] = back.take(2)
            replayed = back.take(established.payload["replayed"])
            back.close()
            assert not [event for event in replayed if "secret" in event.data]


def test_who_subscribes_late_does_not_receive_what_was_withdrawn(serve, redis_url, tmp_path, sse):
    env = {
        "E2E_DATABASE": f"sqlite:///{tmp_path}/m.db",
        "E2E_TAIL_LAG": "0.03",
        "FLASK_NEXORA_RT_MESSAGE_RATE": "1000",
    }
    server = serve(redis_url, workers=2, env=env)
    alice = Writer(server)
    client = sse(stream_url(server), cookies=alice.cookies)
    established = client.take(1)[0]
    body = {"socket_id": established.payload["socket_id"], "channels": ["guild-1"]}

    for number in range(8):
        path = f"/messages/{alice.send(f'secret {number}').json()['message']['id']}"
        alice.request("DELETE", path)
        since = {**body, "last_event_id": established.id}
        answer = alice.request("POST", "/realtime/subscribe", json=since)
        assert answer.json() == {"subscribed": ["guild-1"], "refused": {}}
        alice.request("POST", "/realtime/unsubscribe", json=body)
    alice.request("POST", "/realtime/subscribe", json=body)
    alice.send("last")

    seen = client.take_until("message:new")
    assert not [event for event in seen if "secret" in event.data]


@pytest.mark.parametrize(
    "body, status",
    [
        ({"conversationId": "guild-1"}, 422),
        ({"conversationId": "guild-1", "content": ""}, 422),
        ({"conversationId": "guild-1", "content": "x" * 100_000}, 422),
        ({"conversationId": "guild-1", "content": "x", "clientId": "a b"}, 422),
        ({"conversationId": "a b", "content": "x"}, 422),
        ({"conversationId": "nowhere", "content": "x"}, 403),
        ({"conversationId": "guild-1", "content": 7}, 422),
        ([], 400),
    ],
)
def test_a_bad_message_is_refused_and_nothing_is_saved(serve, redis_url, tmp_path, body, status):
    server = serve(redis_url, env={"E2E_DATABASE": f"sqlite:///{tmp_path}/m.db"})
    writer = Writer(server)

    answer = writer.request("POST", "/messages", json=body)

    assert answer.status_code == status
    assert "error" in answer.json()
    assert everything(writer) == []


def test_messages_are_limited_by_user(serve, redis_url, tmp_path):
    server = serve(redis_url, workers=2, env={"E2E_DATABASE": f"sqlite:///{tmp_path}/m.db"})
    alice, bob = Writer(server), Writer(server, "writer-1")

    codes = [alice.send(f"{n}").status_code for n in range(12)]
    refused = alice.send("too fast")

    assert 429 in codes
    assert bob.send("mine").status_code == 201
    if refused.status_code == 429:
        assert int(refused.headers["Retry-After"]) >= 1
    wait_until(lambda: alice.send("later").status_code == 201, timeout=30)


def test_sending_ends_typing(serve, redis_url, tmp_path, sse):
    server = serve(redis_url, env={"E2E_DATABASE": f"sqlite:///{tmp_path}/m.db"})
    alice, bob = Writer(server), Writer(server, "writer-1")
    client = sse(stream_url(server, "guild-1"), cookies=bob.cookies)
    client.take_until("pusher:subscription_succeeded")
    body = {"conversationId": "guild-1", "isTyping": True}
    post(server, "/api/realtime/typing", body, cookies=alice.cookies)
    client.take_until("typing:start")

    alice.send("done")

    assert client.take_until("typing:stop")


def test_what_another_process_commits_is_sent_by_the_one_that_has_the_log(
    serve, tmp_path, sse, app_id
):
    database = f"sqlite:///{tmp_path}/m.db"
    server = serve(None, env={"E2E_DATABASE": database})
    alice = Writer(server)
    client = sse(stream_url(server, "guild-1"), cookies=alice.cookies)
    client.take_until("pusher:subscription_succeeded")
    command = "from tests.e2e.app import app, rt; app.app_context().push(); "
    command += "rt.messages.send('guild-1', 'from a command', 'writer-1')"
    environment = {**os.environ, "E2E_DATABASE": database, "FLASK_NEXORA_RT_APP_ID": app_id}

    subprocess.run([sys.executable, "-c", command], check=True, timeout=60, env=environment)

    assert client.take_until("message:new")[-1].payload["content"] == "from a command"
    assert alice.send("mine").status_code == 201
