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


def test_permission_is_asked_for_once_and_only_on_request(shared_host, open_tabs):
    leader, _ = open_tabs("member-5")
    leader.page.evaluate("""() => {
      window.asked = 0;
      Notification.permission = "default";
      Notification.requestPermission = async () => {
        asked++;
        Notification.permission = "granted";
      };
    }""")
    notify(shared_host, "member-5")
    leader.wait_seen("notification:new")
    assert leader.page.evaluate("[asked, shown.length]") == [0, 0]

    assert leader.call("desktop.request()") == leader.call("desktop.request()") == "granted"

    assert leader.page.evaluate("asked") == 1


def test_next_user_gets_their_own_and_sees_none_of_the_former_one(shared_host, open_tabs):
    leader, other = open_tabs("member-6")
    notify(shared_host, "member-6")
    leader.page.wait_for_function("shown.length")

    login = "fetch('/login/member-7', {method: 'POST'}).then((answer) => answer.ok)"
    assert leader.call(login)
    for tab in (leader, other):
        tab.page.evaluate("() => { rt.disconnect(); rt.connect(); }")
    for tab in (leader, other):
        tab.wait_live("private-user-member-7")
    assert leader.page.evaluate("shown[0].closed")
    notify(shared_host, "member-7")

    for tab in (leader, other):
        tab.wait_seen("notification:new", 2)
    total = [
        tab.page.evaluate("shown.filter(({closed}) => !closed).length") for tab in (leader, other)
    ]
    assert sum(total) == 1


def test_browsers_without_the_constructor_show_it_through_their_service_worker(
    shared_host, open_tabs
):
    leader, _ = open_tabs("member-8")
    leader.page.evaluate("""() => {
      window.Notification = class { constructor() { throw new TypeError("Illegal constructor"); } };
      Notification.permission = "granted";
      const options = ({ title, tag }) => ({ title, tag, close() { this.closed = true; } });
      const showNotification = async (title, { tag }) => void shown.push(options({ title, tag }));
      const registration = { showNotification, getNotifications: async () => shown };
      navigator.serviceWorker.getRegistration = async () => registration;
    }""")

    notify(shared_host, "member-8")
    leader.page.wait_for_function("shown.length")
    leader.call("rt.request('/notifications/read-all', {body: {}})")

    leader.page.wait_for_function("shown[0].closed")


def test_click_leads_to_pages_and_runs_no_script(shared_host, open_tabs):
    leader, _ = open_tabs("member-9")
    for url in ("javascript:document.title='run'", "/count?from=desktop"):
        leader.page.evaluate("(url) => desktop.show({id: url, title: 'x', url})", url)

    leader.page.evaluate("shown[0].onclick()")
    assert leader.page.title() == "client"
    with leader.page.expect_navigation(url="**/count?from=desktop"):
        leader.page.evaluate("shown[1].onclick()")
