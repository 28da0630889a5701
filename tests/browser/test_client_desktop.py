"""Desktop notifications: one per browser, and only while no tab is looked at."""

import pytest

from tests.e2e.conftest import post, sign_in
from tests.support.ports import wait_until

# Headless Chromium has no desktop, and takes every page for visible.
STAND_IN = """
window.shown = [];
window.visibility = "hidden";
Object.defineProperty(document, "visibilityState", { get: () => window.visibility });
window.Notification = class extends EventTarget {
  static permission = "granted";
  constructor(title, options) {
    super();
    shown.push(Object.assign(this, { title, ...options }));
  }
  close() { this.closed = true; this.onclose?.(); }
};
"""
START = """async () => {
  const { DesktopNotifications } = await import(document.body.dataset.desktop);
  window.desktop = new DesktopNotifications(rt);
}"""
SHOWN = "shown.map(({title, body, closed}) => [title, body, Boolean(closed)])"


@pytest.fixture
def open_tabs(shared_host, visit):
    def make(user_id):
        visitor = visit(shared_host.url, user_id)
        visitor.context.add_init_script(STAND_IN)
        tabs = [visitor.open(), visitor.open()]
        for tab in tabs:
            tab.page.evaluate(START)
            tab.wait_live(f"private-user-{user_id}")
        return tabs

    return make


def notify(server, user_id):
    cookies = sign_in(server, "admin-1")
    kind = {"type": "guild_invite", "data": {"guildName": "Mapmakers", "guildId": "1"}}
    answer = post(server, "/api/notifications", {"userIds": [user_id], **kind}, cookies=cookies)
    assert answer.ok, answer.text


def test_leading_tab_alone_shows_it_and_closes_it_when_it_is_read(shared_host, open_tabs):
    leader, other = open_tabs("member-1")

    notify(shared_host, "member-1")
    leader.page.wait_for_function("shown.length")
    other.wait_seen("notification:new")
    assert other.page.evaluate(SHOWN) == []
    (notification,) = leader.seen("notification:new")
    assert leader.page.evaluate(SHOWN) == [[notification["title"], notification["message"], False]]

    other.call(f"rt.request('/notifications/{notification['id']}/read')")
    leader.page.wait_for_function("shown[0].closed")


def test_nothing_is_shown_while_a_tab_is_looked_at(shared_host, open_tabs):
    leader, other = open_tabs("member-2")
    look = "(to) => { visibility = to; document.dispatchEvent(new Event('visibilitychange')); }"
    other.page.evaluate(look, "visible")
    wait_until(lambda: leader.page.evaluate("rt.someTabIsVisible"), 30, "the leader to know")

    notify(shared_host, "member-2")
    leader.wait_seen("notification:new")
    other.page.evaluate(look, "hidden")
    wait_until(lambda: not leader.page.evaluate("rt.someTabIsVisible"), 30, "the leader to know")
    notify(shared_host, "member-2")

    leader.page.wait_for_function("shown.length")
    leader.wait_seen("notification:new", 2)
    assert len(leader.page.evaluate(SHOWN)) == 1
