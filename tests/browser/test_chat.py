"""Two people talk in the demo, live; who was away catches up; who does not belong gets nothing."""

import re
import signal

from playwright.sync_api import expect

GUILD = "Mapmakers"
CHANNEL = "guild-1"


def in_room(open_page, server, login, **options):
    page = open_page(server, login, **options)
    page.enter(GUILD)
    return page


class TestTalking:
    def test_members_see_each_others_messages_live(self, demo, open_page):
        alice, bob = in_room(open_page, demo, "alice"), in_room(open_page, demo, "bob")

        alice.say("Is the ink dry?")
        bob.expect_message("Is the ink dry?")
        bob.say("Since noon.")
        alice.expect_message("Since noon.")

        assert alice.texts()[-2:] == bob.texts()[-2:] == ["Is the ink dry?", "Since noon."]

    def test_message_is_shown_as_it_was_written(self, start_demo, open_page):
        server = start_demo()
        alice, bob = in_room(open_page, server, "alice"), in_room(open_page, server, "bob")
        text = '<b>5 < 6</b> & "ja"\n\u2028 zwei\r\n😀 data: x'

        alice.box.fill(text)
        alice.page.get_by_role("button", name="Send").click()

        bob.expect_message("😀 data: x")
        assert bob.texts()[-1] == text.replace("\r\n", "\n")

    def test_history_goes_further_back_as_one_scrolls_up(self, start_demo, open_page):
        server = start_demo()
        bob = open_page(server, "bob")
        for n in range(60):
            bob.post(CHANNEL, f"line {n}")
        bob.enter(GUILD)

        assert bob.texts() == [f"line {n}" for n in range(10, 60)]
        bob.page.locator("#talk").evaluate("talk => { talk.scrollTop = 0 }")
        bob.expect_message("Morning!")

        assert bob.texts()[6:] == [f"line {n}" for n in range(60)]
        expect(bob.message("line 10")).to_be_in_viewport()


class TestBeingAway:
    def test_who_was_offline_catches_up_once_and_in_order(self, demo, open_page):
        alice, bob = in_room(open_page, demo, "alice"), in_room(open_page, demo, "bob")
        before = alice.texts()
        alice.go_offline()
        lines = [f"while you were away, {n}" for n in range(12)]
        for line in lines:
            bob.say(line)
        assert alice.texts() == before

        alice.go_online()
        alice.expect_state("Live")
        alice.expect_message(lines[-1])
        bob.say("and now you are back")
        alice.expect_message("and now you are back")

        assert alice.texts() == [*before, *lines, "and now you are back"]

    def test_absence_longer_than_the_history_is_made_good(self, start_demo, open_page):
        """The stream says nexora:gap, and the page fetches what the stream no longer has."""
        server = start_demo(env={"FLASK_NEXORA_RT_RETENTION_EVENTS": "3"})
        alice, bob = in_room(open_page, server, "alice"), in_room(open_page, server, "bob")
        before = alice.texts()
        alice.go_offline()
        lines = [f"line {n}" for n in range(60)]
        for line in lines:
            bob.post(CHANNEL, line)

        alice.go_online()
        alice.expect_message("line 59")
        alice.expect_message("line 0")

        assert alice.texts() == [*before, *lines]

    def test_restart_of_the_server_loses_nothing(self, demo, open_page):
        alice, bob = in_room(open_page, demo, "alice"), in_room(open_page, demo, "bob")
        before = alice.texts()
        bob.say("before the restart")
        alice.expect_message("before the restart")

        demo.stop(signal.SIGTERM)
        alice.expect_state(re.compile("Reconnecting|Offline"))
        demo.start()
        bob.post(CHANNEL, "after the restart")
        alice.expect_message("after the restart", timeout=30)
        alice.expect_state("Live")

        assert alice.texts() == [*before, "before the restart", "after the restart"]
        alice.forgive("net::ERR_")
        bob.forgive("net::ERR_")

    def test_stream_that_the_browser_gave_up_is_opened_again(self, start_demo, open_page):
        """A native EventSource stops for ever at any status but 200."""
        server = start_demo()
        alice, bob = in_room(open_page, server, "alice"), in_room(open_page, server, "bob")
        asked = []

        def bad_gateway(route):
            asked.append(route.request.url)
            route.fulfill(status=502, body="bad gateway")

        alice.page.route("**/realtime/stream*", bad_gateway)
        alice.go_offline()
        alice.go_online()
        alice.expect_state("Reconnecting")
        bob.say("through the bad gateway")
        alice.page.unroute("**/realtime/stream*")

        alice.expect_message("through the bad gateway", timeout=30)
        alice.expect_state("Live")
        assert "last_event_id=" in asked[0]
        alice.forgive("status of 502")


class TestConnectionState:
    def test_state_is_text_and_colour_and_is_announced(self, start_demo, open_page):
        alice = in_room(open_page, start_demo(), "alice")
        status = alice.connection
        expect(status).to_have_attribute("aria-live", "polite")
        live = colour(status)

        alice.go_offline()
        offline = colour(status)
        alice.go_online()
        alice.expect_state("Live")

        assert live != offline
        assert colour(status) == live

    def test_page_says_that_it_is_connecting(self, start_demo, open_page):
        alice = open_page(start_demo(), "alice")
        alice.page.goto("about:blank")  # the stream of the page before is none of it
        seen = []

        def look_first(route):
            seen.append(alice.connection.text_content())
            route.continue_()

        alice.page.route("**/realtime/stream*", look_first)
        alice.page.goto(f"{alice.url}/guilds/1")
        alice.expect_state("Live")

        assert seen == ["Connecting"]

    def test_message_that_cannot_be_sent_is_kept_and_sent_later(self, start_demo, open_page):
        server = start_demo()
        alice, bob = in_room(open_page, server, "alice"), in_room(open_page, server, "bob")
        box = alice.box
        alice.go_offline()
        box.fill("can you hear me?")
        box.press("Enter")
        expect(alice.page.get_by_text("Not sent: you are offline.")).to_be_visible()

        alice.go_online()

        bob.expect_message("can you hear me?")
        expect(alice.page.get_by_text("Not sent")).to_have_count(0)
        alice.expect_message("can you hear me?")

    def test_message_that_the_server_refuses_can_be_discarded(self, start_demo, open_page):
        alice = in_room(open_page, start_demo(), "alice")
        alice.box.fill("a bell: \x07")
        alice.page.get_by_role("button", name="Send").click()
        problem = alice.message("a bell").get_by_role("alert")
        expect(problem).to_contain_text("control characters")

        alice.page.get_by_role("button", name="Discard").click()

        expect(alice.page.get_by_text("a bell")).to_have_count(0)
        alice.forgive("status of 422")


class TestWhoDoesNotBelong:
    def test_gets_no_chat_but_the_page_where_one_applies(self, start_demo, open_page):
        carol = open_page(start_demo(), "carol")
        carol.page.goto(f"{carol.url}/guilds/1")

        expect(carol.page).to_have_url(f"{carol.url}/guilds/1/members")
        expect(carol.page.get_by_role("button", name="Apply to join")).to_be_visible()
        expect(carol.page.locator(".message, #content")).to_have_count(0)

    def test_gets_no_stream_and_no_history(self, start_demo, open_page):
        carol = open_page(start_demo(), "carol")
        paths = [
            "/api/realtime/stream?channels=guild-1",
            "/api/messages?conversationId=guild-1",
            "/conversations/guild-1",
        ]

        statuses = [carol.context.request.get(carol.url + path).status for path in paths]

        assert statuses == [403, 403, 403]

    def test_gets_no_messages(self, demo, open_page):
        carol, bob = open_page(demo, "carol"), in_room(open_page, demo, "bob")
        carol.enter("Night Watch")
        alice = open_page(demo, "alice")
        alice.enter("Night Watch")

        bob.say("only for mapmakers")
        alice.say("for the night watch")

        carol.expect_message("for the night watch")
        assert "only for mapmakers" not in carol.texts()

    def test_is_asked_to_sign_in_and_then_led_back(self, start_demo, browser):
        server = start_demo()
        with browser.new_context() as context:
            page = context.new_page()
            page.goto(f"{server.url}/guilds/1")
            page.get_by_role("button", name="Bob").click()

            expect(page).to_have_url(f"{server.url}/guilds/1")


def test_signing_in_with_a_password(start_demo, browser):
    server = start_demo()
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{server.url}/login")
        page.get_by_text("Sign in with a password instead").click()
        page.get_by_label("Login").fill("bob")
        for password in ("wrong", "demo"):
            page.get_by_label("Password").fill(password)
            page.get_by_role("button", name="Sign in", exact=True).click()
            if password == "wrong":
                expect(page.get_by_role("alert")).to_contain_text("do not belong together")
                page.get_by_label("Login").fill("bob")

        expect(page).to_have_url(f"{server.url}/guilds")


def test_pages_fit_a_phone(start_demo, open_page):
    server = start_demo()
    alice = in_room(open_page, server, "alice", viewport={"width": 390, "height": 844})
    alice.say("a-very-long-word-" * 20)

    for path in ("/guilds/1", "/guilds"):
        alice.page.goto(server.url + path)
        assert alice.page.evaluate("document.documentElement.scrollWidth") <= 390


def colour(locator):
    return locator.evaluate("node => getComputedStyle(node).backgroundColor")
