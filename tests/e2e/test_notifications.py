"""Notifications over HTTP: the right counts at every client, whichever worker did what."""

import random
import threading

import pytest
import requests

from tests.e2e.conftest import sign_in, stream_url

WORKERS, CHANGES, STREAMS = 4, 200, 4
BOUNTY = {"bountyTitle": "Northern chart", "guildName": "Mapmakers"}


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path}/n.db"


@pytest.fixture
def server(serve, redis_url, database):
    return serve(redis_url, workers=WORKERS, env={"E2E_DATABASE": database})


class Person:
    """One user."""

    def __init__(self, server, user):
        self.user = user
        self._url = f"{server.url}/api/notifications"
        self.cookies = sign_in(server, user)

    def ask(self, method, path="", **options):
        # A connection of its own each time: gunicorn ends those that wait for 2 s.
        url = f"{self._url}{path}"
        return requests.request(method, url, cookies=self.cookies, timeout=60, **options)

    def send(self, *users, kind="bounty_matched", data=BOUNTY, **headers):
        body = {"userIds": list(users), "type": kind, "data": data}
        return self.ask("POST", json=body, headers=headers)

    def counts(self):
        return self.ask("GET", "/unread-count").json()


def test_reads_sends_and_read_alls_at_once_leave_every_client_with_the_right_counts(
    server, make_swarm
):
    alice = Person(server, "alice")
    swarm = make_swarm()
    for _ in range(STREAMS):
        swarm.open(stream_url(server, "private-user-alice"), cookies=alice.cookies, reconnects=True)
    swarm.wait_open()
    Person(server, "admin").send("alice")
    answers = []

    def change(number):
        rng, me, admin = random.Random(number), Person(server, "alice"), Person(server, "admin")
        answers.extend(act(rng, me, admin) for _ in range(CHANGES // 10))

    threads = [threading.Thread(target=change, args=(n,)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {answer.status_code for answer in answers} <= {200, 201}
    counts = alice.counts()
    unread = alice.ask("GET", params={"state": "unread", "limit": 100}).json()["notifications"]
    unseen = alice.ask("GET", params={"state": "unseen", "limit": 100}).json()["notifications"]
    assert (counts["unread"], counts["unseen"]) == (len(unread), len(unseen))
    swarm.wait_for(lambda stream: payloads(stream)[-1]["version"] >= counts["version"])
    for stream in swarm.streams:
        seen = payloads(stream)
        versions = [payload["version"] for payload in seen]
        assert versions == sorted(set(versions))
        assert {name: seen[-1][name] for name in counts} == counts


def act(rng, me, admin):
    """Do one thing of many to a user's notifications."""
    what = rng.choice(["send", "send", "read", "read-all", "seen", "delete"])
    if what == "send":
        return admin.send("alice", f"other-{rng.randrange(5)}")
    if what in ("read-all", "seen"):
        return me.ask("POST", f"/{what}")
    listed = me.ask("GET", params={"limit": 100}).json()["notifications"]
    if not listed:
        return me.ask("GET")
    chosen = rng.choice(listed)["id"]
    return me.ask("POST", f"/{chosen}/read") if what == "read" else me.ask("DELETE", f"/{chosen}")


def payloads(stream):
    return [e.payload for e in stream.events if e.name.startswith("notification:")]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_nobody_reaches_what_is_not_theirs(server):
    admin, alice, mallory = (Person(server, name) for name in ("admin", "alice", "mallory"))
    sent = admin.send("alice").json()["notification"]["id"]

    for theirs in (sent, "f" * 32):
        answers = [
            mallory.ask("POST", f"/{theirs}/read"),
            mallory.ask("POST", f"/{theirs}/unread"),
            mallory.ask("POST", f"/{theirs}/archive"),
            mallory.ask("DELETE", f"/{theirs}"),
            mallory.ask("POST", "/read-all", json={"upTo": theirs}),
        ]
        assert [answer.status_code for answer in answers] == [404] * 5
        assert len({answer.text for answer in answers}) == 1
    assert mallory.ask("DELETE").status_code == 200
    assert alice.counts() == {"unread": 1, "unseen": 1, "version": 1}
    assert alice.send("bob").status_code == 403
    assert requests.get(f"{server.url}/api/notifications", timeout=5).status_code == 401


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_one_is_sent_seen_read_and_deleted(server, sse):
    admin, alice = Person(server, "admin"), Person(server, "alice")
    client = sse(stream_url(server, "private-user-alice"), cookies=alice.cookies)
    client.take_until("pusher:subscription_succeeded")

    first = admin.send("alice", **{"Idempotency-Key": "k-1"})
    again = admin.send("alice", **{"Idempotency-Key": "k-1"})
    other = admin.send("alice", data={**BOUNTY, "guildName": "X"}, **{"Idempotency-Key": "k-1"})
    assert [answer.status_code for answer in (first, again, other)] == [201, 200, 409]
    assert again.headers["Idempotency-Replayed"] == "true"
    page = alice.ask("GET").json()
    [one] = page["notifications"]
    assert (page["unread"], page["nextCursor"]) == (1, None)
    assert one["title"] == "Bounty Matched!"
    assert alice.ask("POST", "/seen", json={"upTo": one["id"]}).json()["unseen"] == 0
    assert alice.ask("POST", f"/{one['id']}/read").json()["unread"] == 0
    assert alice.ask("POST", f"/{one['id']}/unread").json()["unread"] == 1
    assert alice.ask("POST", "/read-all").json()["unread"] == 0
    assert alice.ask("DELETE", f"/{one['id']}").status_code == 200
    assert alice.ask("DELETE", f"/{one['id']}").status_code == 200

    seen = client.take_until("notification:clear")
    names = [event.name for event in seen if event.name.startswith("notification:")]
    assert names == ["notification:new", *["notification:read"] * 4, "notification:clear"]
    back = sse(
        stream_url(server, "private-user-alice", last_event_id=page["position"]),
        cookies=alice.cookies,
    )
    replayed = back.take_until("notification:clear")
    assert "notification:new" not in [event.name for event in replayed]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_preferences_are_kept_and_checked(server):
    admin, alice = Person(server, "admin"), Person(server, "alice")
    wish = {"global": True, "categories": {"bounty": False}, "types": {"mention": False}}

    assert alice.ask("PUT", "/preferences", json=wish).json() == wish
    assert alice.ask("GET", "/preferences").json() == wish
    assert admin.send("alice").json()["recipients"] == 0
    bad = alice.ask("PUT", "/preferences", json={"types": {"platform_announcement": False}})
    assert (bad.status_code, list(bad.json()["fields"])) == (422, ["platform_announcement"])
    assert alice.ask("GET", "/preferences").json() == wish


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_bad_requests_are_told_what_is_wrong_and_store_nothing(server):
    admin, alice = Person(server, "admin"), Person(server, "alice")

    answers = [
        admin.send("alice", kind="nothing"),
        admin.send("alice", data={"bountyTitle": "x"}),
        admin.send("alice", data={**BOUNTY, "bountyTitle": "x" * 1_000_000}),
        admin.send(),
        admin.send("alice", **{"Idempotency-Key": "x" * 300}),
        admin.ask("POST", json={"userIds": "alice", "type": "mention"}),
        admin.ask("POST", data=b"{", headers={"Content-Type": "application/json"}),
        alice.ask("GET", params={"cursor": "r0"}),
        alice.ask("GET", params={"cursor": "' OR 1=1"}),
        alice.ask("GET", params={"state": "lost"}),
        alice.ask("GET", params={"limit": "many"}),
        alice.ask("POST", "/seen", json={"upTo": 7}),
        alice.ask("PUT", "/preferences", json=[]),
    ]

    statuses = [422, 422, 413, 422, 422, 422, 400, 400, 400, 400, 400, 422, 400]
    assert [answer.status_code for answer in answers] == statuses
    assert all(answer.json()["error"] for answer in answers)
    assert alice.counts() == {"unread": 0, "unseen": 0, "version": 0}
