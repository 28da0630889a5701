"""The React hooks on the pages of the systems that name them, with npm's React in StrictMode."""

import pytest
import requests

from tests.browser.commonjs import PACKAGES
from tests.browser.widgets import notify, tell, trigger
from tests.support.ports import wait_until

CONVERSATION = "private-conversation-7"


@pytest.fixture
def open_react(visit_widgets):
    if not (PACKAGES / "react").is_dir():
        pytest.fail("React is missing: npm ci --prefix tests/browser", pytrace=False)

    def make(user_id, *components):
        page = visit_widgets(user_id, "/react")
        page.draw(*components)
        return page

    return make


def post(page, path, body):
    answer = page.context.request.post(f"{page.server.url}{path}", data=body)
    assert answer.ok, answer.text()
    return answer.json()


def items(page, selector):
    return (page.text(selector) or "").split("\n") if page.text(selector) else []


class TestNexora:
    def test_guild_chat_shows_messages_and_who_types(self, widgets, open_react):
        ann, ben = (
            open_react(name, ["GuildChat", {"guildId": "1"}], ["Bounties", {"enabled": True}])
            for name in ("ann", "ben")
        )
        ann.wait_text("#chat-state", "live")
        ann.wait_text("#bounties-state", "live")

        body = {"conversationId": "guild-1", "isTyping": True}
        post(ben, "/api/realtime/typing", body)
        post(ben, "/api/realtime/typing", body)
        ann.wait_text("#chat-typing", "1 user(s) typing...")
        for text in ("one", "two"):
            post(ben, "/api/messages", {"conversationId": "guild-1", "content": text})
        ann.wait_text("#chat", "two\none")
        ann.wait_text("#chat-typing", "")

        trigger(widgets, "guild-1", "bounty:new", {"title": "chart"})
        trigger(widgets, "guild-1", "guild:updated", {"name": "Mapmakers"})
        ann.wait_text("#bounties", "chart\nMapmakers")

    def test_new_callback_at_each_render_binds_nothing_anew(self, widgets, open_react):
        ann = open_react("ann", ["GuildChat", {"guildId": "2"}])
        ann.wait_text("#chat-state", "live")
        ann.page.evaluate("() => { window.counted = count(); }")

        for _ in range(5):
            ann.page.get_by_role("button", name="Redraw").click()
        trigger(widgets, "guild-2", "message:new", {"id": "1", "content": "after"})
        ann.wait_text("#chat", "after")

        assert ann.page.evaluate("window.counted") == {"bind": 0, "subscribe": 0}

    def test_one_that_unbinds_all_and_leaves_hurts_no_other(self, widgets, open_react):
        chat, bounties = ["GuildChat", {"guildId": "1"}], ["Bounties", {"enabled": True}]
        ann = open_react("ann", chat, bounties)
        ann.wait_text("#bounties-state", "live")
        ann.wait_text("#chat-state", "live")

        ann.draw(chat)
        ann.wait("!document.querySelector('#bounties')")
        trigger(widgets, "guild-1", "message:new", {"id": "1", "content": "still here"})

        ann.wait_text("#chat", "still here")
        ann.wait_text("#chat-state", "live")

    def test_channel_that_is_refused_or_lost_is_not_connected(self, widgets, open_react):
        ann = open_react("ann", ["GuildChat", {"guildId": "3"}], ["ConnectionStatus"])
        ann.wait_text("#chat-state", "live")

        ann.page.evaluate("NexoraRT.default.disconnect()")
        ann.wait_text("#chat-state", "waiting")
        ann.wait_text("#connection", "Disconnected - Some features may not work")
        ann.page.evaluate("NexoraRT.default.connect()")
        ann.wait_text("#connection", "connected")
        ann.wait_text("#chat-state", "live")

        ann.draw(["GuildChat", {"guildId": "closed"}])
        ann.wait("NexoraRT.default.channel('guild-closed')?.subscriptionPending === false")
        assert ann.text("#chat-state") == "waiting"

    def test_notification_system_shows_the_list_and_what_comes(self, widgets, open_react):
        notify(widgets, "nora", "before")
        nora = open_react("nora", ["NotificationSystem", {"userId": "nora"}])
        nora.wait_text("#inbox", "before")

        notify(widgets, "nora", "after")

        nora.wait_text("#inbox", "after\nbefore")
        nora.wait_text("#toasts", "after\nbefore")
        nora.draw(["NotificationSystem", {"userId": "somebody-else", "key": "2"}])
        nora.wait_text("#inbox", "")


class TestThreadly:
    def test_message_thread(self, widgets, open_react):
        ann, ben = (
            open_react(name, ["MessageThread", {"conversationId": "7"}]) for name in ("ann", "ben")
        )
        ann.wait_text("#thread-state", "live")
        ben.wait_text("#thread-state", "live")

        ben.page.get_by_role("button", name="Type").click()
        ann.wait_text("#thread-typing", "ben")
        ben.page.get_by_role("button", name="Stop").click()
        ann.wait_text("#thread-typing", "")
        post(ben, "/api/messages", {"conversationId": CONVERSATION, "content": "hello"})
        ann.wait_text("#thread", "hello")
        ben.page.get_by_role("button", name="Wave").click()
        ann.wait_text("#thread", "hello\nwave")

    def test_who_leaves_the_page_types_no_more(self, widgets, open_react):
        ann, ben = (
            open_react(name, ["MessageThread", {"conversationId": "8"}]) for name in ("ann", "ben")
        )
        ann.wait_text("#thread-state", "live")
        ben.wait_text("#thread-state", "live")
        ben.page.get_by_role("button", name="Type").click()
        ann.wait_text("#thread-typing", "ben")

        with ben.page.expect_request("**/realtime/typing") as asked:
            ben.draw()

        assert asked.value.post_data_json["isTyping"] is False
        ann.wait_text("#thread-typing", "")

    def test_bell(self, widgets, open_react):
        notify(widgets, "tom", "one", "two", "three")
        tom = open_react("tom", ["NotificationBell"])
        tom.wait_text("#unread", "3")

        tom.page.get_by_role("button", name="* two").click()
        tom.wait_text("#unread", "2")
        assert tom.page.get_by_role("button", name="two", exact=True).count() == 1
        tom.page.get_by_role("button", name="Mark all read").click()
        tom.wait_text("#unread", "0")
        assert tom.page.get_by_role("button", name="* ").count() == 0

    def test_product_page_counts_people(self, widgets, open_react):
        ann = open_react("ann", ["ProductPage", {"productId": "9"}])
        ann.wait_text("#viewing", "1 person viewing")
        open_react("ben", ["ProductPage", {"productId": "9"}])

        ann.wait_text("#viewing", "2 people viewing")
        assert sorted(items(ann, "#viewers")) == ["ann=Ann", "ben=Ben"]


class TestCollaboration:
    def test_thread_page_misses_nothing_that_comes_at_once(self, widgets, open_react):
        ann = open_react("ann", ["ThreadPage", {"threadId": "7", "organizationId": "acme"}])
        ann.wait_text("#thread-page", "live Old open 0")
        ann.wait_text("#members", "1: Ann")

        changes = [{"title": "New"}, *({"n": n} for n in range(20)), {"status": ["open", "done"]}]
        tell(widgets, "/thread/7", changes)
        ann.wait_text("#thread-page", "live New done 22")
        # In one go, as a replay is: React draws once for all of them.
        ann.page.evaluate("""() => {
          const channel = NexoraRT.default.channel("presence-thread-7");
          const tell = (change) => channel.receive("thread:updated", { threadId: "7", ...change });
          for (const title of ["x", "y", "z"]) tell({ title });
        }""")
        ann.wait_text("#thread-page", "live z done 25")

        ben = open_react("ben")
        body = {"conversationId": "presence-thread-7", "content": "first"}
        first = post(ben, "/api/messages", body)["message"]["id"]
        second = post(ben, "/api/messages", {**body, "content": "second"})["message"]["id"]
        ann.wait_text("#comments", "second\nfirst")
        ben.context.request.patch(f"{widgets.url}/api/messages/{first}", data={"content": "edited"})
        ann.wait_text("#comments", "second\nedited")
        ben.context.request.delete(f"{widgets.url}/api/messages/{second}")
        ann.wait_text("#comments", "edited")

    def test_dashboard_keeps_the_newest_fifty(self, widgets, open_react):
        ann = open_react("ann", ["Dashboard", {"organizationId": "acme"}])
        ann.wait_text("#latest", "live")

        tell(widgets, "/activity", [{"text": f"activity {n}"} for n in range(52)])

        ann.wait_text("#latest", "activity 51")
        ann.wait_text("#feed", "50: activity 51, activity 50, activity 49")

    def test_feed_of_the_former_user_is_gone_for_the_next_one(self, widgets, open_react):
        ann = open_react("ann", ["Dashboard", {"organizationId": "acme"}])
        ann.wait_text("#latest", "live")
        tell(widgets, "/activity", [{"text": "secret"}])
        ann.wait_text("#latest", "secret")

        ann.context.request.post(f"{widgets.url}/login/ben")
        ann.page.evaluate("() => { NexoraRT.default.disconnect(); NexoraRT.default.connect(); }")

        ann.wait_text("#latest", "live")
        ann.wait_text("#feed", "0:")

    def test_thread_of_an_organisation_hears_of_itself_alone(self, widgets, open_react):
        ann = open_react("ann", ["OrganizationThread", {"threadId": "7", "organizationId": "acme"}])
        ann.wait_text("#org-thread", "live - -")

        for thread in ("8", "7"):
            about = {"threadId": thread, "comment": {"id": "1", "content": f"on {thread}"}}
            trigger(widgets, "private-org-acme", "comment:created", about)
            status = {"threadId": thread, "oldStatus": "open", "newStatus": f"done {thread}"}
            trigger(widgets, "private-org-acme", "thread:status_changed", status)

        ann.wait_text("#org-thread", "live done 7 on 7")

    def test_nothing_is_subscribed_to_before_it_is_known_what(self, widgets, open_react):
        """The data is loaded, the user is signed in: only then does the seed page listen."""
        unknown = {"threadId": None, "organizationId": None}
        ann = open_react("ann", ["ThreadPage", unknown], ["Dashboard", unknown])
        ann.wait_connected()
        assert ann.page.evaluate("left().channels") == []

        known = {"threadId": "9", "organizationId": "acme"}
        ann.draw(["ThreadPage", known], ["Dashboard", known])

        ann.wait_text("#thread-page", "live Old open 0")
        ann.wait_text("#latest", "live")


def test_a_thousand_mounts_and_unmounts_leave_nothing_behind(widgets, open_react):
    ann = open_react("ann")
    ann.wait_connected()
    before = ann.page.evaluate("left()")
    assert before["channels"] == []

    ann.page.evaluate("mountMany(1000)")

    ann.wait("left().channels.length === 0")
    assert ann.page.evaluate("left()") == before
    wait_until(lambda: held_channels(widgets) == [], 30, "the server to hold no channel")
    ann.draw(["Everything", {"id": "5"}])
    ann.wait_text("#chat-state", "live")
    trigger(widgets, "guild-5", "message:new", {"id": "1", "content": "once"})
    ann.wait_text("#chat", "once")


def held_channels(server):
    return requests.get(f"{server.url}/channels", timeout=10).json()
