"""One page for guild chat, direct messages and dispute threads: both screens always agree."""

import pytest
from playwright.sync_api import expect

LISTEN = """url => {
  window.heard = [];
  const source = new EventSource(url);
  source.onmessage = (block) => window.heard.push(JSON.parse(block.data));
  return new Promise((resolve) => { source.onopen = resolve; });
}"""

# Two people, and how each finds the conversation with the other.
PLACES = {
    "guild": [("alice", "/guilds", "Mapmakers"), ("bob", "/guilds", "Mapmakers")],
    "direct messages": [("alice", "/people", "Bob"), ("bob", "/people", "Alice")],
    "dispute": [
        ("carol", "/disputes", "Chart handed in"),
        ("bob", "/disputes", "Chart handed in"),
    ],
}


def enter(open_page, server, login, overview, name):
    page = open_page(server, login)
    page.enter(name, overview)
    return page


@pytest.fixture
def in_guild(start_demo, open_page):
    """Alice, who leads the guild, and Bob, who does not, in their chat."""
    server = start_demo()
    return [enter(open_page, server, *who) for who in PLACES["guild"]]


def test_both_screens_agree_after_every_step_in_every_kind(demo, open_page):
    people = {login: open_page(demo, login) for login in ("alice", "bob", "carol")}
    for place in PLACES.values():
        for login, overview, name in place:
            people[login].enter(name, overview)
        talk_through_everything(*(people[login] for login, _, _ in place))


def talk_through_everything(one, other):
    one.box.press_sequentially("Is")
    expect(other.typing).to_contain_text("is typing")
    one.say("Is the ink dry?")
    other.expect_message("Is the ink dry?")
    expect(other.typing).to_be_empty()
    expect(one.page.locator("#seen")).to_contain_text("Seen by")
    assert one.rows() == other.rows()

    other.choose("Is the ink dry?", "👍")
    expect_foot_on_both(one, other, "Is the ink dry?", "👍 1")
    one.message("Is the ink dry?").get_by_role("button", name="👍").click()
    expect_foot_on_both(one, other, "Is the ink dry?", "👍 2")
    assert one.rows() == other.rows()

    one.edit("Is the ink dry?", "Is the ink dry now?")
    expect_foot_on_both(one, other, "Is the ink dry now?", "edited👍 2")
    assert one.rows() == other.rows()

    one.delete("Is the ink dry now?")
    for page in (one, other):
        page.expect_message("This message was deleted")
    assert one.rows() == other.rows()
    assert one.rows()[-1] == ("This message was deleted", "")

    one.page.reload()
    one.expect_message("This message was deleted")
    assert one.rows() == other.rows()


def expect_foot_on_both(one, other, text, foot):
    for page in (one, other):
        page.expect_foot(text, foot)


class TestEditing:
    def test_who_was_overtaken_sees_what_it_says_now_and_decides(self, in_guild):
        alice, bob = in_guild
        bob.say("The chart is ready")
        bob.choose("The chart is ready", "Edit")
        alice.edit("The chart is ready", "The chart is nearly ready")
        bob.expect_foot("nearly ready", "edited")

        bob.editor.fill("The chart is all ready")
        bob.editor.press("Enter")
        expect(bob.page.get_by_role("blockquote")).to_have_text("The chart is nearly ready")
        alice.expect_message("nearly ready")
        bob.page.get_by_role("button", name="Save mine instead").click()

        for page in (alice, bob):
            page.expect_message("The chart is all ready")
        bob.forgive("status of 409")

    def test_arrow_up_in_an_empty_box_edits_the_last_message_and_escape_leaves_it(self, in_guild):
        _, bob = in_guild
        bob.say("By keys alone")

        bob.box.press("ArrowUp")
        expect(bob.editor).to_be_focused()
        bob.editor.press("Escape")

        expect(bob.editor).to_have_count(0)
        bob.expect_message("By keys alone")

    def test_members_cannot_change_what_others_wrote(self, in_guild):
        alice, bob = in_guild
        alice.say("Mine alone")
        bob.expect_message("Mine alone")

        bob.message("Mine alone").focus()
        bob.page.keyboard.press("Enter")

        expect(bob.page.locator("#menu")).to_be_visible()
        expect(bob.page.get_by_role("button", name="Delete")).to_be_hidden()

    def test_edits_reactions_and_deletions_of_an_absence_are_made_good(self, start_demo, open_page):
        """Also when the stream no longer knows what happened."""
        server = start_demo(env={"FLASK_NEXORA_RT_RETENTION_EVENTS": "3"})
        alice, bob = (enter(open_page, server, *who) for who in PLACES["guild"])
        for text in ("alpha", "beta", "gamma"):
            bob.say(text)
        alice.expect_message("gamma")
        alice.go_offline()

        bob.edit("alpha", "alphabet")
        bob.expect_foot("alphabet", "edited")
        bob.choose("beta", "🎉")
        bob.expect_foot("beta", "🎉 1")
        bob.delete("gamma")
        bob.expect_message("This message was deleted")
        for n in range(5):
            bob.say(f"line {n}")
        alice.go_online()
        alice.expect_message("line 4")

        assert alice.rows() == bob.rows()


class TestUnread:
    def test_counts_and_mentions_follow_what_is_said_and_read(self, start_demo, open_page):
        server = start_demo()
        alice, bob = enter(open_page, server, *PLACES["guild"][0]), open_page(server, "bob")
        guild = bob.page.get_by_role("main").get_by_role("link", name="Mapmakers")
        expect(bob.page.locator(".dot[aria-label=online]").first).to_be_visible()

        alice.say("Who has the key?")
        expect(guild.get_by_label("1 unread")).to_be_visible()
        alice.say("Is it you, @bob?")
        expect(guild.get_by_label("2 unread")).to_be_visible()
        expect(guild.get_by_label("1 mentions of you")).to_be_visible()
        expect(alice.page.locator("#seen")).to_have_text("Sent")

        bob.enter("Mapmakers")
        expect(bob.page.locator(".mention-me").last).to_have_text("@bob")
        expect(alice.page.locator("#seen")).to_have_text("Seen by Bob Okafor")
        badges = bob.page.locator(".talk-nav a", has_text="Mapmakers").locator(".badge:visible")
        expect(badges).to_have_count(0)

    def test_what_has_been_seen_is_known_after_a_reload(self, in_guild):
        alice, _ = in_guild
        alice.say("Seen?")
        expect(alice.page.locator("#seen")).to_have_text("Seen by Bob Okafor")

        alice.page.reload()

        expect(alice.page.locator("#seen")).to_have_text("Seen by Bob Okafor")


class TestPresence:
    def test_dots_show_who_comes_and_goes(self, start_demo, open_page):
        server = start_demo()
        alice = enter(open_page, server, *PLACES["guild"][0])
        bob = alice.page.locator(".member-list li", has_text="Bob").get_by_role("img")
        expect(bob).to_have_attribute("aria-label", "offline")

        page = open_page(server, "bob")
        expect(bob).to_have_attribute("aria-label", "online")

        page.page.close()
        expect(bob).to_have_attribute("aria-label", "offline", timeout=20_000)


class TestWhoDoesNotBelong:
    @pytest.mark.parametrize(
        "path, conversation",
        [(None, "guild-1"), ("/disputes/1", "dispute-1"), (None, "dm-1-2")],
    )
    def test_gets_no_page_and_no_answer(self, path, conversation, start_demo, open_page):
        server = start_demo()
        bob, stranger = open_page(server, "bob"), open_page(server, "dan")
        if conversation == "guild-1":
            stranger = open_page(server, "carol")
        message = bob.post(conversation, "among ourselves")
        mine, body = f"/api/messages/{message['id']}", {"conversationId": conversation}

        def ask(method, path, data=None):
            return stranger.context.request.fetch(stranger.url + path, method=method, data=data)

        answers = [
            ask("GET", f"/api/messages?conversationId={conversation}"),
            ask("POST", "/api/messages", {**body, "content": "let me in"}),
            ask("PATCH", mine, {"content": "changed"}),
            ask("DELETE", mine),
            ask("PUT", f"{mine}/reactions/x"),
            ask("POST", "/api/messages/read", {**body, "upToSeq": 1}),
            ask("POST", "/api/realtime/typing", {**body, "isTyping": True}),
            ask("GET", f"/api/realtime/presence/{conversation}"),
            ask("GET", f"/api/realtime/stream?channels={conversation}"),
            ask("GET", f"/conversations/{conversation}"),
        ]
        if path is not None:
            answers.append(ask("GET", path))

        assert {answer.status for answer in answers} == {403}
        assert not any("among ourselves" in answer.text() for answer in answers)

    def test_sees_nothing_on_a_stream_that_asks_for_it(self, start_demo, open_page):
        server = start_demo()
        carol, alice = open_page(server, "carol"), open_page(server, "alice")
        carol.page.evaluate(
            LISTEN, "/api/realtime/stream?format=envelope&channels=guild-1,dm-1-2,guild-2"
        )

        alice.post("guild-1", "only for mapmakers")
        alice.post("dm-1-2", "only for Bob")
        alice.post("guild-2", "for the night watch")
        carol.page.wait_for_function(
            "() => window.heard.some((one) => one.data?.content === 'for the night watch')"
        )

        heard = carol.page.evaluate("() => window.heard")
        refused = [one for one in heard if one["event"] == "pusher:subscription_error"]
        assert {one["channel"] for one in refused} == {"guild-1", "dm-1-2"}
        assert {one["channel"] for one in heard if one["event"] == "message:new"} == {"guild-2"}

    def test_channel_of_a_user_is_theirs_alone(self, start_demo, open_page):
        alice = open_page(start_demo(), "alice")
        alice.page.evaluate(
            LISTEN,
            "/api/realtime/stream?format=envelope&channels=private-user-1,private-user-2",
        )
        alice.page.wait_for_function(
            "() => window.heard.filter((one) => one.event.startsWith('pusher:subscr')).length > 1"
        )

        heard = {one.get("channel"): one for one in alice.page.evaluate("() => window.heard")}
        assert heard["private-user-1"]["event"] == "pusher:subscription_succeeded"
        assert heard["private-user-2"]["data"]["status"] == 403

    def test_two_people_have_one_conversation_under_one_name(self, start_demo, open_page):
        alice = open_page(start_demo(), "alice")

        answer = alice.context.request.get(f"{alice.url}/api/messages?conversationId=dm-2-1")

        assert answer.status == 403


def test_every_kind_of_page_fits_a_phone(start_demo, open_page):
    alice = open_page(start_demo(), "alice", viewport={"width": 390, "height": 844})
    alice.enter("Bob", "/people")
    alice.say("a-very-long-word-" * 20)

    for path in ("/people/2", "/people", "/disputes", "/disputes/2"):
        alice.page.goto(alice.url + path)
        assert alice.page.evaluate("document.documentElement.scrollWidth") <= 390
