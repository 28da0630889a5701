"""What goes wrong reaches the caller as an error with a type, and throws in no handler."""

import pytest

from tests.e2e.conftest import post, trigger

ROOM = "room-3"


@pytest.fixture
def server(shared_host):
    return shared_host


@pytest.fixture
def tab(server, visit):
    return visit(server.url, "member-3").open(ROOM, "public-1")


def refusal(tab, channel):
    tab.page.evaluate("(name) => void rt.subscribe(name)", channel)
    condition = "seen.some(([event]) => event === 'pusher:subscription_error')"
    tab.page.wait_for_function(condition)
    error = tab.seen("pusher:subscription_error")[-1]
    assert not tab.page.evaluate("(name) => rt.channel(name).subscribed", channel)
    return error["type"], error["status"]


@pytest.mark.parametrize(
    "channel, type, status",
    [
        ("room-4", "AuthError", 403),
        ("nobody-registered-this", "AuthError", 403),
        ("not a channel", "InvalidChannel", 400),
        ("x" * 165, "InvalidChannel", 400),
    ],
)
def test_channel_that_cannot_be_had(tab, server, channel, type, status):
    assert refusal(tab, channel) == (type, status)
    trigger(server, ROOM, data="goes on")
    assert tab.wait_seen("tick") == ["goes on"]


def test_only_channel_is_refused_and_the_next_one_is_not(server, visit):
    tab = visit(server.url, "member-3").page()
    tab.listen()
    assert refusal(tab, "room-4") == ("AuthError", 403)

    tab.subscribe(ROOM)

    trigger(server, ROOM, data=1)
    assert tab.wait_seen("tick") == [1]


def test_nobody_is_signed_in(server, visit):
    tab = visit(server.url).page()
    tab.listen()
    assert refusal(tab, ROOM) == ("AuthError", 401)
    tab.wait_state("failed")
    assert tab.error("rt.signin()")["type"] == "AuthError"

    tab.subscribe("public-1")

    tab.wait_state("connected")


def test_session_that_has_ended_and_begins_again_for_the_same_user(server, visit):
    visitor = visit(server.url, "member-3")
    tab = visitor.open(ROOM)
    tab.page.evaluate("""() => {
      window.told = [];
      for (const event of ["pusher:signin_success", "pusher:signin_error"]) {
        rt.user.bind(event, () => told.push(event));
      }
    }""")

    visitor.sign_out()
    tab.wait_state("failed")
    assert tab.error("rt.signin()")["status"] == 401
    visitor.sign_in("member-3")
    tab.page.evaluate("rt.connect()")
    tab.wait_live(ROOM)

    assert tab.call("rt.signin()") == {"id": "member-3"}
    assert tab.call("told") == ["pusher:signin_error", "pusher:signin_success"]


def test_stream_that_is_not_where_the_page_thinks(server, visit):
    tab = visit(server.url, "member-3").page()
    tab.page.route("**/realtime/stream*", lambda route: route.fulfill(status=404))
    tab.listen()
    tab.page.evaluate("(name) => void rt.subscribe(name)", ROOM)

    tab.wait_state("failed")
    error = tab.error("rt.signin()")
    assert (error["type"], error["status"]) == ("NotFound", 404)


def test_channel_that_is_taken_away(tab, server):
    post(server, "/revoke", {"user": "member-3", "channel": ROOM})

    assert tab.wait_seen("nexora:revoked")[0]["channel"] == ROOM
    assert tab.wait_seen("pusher:subscription_error")[0]["status"] == 403


def test_trigger_before_the_subscription(tab):
    tab.page.evaluate("() => { window.early = rt.subscribe('public-9').trigger('client-a', 1); }")
    assert tab.error("early")["type"] == "NotSubscribed"


@pytest.mark.parametrize(
    "call, type, status",
    [
        ("rt.channel('room-3').trigger('wave', 1)", "BadEventName", 0),
        ("rt.channel('room-3').trigger('client-a', 'x'.repeat(20000))", "TooLarge", 413),
        ("rt.trigger('room-9', 'client-a', 1)", "NotSubscribed", 0),
        ("rt.trigger('public-1', 'client-a', 1)", "AuthError", 403),
        ("rt.request('/messages/nothing', {method: 'DELETE'})", "NotFound", 404),
    ],
)  # fmt: skip
def test_call_that_is_refused(tab, call, type, status):
    error = tab.error(call)
    assert (error["type"], error["status"]) == (type, status)
    assert error["retryable"] == (type == "NotSubscribed")


def test_too_many_client_events(tab):
    many = "Promise.all(Array.from({length: 30}, () => rt.trigger('room-3', 'client-a', 1)))"
    error = tab.error(many)
    assert error["type"] == "RateLimited"
    assert error["retryable"]
    assert error["retryAfter"] >= 1
    # Who does not look at the promise is told as well.
    assert tab.wait_seen("error")[0]["type"] == "RateLimited"


def test_server_that_does_not_answer(tab):
    tab.page.route("**/realtime/events", lambda route: route.abort())
    error = tab.error("rt.trigger('room-3', 'client-a', 1)")
    assert (error["type"], error["retryable"]) == ("NetworkError", True)


def test_event_that_cannot_be_read(server, visit):
    tab = visit(server.url, "member-3").page()
    garbage = "id: 1-1\ndata: {not json\n\nid: 1-2\ndata: [1]\n\n"
    headers = {"Content-Type": "text/event-stream"}
    answer = {"headers": headers, "body": garbage}
    tab.page.route("**/realtime/stream*", lambda route: route.fulfill(**answer), times=1)

    tab.listen()
    tab.subscribe(ROOM)

    assert [error["type"] for error in tab.wait_seen("error", 2)] == ["MalformedEvent"] * 2
    trigger(server, ROOM, data=1)
    assert tab.wait_seen("tick") == [1]


def test_handler_that_throws_keeps_no_other_from_being_called(tab, server):
    tab.page.evaluate("""() => void rt.channel("room-3")
      .bind("tick", () => { throw new Error("mine"); })
      .bind("tick", (data) => seen.push(["later", data]))""")

    trigger(server, ROOM, data=1)

    assert tab.wait_seen("later") == [1]
    assert tab.problems == ["mine"]
    tab.problems.clear()
