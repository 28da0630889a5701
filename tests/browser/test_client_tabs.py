"""All tabs of one browser and user share one stream, and none of them notices."""

import pytest
import requests

from tests.e2e.conftest import open_streams, post, trigger
from tests.support.ports import wait_until

ROOM = "room-3"


def tick(server, *numbers):
    for number in numbers:
        trigger(server, ROOM, data=number)


def wait_one_stream(server):
    wait_until(lambda: open_streams(server) == 1, 30, "one open stream")


def test_eight_tabs_share_one_stream_and_lose_nothing_when_its_holder_is_closed(shared_host, visit):
    server = shared_host
    visitor = visit(server.url, "member-3")
    tabs = [visitor.open(ROOM) for _ in range(8)]

    # Over HTTP/1.1 a browser has six connections: the seventh stream would wait for ever.
    wait_one_stream(server)
    assert tabs[7].call("fetch('/count').then((answer) => answer.status)") == 200
    tick(server, 1, 2)
    tabs[0].wait_seen("tick", 2)
    assert tabs[0].leads
    others = visitor.close_leader()
    tick(server, 3)
    visitor.wait_one_leads()  # how soon: benchmarks/rows/painting.py
    tick(server, 4)

    for tab in others:
        tab.wait_seen("tick", 4)
    assert [tab.seen("tick") for tab in others] == [[1, 2, 3, 4]] * 7
    wait_one_stream(server)


def test_tabs_of_a_page_without_web_locks_share_as_well(shared_host, visit):
    server = shared_host
    visitor = visit(server.url.replace("127.0.0.1", "host.test"), "member-3")
    tabs = [visitor.open(ROOM) for _ in range(3)]
    assert tabs[0].page.evaluate("navigator.locks === undefined")
    wait_one_stream(server)

    tick(server, 1)
    for tab in tabs:
        tab.wait_seen("tick")
    others = visitor.close_leader()
    tick(server, 2)

    for tab in others:
        tab.wait_seen("tick", 2)
    assert [tab.seen("tick") for tab in others] == [[1, 2]] * 2
    wait_one_stream(server)


def test_leader_that_hangs_is_replaced_and_follows_when_it_is_back(shared_host, visit):
    server = shared_host
    visitor = visit(server.url, "member-3")
    hung, other = visitor.open(ROOM), visitor.open(ROOM)
    tick(server, 1)
    other.wait_seen("tick")

    hung.hang(11)
    tick(server, 2)
    other.wait_seen("tick", 2)
    assert other.leads
    tick(server, 3)
    hung.wait_seen("tick", 3, timeout=40)

    wait_one_stream(server)
    tick(server, 4)
    for tab in (hung, other):
        tab.wait_seen("tick", 4)
    assert hung.seen("tick") == other.seen("tick") == [1, 2, 3, 4]
    assert not hung.leads


def test_tab_that_loses_the_lead_at_once_does_not_lead(shared_host, visit):
    """Two tabs that miss their leader may both take the lead: the second one has it."""
    visitor = visit(shared_host.url, "member-3")
    first, other = visitor.open(ROOM), visitor.open(ROOM)

    leads = "new Promise((done) => setTimeout(() => done(rt.isLeader), 200))"
    taken = "(() => { const { election } = rt.session; election.onLead(); election.onLost(); })()"
    other.call(taken)

    assert not other.call(leads)
    assert first.leads
    wait_one_stream(shared_host)


@pytest.mark.parametrize("which", ["leader", "follower"])
def test_page_that_the_browser_freezes_catches_up(shared_host, visit, which):
    server = shared_host
    visitor = visit(server.url, "member-3")
    tabs = [visitor.open(ROOM), visitor.open(ROOM)]
    frozen, awake = tabs if which == "leader" else tabs[::-1]

    frozen.freeze(4)
    wait_until(lambda: awake.leads, 30, "the other tab to lead")
    awake.wait_state("connected")
    tick(server, 1, 2)
    awake.wait_seen("tick", 2)

    assert frozen.wait_seen("tick", 2) == awake.seen("tick") == [1, 2]
    tick(server, 3)
    assert frozen.wait_seen("tick", 3) == awake.wait_seen("tick", 3) == [1, 2, 3]
    wait_one_stream(server)


def test_tab_that_comes_late_begins_where_its_history_ends(shared_host, visit):
    """Also on a channel that another tab holds: the stream is not asked again."""
    server = shared_host
    visitor = visit(server.url, "member-3")
    first = visitor.open(ROOM)
    since = trigger(server, ROOM, data=1)
    tick(server, 2, 3)
    first.wait_seen("tick", 3)

    late = visitor.open()
    late.call(f"rt.subscribe('{ROOM}', {{lastEventId: '{since}'}}).name")

    assert late.wait_seen("tick", 2) == [2, 3]
    wait_one_stream(server)


def test_new_channel_begins_where_its_history_ends(shared_host, visit):
    server = shared_host
    tab = visit(server.url, "member-3").open("public-1")
    since = trigger(server, ROOM, data=1)
    tick(server, 2, 3)

    tab.call(f"rt.subscribe('{ROOM}', {{lastEventId: '{since}'}}).name")

    assert tab.wait_seen("tick", 2) == [2, 3]


def test_nobody_gets_the_events_of_who_was_signed_in_before(shared_host, visit):
    server = shared_host
    visitor = visit(server.url, "member-3")
    old = visitor.open(ROOM, "public-1")
    tick(server, "for member 3")
    old.wait_seen("tick")

    visitor.sign_out()
    old.wait_state("connected")
    wait_until(lambda: old.seen("pusher:subscription_error"), 30, "the refusal")
    visitor.sign_in("member-4")
    new = visitor.page()
    new.start("public-1")
    new.page.evaluate(f"() => void rt.subscribe('{ROOM}')")
    assert new.wait_seen("pusher:subscription_error")[0]["status"] == 403
    tick(server, "for member 3 alone")
    trigger(server, "public-1", data="for everybody")

    for tab in (old, new):
        tab.wait_seen("tick")
        assert "for member 3 alone" not in tab.seen("tick")
        assert tab.seen("tick")[-1] == "for everybody"
    assert [one["current"] for one in old.seen("user_change")] == [None, "member-4"]
    wait_one_stream(server)


def test_stream_of_a_session_that_was_replaced_is_not_shared_with_the_next_one(shared_host, visit):
    """The host signs somebody else in without signing the first one out."""
    server = shared_host
    visitor = visit(server.url, "member-3")
    old = visitor.open(ROOM)
    post(server, "/login/member-4")
    visitor.sign_in("member-4")

    new = visitor.page()
    new.listen()
    new.page.evaluate(f"() => void rt.subscribe('{ROOM}')")

    assert new.wait_seen("pusher:subscription_error")[0]["status"] == 403
    tick(server, "for member 3 alone")
    old.wait_seen("pusher:subscription_error")
    assert old.seen("tick") == new.seen("tick") == []
    assert old.seen("user_change") == [{"previous": "member-3", "current": "member-4"}]


def test_channel_is_held_until_its_last_holder_leaves(shared_host, visit):
    server = shared_host
    visitor = visit(server.url, "member-3")
    tab, other = visitor.open(ROOM, "public-1"), visitor.open("public-1")
    tab.page.evaluate(f"rt.subscribe('{ROOM}')")

    tab.page.evaluate(f"rt.unsubscribe('{ROOM}')")
    tick(server, 1)
    assert tab.wait_seen("tick") == [1]

    tab.page.evaluate(f"rt.unsubscribe('{ROOM}')")
    wait_until(lambda: ROOM not in held_channels(server), 30, "the channel to be let go")
    trigger(server, "public-1", data=2)
    other.wait_seen("tick")
    assert tab.page.evaluate(f"rt.channel('{ROOM}') === undefined")


def test_channel_that_is_wanted_again_while_it_is_let_go_is_held(shared_host, visit):
    server = shared_host
    tab = visit(server.url, "member-3").open("public-1", "public-7")
    letting_go = []
    tab.page.route("**/realtime/unsubscribe", lambda route: letting_go.extend([route]))
    with tab.page.expect_request("**/realtime/unsubscribe"):
        tab.page.evaluate("rt.unsubscribe('public-7')")

    tab.page.evaluate("() => void rt.subscribe('public-7')")
    # A request that overtakes the other one would be on its way by now.
    tab.page.wait_for_timeout(300)
    letting_go[0].continue_()
    tab.wait_live("public-7")
    wait_until(lambda: "public-7" in held_channels(server), 30, "the channel to be held")
    trigger(server, "public-7", data="still here")

    assert tab.wait_seen("tick") == ["still here"]


def test_requests_about_a_stream_end_with_it(shared_host, visit):
    """The answer would be 404, in the console of a page that has done nothing wrong."""
    tab = visit(shared_host.url, "member-3").open(ROOM)
    tab.page.route("**/realtime/subscribe", lambda route: None)
    with tab.page.expect_request("**/realtime/subscribe"):
        tab.page.evaluate("() => void rt.subscribe('public-1')")

    # Before the client's own patience ends.
    with tab.page.expect_event(
        "requestfailed", lambda one: one.url.endswith("/subscribe"), timeout=10_000
    ):
        tab.page.evaluate("rt.disconnect()")


def test_more_channels_than_one_request_takes_survive_a_cut(shared_host, visit, make_proxy):
    proxy = make_proxy(shared_host.url)
    names = [f"public-{number}" for number in range(250)]
    tab = visit(proxy.url, "member-3").page()
    asked, kept = [], []

    def keep_the_first(route):
        asked.append(route.request.post_data_json["socket_id"])
        route.continue_() if kept else kept.append(route)

    tab.page.route("**/realtime/subscribe", keep_the_first)
    tab.listen()
    with tab.page.expect_request("**/realtime/subscribe"):
        tab.page.evaluate("(names) => { for (const name of names) rt.subscribe(name); }", names)
    proxy.refuse()
    tab.wait_state("connecting")
    kept[0].abort()
    proxy.accept()

    tab.wait_live(*names)

    assert tab.seen("pusher:subscription_error") == []
    assert all(asked)


def held_channels(server):
    return requests.get(f"{server.url}/infos", timeout=10).json()["channels"]


def test_client_event_reaches_others_and_the_other_tabs_of_its_sender(shared_host, visit):
    server = shared_host
    alice, bob = visit(server.url, "alice"), visit(server.url, "bob")
    sender, sibling, other = (one.open("presence-hall") for one in (alice, alice, bob))
    sender.page.wait_for_function("rt.channel('presence-hall').members.count === 2")

    assert sender.call("rt.channel('presence-hall').trigger('client-wave', {to: 'all'})")

    for tab in (sibling, other):
        assert tab.wait_seen("client-wave") == [{"to": "all"}]
    assert sender.seen("client-wave") == []


def test_members_are_the_same_in_each_tab(shared_host, visit):
    server = shared_host
    alice, bob = visit(server.url, "alice"), visit(server.url, "bob")
    first = alice.open("presence-attic")
    bob.open("presence-attic")
    first.wait_seen("pusher:member_added")

    second = alice.open("presence-attic")

    members = "(() => { const {members, count, me, myID} = rt.channel('presence-attic').members;"
    members += " return {members, count, me, myID}; })()"
    assert first.call(members) == second.call(members) == {
        "members": {"alice": {"name": "Alice"}, "bob": {"name": "Bob"}},
        "count": 2,
        "me": {"id": "alice", "info": {"name": "Alice"}},
        "myID": "alice",
    }  # fmt: skip
