"""Threadly's and the collaboration app's flows: two users each, on a real server."""

import pytest
import requests

from flask_nexora_rt.presets import collaboration, marketplace
from tests.e2e.conftest import sign_in, stream_url


@pytest.fixture
def serve_host(gunicorn, redis_url, app_id, tmp_path):
    """Serves one of the hosts on Redis: `serve_host("market")`."""

    def make(name, workers=2):
        env = {
            "FLASK_NEXORA_RT_URL": redis_url,
            "FLASK_NEXORA_RT_APP_ID": app_id,
            "FLASK_SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path}/{name}.db",
            "FLASK_NEXORA_RT_MESSAGE_RATE": "1000",
        }
        app = f"tests.e2e.hosts.{name}:create_app()"
        return gunicorn(app, env=env, ready_path="/ready", workers=workers)

    return make


class Person:
    """One signed-in user of the server."""

    def __init__(self, server, user, sse):
        self._server = server
        self._sse = sse
        self.cookies = sign_in(server, user)

    def request(self, method, path, json=None):
        url = f"{self._server.url}{path}"
        return requests.request(method, url, json=json, cookies=self.cookies, timeout=20)

    def open(self, *channels, last_event_id=None, **query):
        url = stream_url(self._server, *channels, **query)
        return self._sse(url, cookies=self.cookies, last_event_id=last_event_id)

    def send(self, conversation, content):
        body = {"conversationId": conversation, "content": content}
        answer = self.request("POST", "/api/messages", body)
        assert answer.status_code == 201, answer.text
        return answer.json()["message"]


@pytest.fixture
def people(sse):
    """Signs users in: `people(server, "ann", "ben")`."""
    return lambda server, *users: [Person(server, user, sse) for user in users]


def payload(stream, name):
    """The data of the next event of that name."""
    return stream.take_until(name)[-1].payload


def test_a_buyer_and_a_seller_talk_and_the_order_is_shipped(serve_host, people):
    server = serve_host("market")
    buyer, seller = people(server, "buyer", "seller")
    talk, deal = marketplace.conversation(7), marketplace.order(1)
    at_buyer, at_seller = buyer.open(talk, deal), seller.open(talk, deal)
    for stream in (at_buyer, at_seller):
        stream.take_until("pusher:subscription_succeeded")

    seller.request("POST", "/api/realtime/typing", {"conversationId": talk, "isTyping": True})
    typing = payload(at_buyer, "typing")
    sent = seller.send(talk, "It is still there.")
    assert typing == {"conversationId": "7", "userId": "seller", "isTyping": True}
    for stream in (at_buyer, at_seller):
        assert payload(stream, "new-message") == {**sent, "conversationId": "7"}
        assert payload(stream, "message:new") == sent
    answer = buyer.send(talk, "I take it.")
    assert payload(at_seller, "new-message")["id"] == answer["id"]

    shipped = {"status": "shipped"}
    assert buyer.request("PATCH", "/api/orders/1/status", shipped).status_code == 403
    assert seller.request("PATCH", "/api/orders/1/status", shipped).status_code == 200
    for stream in (at_buyer, at_seller):
        told = payload(stream, "order:status")
        assert (told["orderId"], told["status"]) == ("1", "shipped")


def test_who_looks_at_a_product_sees_who_else_does(serve_host, people):
    buyer, other = people(serve_host("market"), "buyer", "other")
    channel = marketplace.product(3)
    mine = buyer.open(channel)
    assert payload(mine, "pusher:subscription_succeeded")["presence"]["count"] == 1

    theirs = other.open(channel)
    assert payload(theirs, "pusher:subscription_succeeded")["presence"]["count"] == 2
    assert payload(mine, "pusher:member_added") == {"id": "other", "info": {"name": "Other"}}
    theirs.close()
    assert payload(mine, "pusher:member_removed") == {"id": "other"}
    answer = buyer.request("GET", f"/api/realtime/presence/{channel}").json()
    assert [member["id"] for member in answer["members"]] == ["buyer"]


def test_an_announcement_reaches_who_is_not_signed_in(serve_host, sse):
    server = serve_host("market")
    stream = sse(stream_url(server, marketplace.GLOBAL_ANNOUNCEMENTS))
    stream.take_until("pusher:subscription_succeeded")
    requests.post(f"{server.url}/announce", timeout=10)
    assert payload(stream, "announcement") == {"text": "hello"}


def test_two_people_work_on_a_thread(serve_host, people):
    # One worker: what a stream of it has been told, a replay of it knows.
    server = serve_host("collaboration", workers=1)
    ann, ben, cid = people(server, "ann", "ben", "cid")
    thread, org = collaboration.thread(7), collaboration.org("acme")
    at_ben, at_cid = ben.open(thread, org), cid.open(org)
    start = at_ben.take_until("pusher:subscription_succeeded")[0].id
    at_cid.take_until("pusher:subscription_succeeded")

    edit = {"title": "New", "revision": 1}
    assert ann.request("PATCH", "/api/threads/7", edit).status_code == 200
    assert ann.request("PATCH", "/api/threads/7", edit).status_code == 409
    assert payload(at_ben, "thread:updated")["title"] == "New"

    kept, gone = ann.send(thread, "frist"), ann.send(thread, "secret")
    ann.request("PATCH", f"/api/messages/{kept['id']}", {"content": "first"})
    ann.request("DELETE", f"/api/messages/{gone['id']}")
    assert payload(at_ben, "comment:created")["comment"]["content"] == "frist"
    assert payload(at_ben, "comment:created")["comment"]["content"] == "secret"
    assert payload(at_ben, "comment:updated")["comment"]["content"] == "first"
    assert payload(at_ben, "comment:deleted")["commentId"] == gone["id"]

    ann.request("POST", "/api/activity", ["the end"])
    replayed = until_activity(ben.open(thread, org, last_event_id=start))
    assert "secret" not in str(replayed)
    created = [event.payload for event in replayed if event.name == "comment:created"]
    assert [one["comment"]["content"] for one in created] == ["first"]
    # Who may not see the thread is told of the activity, and of nothing before it.
    assert [event.name for event in until_activity(at_cid)] == ["activity:new"]
    assert cid.open(thread).status == 403


def until_activity(stream):
    """What the stream is told up to an activity, without what concerns the connection."""
    seen = stream.take_until("activity:new")
    return [event for event in seen if not event.name.startswith(("pusher:", "nexora:"))]


def test_the_feed_has_fifty_of_sixty_activities_and_goes_on_live(serve_host, people):
    server = serve_host("collaboration")
    ann, ben, zoe = people(server, "ann", "ben", "zoe")
    ann.request("POST", "/api/activity", list(range(60)))

    feed = ben.request("GET", "/api/activity").json()
    assert [one["activity"]["what"] for one in feed["activities"]] == list(range(59, 9, -1))
    stream = ben.open(collaboration.org("acme"), last_event_id=feed["position"])
    ann.request("POST", "/api/activity", [60, 61])
    # It may be shown the end of what it has already: `seq` tells.
    seen = []
    while 62 not in seen:
        seen.append(payload(stream, "activity:new")["activity"]["seq"])
    assert seen[-2:] == [61, 62]
    assert zoe.request("GET", "/api/activity").status_code == 403
    assert zoe.open(collaboration.org("acme")).status == 403
