"""Threadly: its names, who may hold what, and what its old clients are told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_nexora_rt import InvalidName, NexoraRT
from flask_nexora_rt.events import check_publishable
from flask_nexora_rt.presets import marketplace
from flask_nexora_rt.presets.marketplace import Events, Marketplace
from flask_nexora_rt.testing import Kit, make_app, sign_in
from tests.e2e.hosts.market import create_app

SECRET = "a secret of this shop"


class Shop:
    """The host on `memory://`."""

    def __init__(self, app):
        self.app = app
        self.kit = Kit(app)

    def client(self, user=None):
        client = self.app.test_client()
        return client if user is None else sign_in(client, user)

    def stream(self, user, *channels, **options):
        return self.kit.stream(self.client(user), *channels, **options)

    def send(self, user, content):
        body = {"conversationId": marketplace.conversation(7), "content": content}
        return self.client(user).post("/api/messages", json=body).get_json()["message"]


@pytest.fixture
def shop():
    made = Shop(create_app(TESTING=True))
    yield made
    made.kit.close()


def test_the_events_are_named_as_the_seed_names_them():
    assert [event.value for event in Events] == [
        "message", "new-message", "typing", "notification", "presence", "order:status",
    ]  # fmt: skip
    assert all(check_publishable(event) for event in Events)


@pytest.mark.parametrize(
    "name, built",
    [
        ("private-conversation-7", marketplace.conversation(7)),
        ("private-user-a=20b", marketplace.user("a b")),
        ("private-order-o-1", marketplace.order("o-1")),
        ("presence-product-7", marketplace.product(7)),
        ("presence-category-7", marketplace.category(7)),
        ("global-announcements", marketplace.GLOBAL_ANNOUNCEMENTS),
        ("status-updates", marketplace.STATUS_UPDATES),
    ],
)
def test_a_channel_is_built_as_the_seed_writes_it(name, built):
    assert built == name


def test_searches_for_the_same_meet_whatever_their_case_and_spacing():
    name = marketplace.search("Blue  Dress", SECRET)

    assert name == marketplace.search(" blue\tdress ", SECRET)
    assert name == marketplace.search("\uff42lue dress", SECRET)
    assert name != marketplace.search("bluedress", SECRET)
    assert name != marketplace.search("blue dress", "another secret of a shop")
    with pytest.raises(InvalidName):
        marketplace.search(" \n", SECRET)


@given(st.text(min_size=1).filter(str.strip))
def test_the_name_of_a_search_has_nothing_of_the_query(query):
    prefix, _, digest = marketplace.search(query, SECRET).rpartition("-")

    assert prefix == "presence-search"
    assert len(digest) == 32
    assert set(digest) <= set("0123456789abcdef")


def test_what_the_host_gives_no_check_for_is_denied():
    rt = NexoraRT()
    Marketplace(rt)
    app = make_app(rt)
    kit, client = Kit(app), sign_in(app.test_client(), "buyer")
    channels = [
        *(marketplace.conversation(7), marketplace.order(1), marketplace.product(1)),
        *(marketplace.category(1), marketplace.search("x", SECRET), marketplace.user("seller")),
    ]
    for channel in channels:
        assert client.get(f"/api/realtime/stream?channels={channel}").status_code == 403
    kit.close()


@pytest.mark.parametrize(
    "user, channel, status",
    [
        ("buyer", marketplace.conversation(7), 200),
        ("other", marketplace.conversation(7), 403),
        ("buyer", marketplace.conversation(8), 403),
        (None, marketplace.conversation(7), 401),
        ("seller", marketplace.order(1), 200),
        ("other", marketplace.order(1), 403),
        ("buyer", marketplace.user("buyer"), 200),
        ("buyer", marketplace.user("seller"), 403),
        ("other", marketplace.product(1), 200),
        (None, marketplace.product(1), 401),
        ("other", marketplace.category(1), 403),
        (None, marketplace.GLOBAL_ANNOUNCEMENTS, 200),
        (None, marketplace.STATUS_UPDATES, 200),
    ],
)
def test_who_may_hold_what(shop, user, channel, status):
    response = shop.client(user).get(f"/api/realtime/stream?channels={channel}")
    response.close()
    assert response.status_code == status


def test_a_message_is_told_to_old_and_new_clients_and_edits_reach_both_in_replay(shop):
    with shop.stream("buyer", marketplace.conversation(7)) as reader:
        start = reader.take_control("pusher:connection_established").id
        first, second = shop.send("seller", "helo"), shop.send("seller", "secret")
        seen = reader.take(4)
        seller = shop.client("seller")
        seller.patch(f"/api/messages/{first['id']}", json={"content": "hello"})
        seller.delete(f"/api/messages/{second['id']}")
        assert [event.name for event in reader.take(2)] == ["message:edit", "message:delete"]

    assert [event.name for event in seen] == ["new-message", "message:new"] * 2
    assert seen[0].payload == {**first, "conversationId": "7"}
    assert seen[1].payload == first
    with shop.stream("buyer", marketplace.conversation(7), last_event_id=start) as late:
        shop.send("seller", "end")
        replayed = late.take(4)
    assert [(event.name, event.payload["content"]) for event in replayed] == [
        ("new-message", "hello"), ("message:new", "hello"),
        ("new-message", "end"), ("message:new", "end"),
    ]  # fmt: skip


def test_typing_is_told_in_threadlys_words_as_well(shop):
    channel = marketplace.conversation(7)
    with shop.stream("buyer", channel) as reader:
        reader.take_control("pusher:subscription_succeeded")
        for is_typing in (True, False):
            body = {"conversationId": channel, "isTyping": is_typing}
            assert shop.client("seller").post("/api/realtime/typing", json=body).status_code < 300
        seen = [event for event in reader.take(4) if event.name == "typing"]
    assert [event.payload for event in seen] == [
        {"conversationId": "7", "userId": "seller", "isTyping": is_typing}
        for is_typing in (True, False)
    ]


def test_a_notification_has_threadlys_shape_under_threadlys_name(shop):
    stored = {"id": "1", "userId": "buyer", "title": "T", "data": {"orderId": "1"}, "read": False}
    with shop.stream("buyer", marketplace.user("buyer")) as reader:
        shop.kit.trigger(marketplace.user("buyer"), "notification:new", stored)
        old, new = reader.take(2)
    assert (old.name, old.payload) == ("notification", {**stored, "metadata": {"orderId": "1"}})
    assert (new.name, new.payload) == ("notification:new", stored)


def patch_order(shop, user, status, order="1"):
    return shop.client(user).patch(f"/api/orders/{order}/status", json={"status": status})


@pytest.mark.parametrize(
    "user, order, status, answer",
    [
        (None, "1", "shipped", 401),
        (None, "9", "shipped", 401),
        ("buyer", "1", "shipped", 403),
        ("other", "1", "shipped", 404),
        ("seller", "9", "shipped", 404),
        ("seller", "1", "nonsense", 422),
        ("seller", "1", "", 422),
        ("seller", "1", None, 422),
        ("seller", "1", "x" * 65, 422),
    ],
)
def test_a_refused_change_of_an_order_changes_and_tells_nothing(shop, user, order, status, answer):
    with shop.stream("buyer", marketplace.order(1)) as reader:
        assert patch_order(shop, user, status, order).status_code == answer
        assert shop.client().get("/api/orders/1").get_json() == {"status": "paid"}
        assert patch_order(shop, "seller", "shipped").status_code == 200
        [event] = reader.take(1)
    assert event.payload["status"] == "shipped"


def test_an_order_is_told_of_in_the_hosts_transaction(shop):
    with shop.stream("buyer", marketplace.order(1)) as reader:
        answer = patch_order(shop, "seller", "shipped").get_json()
        [event] = reader.take(1)

    assert answer == {"success": True, "order": {"id": "1", "status": "shipped"}}
    assert event.name == "order:status"
    assert event.payload["timestamp"].endswith("Z")
    assert {**event.payload, "timestamp": ""} == {
        "orderId": "1", "status": "shipped", "timestamp": "",
    }  # fmt: skip
    assert shop.app.notified == [("1", "shipped")]


def test_nobody_changes_an_order_when_the_host_gave_no_check(shop):
    rt = NexoraRT()
    market = Marketplace(rt)
    app = make_app(rt)
    with app.app_context(), pytest.raises(marketplace.Forbidden):
        market.update_order_status(type("Admin", (), {"is_authenticated": True})(), 1, "shipped")


def test_who_searches_for_the_same_sees_each_other(shop):
    names = {
        user: shop.client(user).get(f"/search?q={query}").get_json()["channel"]
        for user, query in (("buyer", "Blue Dress"), ("other", "blue  dress"), ("seller", "hat"))
    }
    assert names["buyer"] == names["other"] != names["seller"]
    with shop.stream("buyer", names["buyer"]) as reader:
        reader.take_control("pusher:subscription_succeeded")
        with shop.stream("other", names["other"]):
            assert reader.take_control("pusher:member_added").payload["id"] == "other"


@pytest.mark.parametrize(
    "channel",
    [
        marketplace.order(7),
        marketplace.product(7),
        marketplace.user("buyer"),
        marketplace.GLOBAL_ANNOUNCEMENTS,
    ],
)
def test_what_one_may_look_at_is_no_place_to_write(shop, channel):
    body = {"conversationId": channel, "content": "hello"}
    buyer = shop.client("buyer")

    assert buyer.post("/api/messages", json=body).status_code == 403
    assert buyer.get(f"/api/messages?conversationId={channel}").status_code == 403
