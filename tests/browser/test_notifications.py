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

    def test_link_to_this_site_only(self, hall):
        form = {"key": "k", "title": "t", "message": "m"}
        for link in ("https://evil.example", "//evil.example", "javascript:alert(1)"):
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


class TestBell:
    def test_shows_live_what_comes_and_what_is_done_with_it(self, hall, open_page):
        hall["grace"].ask("DELETE", "/notifications")
        announce(hall, "Before")
        grace = open_page(hall.server, "grace")
        other = grace.context.new_page()
        for page in (grace.page, other):
            page.goto(f"{grace.url}/people")
            expect(page.locator("#bell-badge")).to_have_text("1")
        announce(hall, "Assembly")
        for page in (grace.page, other):
            expect(page.locator("#bell-badge")).to_have_text("2")
            expect(page.locator("#bell-badge")).to_have_attribute("data-unseen", "")
        expect(grace.page.locator("#bell-spoken")).to_contain_text("Assembly")

        grace.page.get_by_role("button", name="Notifications, 2 unread").click()
        rows = grace.page.locator(".bell-row")
        expect(rows).to_have_count(2)
        # Seen in one tab is seen in the other; unread both still are.
        expect(other.locator("#bell-badge:not([data-unseen])")).to_have_text("2")

        grace.page.get_by_role("button", name="Mark read: Assembly").click()
        for page in (grace.page, other):
            expect(page.locator("#bell-badge")).to_have_text("1")
        grace.page.get_by_role("button", name="Delete: Assembly").click()
        expect(rows).to_have_count(1)
        expect(grace.page.locator("#bell-title")).to_be_focused()
        grace.page.get_by_role("button", name="Delete:").click()
        expect(grace.page.get_by_text("Nothing to tell you")).to_be_visible()
        expect(other.locator("#bell-badge")).to_be_hidden()

    def test_marks_all_read_up_to_the_newest_that_it_shows(self, hall, open_page):
        hall["frank"].ask("DELETE", "/notifications")
        page = open_page(hall.server, "frank").page
        for n in range(3):
            announce(hall, f"Notice {n}")
        page.get_by_role("button", name="Notifications").click()
        expect(page.locator(".bell-row")).to_have_count(3)

        def announce_first(route):
            announce(hall, "Meanwhile")
            route.continue_()

        page.route("**/read-all", announce_first)
        page.get_by_role("button", name="Mark all read").click()

        expect(page.locator(".bell-row")).to_have_count(4)
        expect(page.locator(".bell-row[data-unread]")).to_have_count(1)
        expect(page.locator(".bell-row[data-unread]")).to_contain_text("Meanwhile")
        expect(page.locator("#bell-badge")).to_have_text("1")

    def test_counts_of_a_lower_version_do_not_move_it_back(self, hall, open_page):
        page = open_page(hall.server, "frank").page
        page.goto(page.url)
        shown = page.evaluate(
            """async () => {
              const { Bell } = await import("/static/bell.js");
              const bell = new Bell();
              bell.showCounts({ unread: 5, unseen: 5, version: 1000 });
              bell.showCounts({ unread: 9, unseen: 9, version: 999 });
              const late = document.getElementById("bell-badge").textContent;
              bell.showCounts({ unread: 100, unseen: 9, version: 1001 });
              return [late, document.getElementById("bell-badge").textContent];
            }"""
        )

        assert shown == ["5", "99+"]


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
