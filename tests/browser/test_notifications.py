"""The bell, the page of notifications, preferences and announcements."""

import re
import uuid

from playwright.sync_api import expect

from tests.browser.hall import LOGINS


def announce(hall, title, **fields):
    """Grace tells everybody."""
    fields = {
        "key": uuid.uuid4().hex,
        "title": title,
        "message": "At noon in the great hall",
        **fields,
    }
    hall["grace"].post("/announcements", **fields)
    return fields


class TestAnnouncements:
    def test_reach_everybody_once_also_when_the_form_is_sent_twice(self, hall):
        assert re.search(r'name="key" value="\w{32}"', hall["grace"].get("/announcements").text)
        fields = announce(hall, "Assembly", link="/bounties")
        assert hall.told() == {login: ["platform_announcement"] for login in LOGINS}
        assert next(iter(hall["frank"].inbox().values()))["url"] == "/bounties"

        hall["grace"].post("/announcements", **fields)

        assert hall.told() == {}

    def test_reach_also_who_has_paused_everything(self, hall):
        hall["bob"].post("/notifications/preferences", pause="on")

        announce(hall, "Fire drill")

        assert "bob" in hall.told()

    def test_are_made_by_admins_only(self, hall):
        assert hall["alice"].get("/announcements").status_code == 403
        assert hall["alice"].refused("/announcements", key="k", title="t", message="m") == 403
        assert hall.told() == {}

    def test_are_a_click_away_for_admins_only(self, hall):
        assert hall["grace"].get("/operations").text.count('href="/announcements"') == 2
        assert "/announcements" not in hall["alice"].get("/bounties").text

    def test_link_to_this_site_only(self, hall):
        form = {"key": "k", "title": "t", "message": "m"}
        for link in ("https://evil.example", "//evil.example", "/\t/evil.example", "javascript:1"):
            assert hall["grace"].refused("/announcements", **form, link=link) == 422
        assert hall.told() == {}


class TestPreferences:
    def test_a_muted_category_is_not_told_and_the_others_are(self, hall):
        erin = hall["erin"]
        erin.post("/notifications/preferences", category=["guild", "message"])
        path = erin.post("/bounties", title="Quiet work", brief="x", reward="1")

        erin.post(f"{path}/match", guild=1)

        assert hall.told() == {"alice": ["bounty_offered"]}
        hall["alice"].post("/guilds/1/candidates/5", answer="accept")
        assert hall.told()["erin"] == ["guild_application_accepted"]
        page = erin.get("/notifications/preferences").text
        assert re.findall(r'value="(\w+)" checked', page) == ["guild", "message"]


class TestPage:
    def test_reads_archives_and_deletes_ones_own_and_nobody_elses(self, hall):
        alice = hall["alice"]
        others = {key[0] for key in hall["bob"].inbox()}
        newest, second = [key[0] for key in alice.inbox() if key[0] not in others][:2]

        alice.post(f"/notifications/{newest}", action="archive")
        alice.post(f"/notifications/{second}", action="read")

        listed = {one["id"]: one["read"] for one in alice.inbox().values()}
        assert newest not in listed
        assert listed[second] is True
        assert newest in alice.get("/notifications?state=archived").text
        assert hall["bob"].refused(f"/notifications/{second}", action="delete") == 404
        alice.post(f"/notifications/{second}", action="delete")
        assert second not in alice.get("/notifications").text

    def test_turns_its_pages(self, hall):
        for number in range(25):
            announce(hall, f"Notice {number}")
        first = hall["dan"].get("/notifications").text
        older = re.search(r'href="([^"]+cursor=[^"]+)"', first)[1].replace("&amp;", "&")
        second = hall["dan"].get(older).text

        assert "Notice 24" in first
        assert "Notice 0" in second
        assert "Notice 24" not in second

    def test_a_cursor_that_is_none_is_a_page_that_says_so(self, hall):
        assert hall["dan"].get("/notifications?cursor=x").status_code == 400


def test_a_link_to_a_message_opens_its_conversation(hall):
    dan = hall["dan"]

    assert dan.get("/messages/guild-1").url.endswith("/guilds/1")
    assert dan.get("/messages/dm-1-4").url.endswith("/people/1")
    assert dan.get("/messages/guild-2").status_code == 403
    assert dan.get("/messages/nothing").status_code == 404


def bell(page):
    return page.locator("nexora-bell [part=button]")


def rows(page):
    return page.get_by_role("region", name="Notifications", exact=True).get_by_role("listitem")


def unseen(page):
    return page.locator("nexora-bell [part~=badge-unseen]:visible")


class TestBell:
    def test_shows_live_what_comes_and_what_is_done_with_it(self, hall, open_page):
        hall["grace"].ask("DELETE", "/notifications")
        announce(hall, "Before")
        grace = open_page(hall.server, "grace")
        other = grace.context.new_page()
        for page in (grace.page, other):
            page.goto(f"{grace.url}/people")
            expect(bell(page)).to_have_accessible_name("Notifications, 1 unread")
        announce(hall, "Assembly")
        for page in (grace.page, other):
            expect(bell(page)).to_have_accessible_name("Notifications, 2 unread")
            expect(unseen(page)).to_have_text("2")

        bell(grace.page).click()
        expect(rows(grace.page)).to_have_count(2)
        # Seen in one tab is seen in the other; unread both still are.
        expect(unseen(other)).to_have_count(0)
        expect(bell(other)).to_have_accessible_name("Notifications, 2 unread")

        grace.page.get_by_role("button", name="Mark as read: Assembly").click()
        for page in (grace.page, other):
            expect(bell(page)).to_have_accessible_name("Notifications, 1 unread")
        expect(rows(grace.page).get_by_role("link", name="Assembly")).to_have_count(0)
        hall["grace"].ask("DELETE", "/notifications")
        expect(grace.page.get_by_text("Nothing yet.")).to_be_visible()
        for page in (grace.page, other):
            expect(bell(page)).to_have_accessible_name("Notifications")

    def test_leads_to_all_of_them_and_to_the_preferences(self, hall, open_page):
        dan = open_page(hall.server, "dan")
        page = dan.page
        for name in ("All notifications", "Preferences"):
            bell(page).click()
            link = page.get_by_role("link", name=name, exact=True).first
            path = link.get_attribute("href")
            link.click()
            expect(page).to_have_url(dan.url + path)

    def test_marks_all_read_up_to_the_newest_that_it_shows(self, hall, open_page):
        hall["frank"].ask("DELETE", "/notifications")
        page = open_page(hall.server, "frank").page
        for n in range(3):
            announce(hall, f"Notice {n}")
        bell(page).click()
        expect(rows(page)).to_have_count(3)

        def announce_first(route):
            announce(hall, "Meanwhile")
            route.continue_()

        page.route("**/read-all", announce_first)
        page.get_by_role("button", name="Mark all read").click()

        expect(rows(page)).to_have_count(4)
        unread = rows(page).filter(has_text="Unread")
        expect(unread).to_have_count(1)
        expect(unread).to_contain_text("Meanwhile")
        expect(bell(page)).to_have_accessible_name("Notifications, 1 unread")


class TestToasts:
    def test_are_shown_on_every_page_and_go_when_the_bell_is_opened_in_another_tab(
        self, hall, open_page
    ):
        grace = open_page(hall.server, "grace")
        other = grace.context.new_page()
        other.goto(f"{grace.url}/people")
        grace.page.goto(f"{grace.url}/bounties")
        expect(grace.page.get_by_role("heading", name="Bounties", level=1)).to_be_visible()
        grace.page.wait_for_function("NexoraRT.default.connection.state === 'connected'")
        grace.page.locator("nexora-toasts").evaluate("node => node.setAttribute('duration', '0')")

        announce(hall, "Fire in the kitchen")
        expect(grace.toasts.filter(has_text="Fire in the kitchen")).to_be_visible()
        bell(other).click()

        expect(grace.toasts).to_have_count(0)

    def test_say_nothing_of_the_conversation_that_is_looked_at(self, hall, open_page):
        hall["erin"].ask("DELETE", "/notifications")
        erin = open_page(hall.server, "erin")
        erin.enter("Frank", "/people")
        message = {"conversationId": "dm-5-6", "clientId": uuid.uuid4().hex}

        with erin.page.expect_response("**/notifications/*/read"):
            answer = hall["frank"].ask("POST", "/messages", json={**message, "content": "Psst"})
            assert answer.status_code == 201
        erin.expect_message("Psst")

        expect(erin.toasts).to_have_count(0)
        expect(bell(erin.page)).to_have_accessible_name("Notifications")


def test_the_new_pages_fit_a_phone(hall, open_page):
    grace = open_page(hall.server, "grace", viewport={"width": 390, "height": 844})
    announce(hall, "a-very-long-word-" * 7)
    for path in (
        "/bounties",
        "/bounties/4",
        "/guilds/1/members",
        "/announcements",
        "/notifications",
        "/notifications/preferences",
        "/disputes/3",
    ):
        grace.page.goto(grace.url + path)
        assert grace.page.evaluate("document.documentElement.scrollWidth") <= 390, path
