"""What a tab holds it goes on holding, whatever becomes of the stream and of other tabs."""

import requests

from tests.e2e.conftest import trigger
from tests.support.ports import wait_until

ROOM = "room-3"
LEASE = "Object.keys(localStorage).find((name) => name.startsWith('nexora-rt/'))"


def held_channels(server):
    return requests.get(f"{server.url}/infos", timeout=10).json()["channels"]


def test_more_channels_than_a_url_takes_miss_nothing_of_a_drop(shared_host, visit, make_proxy):
    proxy = make_proxy(shared_host.url)
    names = [f"public-many-{number}" for number in range(150)]
    tab = visit(proxy.url, "member-3").open(*names)

    proxy.refuse()
    tab.wait_state("connecting")
    for name in names:
        trigger(shared_host, name, data=f"{name} meanwhile")
    proxy.accept()
    tab.wait_live(*names)
    for name in names:
        trigger(shared_host, name, data=f"{name} later")

    wanted = sorted(f"{name} {when}" for name in names for when in ("later", "meanwhile"))
    assert sorted(tab.wait_seen("tick", len(wanted))) == wanted
    assert tab.seen("nexora:gap") == []


def test_who_asks_for_a_channel_during_a_drop_begins_it_for_nobody_anew(
    shared_host, visit, make_proxy
):
    """The position that it goes on from is the tab's, not that of who came last."""
    proxy = make_proxy(shared_host.url)
    tab = visit(proxy.url, "member-3").open(ROOM)

    proxy.refuse()
    tab.wait_state("connecting")
    again = "(rt.subscribe('room-3'), rt.session.subs.get('room-3').active)"
    assert tab.page.evaluate(again)
    trigger(shared_host, ROOM, data=1)
    proxy.accept()

    assert tab.wait_seen("tick") == [1]


def test_tab_that_was_given_up_gets_its_channels_back(shared_host, visit):
    """As one is that shows a dialog for some minutes: it hears nothing and says nothing."""
    server = shared_host
    visitor = visit(server.url, "member-3")
    leader, silent = visitor.open("public-1"), visitor.open(ROOM)
    forget = "(id) => rt.session.leader.bye({from: id})"
    leader.page.evaluate(forget, silent.page.evaluate("rt.session.id"))
    wait_until(lambda: ROOM not in held_channels(server), 30, "nobody holds the channel")
    trigger(server, ROOM, data=1)

    silent.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    assert silent.wait_seen("tick") == [1]
    trigger(server, ROOM, data=2)
    assert silent.wait_seen("tick", 2) == [1, 2]


def test_lease_that_ran_out_and_that_nobody_took_is_kept(shared_host, visit):
    """Timers of a page that is hidden for long run once a minute."""
    server = shared_host
    tab = visit(server.url.replace("127.0.0.1", "host.test"), "member-3").open(ROOM)
    assert tab.page.evaluate("navigator.locks === undefined")

    tab.page.evaluate(f"localStorage[{LEASE}] = localStorage[{LEASE}].split(' ')[0] + ' 1'")
    renewed = f"Number(localStorage[{LEASE}]?.split(' ')[1]) > Date.now()"
    tab.page.wait_for_function(renewed)
    trigger(server, ROOM, data=1)

    assert tab.wait_seen("tick") == [1]
    states = [one["current"] for one in tab.seen("state_change")]
    assert states == ["connected"]


def test_client_event_may_be_made_of_proxies(shared_host, visit):
    """As the objects of Vue and MobX are, which a BroadcastChannel refuses."""
    visitor = visit(shared_host.url, "alice")
    sender, sibling = visitor.open("presence-loft"), visitor.open("presence-loft")

    trigger_it = "rt.trigger('presence-loft', 'client-wave', new Proxy({at: new Date(0)}, {}))"
    assert sender.call(trigger_it)

    assert sibling.wait_seen("client-wave") == [{"at": "1970-01-01T00:00:00.000Z"}]


def test_request_with_a_header_of_the_pages_own_is_still_json(shared_host, visit):
    tab = visit(shared_host.url, "writer-1").page()
    tab.listen()
    body = "{conversationId: 'guild-headers', content: 'Hello'}"

    answer = tab.call(f"rt.request('/messages', {{headers: {{'X-Of-Page': '1'}}, body: {body}}})")

    assert answer["message"]["content"] == "Hello"
