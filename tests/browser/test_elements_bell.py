"""The bell, as people use it."""

from playwright.sync_api import expect

from tests.browser.elements import FOCUSED, bell, open_bell, rows, titles, toasts
from tests.browser.widgets import notify, trigger

BADGE = "document.querySelector('nexora-bell').shadowRoot.querySelector('.badge')"


class TestBell:
    def test_badge_and_name_count_what_is_unread(self, widgets, open_elements):
        notify(widgets, "b1", "one")
        page = open_elements("b1")
        expect(bell(page)).to_have_accessible_name("Notifications, 1 unread")

        notify(widgets, "b1", "two", "three")
        expect(bell(page)).to_have_accessible_name("Notifications, 3 unread")
        spoken = page.page.locator("nexora-bell [role=status]")
        expect(spoken).to_have_text("3 unread notifications")
        page.page.evaluate("document.querySelector('nexora-bell').setAttribute('max', '2')")
        page.wait(f"{BADGE}.textContent === '2+'")

    def test_panel_shows_unread_first_and_tells_that_all_is_seen(self, widgets, open_elements):
        ids = notify(widgets, "b2", "old", "middle", "new")
        page = open_elements("b2")
        page.context.request.post(f"{widgets.url}/api/notifications/{ids[2]}/read")
        expect(bell(page)).to_have_accessible_name("Notifications, 2 unread")

        with page.page.expect_request("**/notifications/seen") as seen:
            open_bell(page, 3)

        assert titles(page) == ["middle", "old", "new"]
        assert seen.value.post_data_json == {"upTo": ids[2]}
        assert bell(page).get_attribute("aria-expanded") == "true"

    def test_one_is_marked_read_and_stays_where_it_is(self, widgets, open_elements):
        notify(widgets, "b3", "first", "second")
        page, other = open_elements("b3"), open_elements("b3")
        open_bell(page, 2)

        page.page.get_by_role("button", name="Mark as read: first").click()

        expect(bell(page)).to_have_accessible_name("Notifications, 1 unread")
        expect(bell(other)).to_have_accessible_name("Notifications, 1 unread")
        assert titles(page) == ["second", "first"]
        assert "first" in page.page.evaluate(FOCUSED)
        assert page.page.locator("nexora-bell li.unread").count() == 1

    def test_click_marks_read_and_leads_to_the_page(self, widgets, open_elements):
        notify(widgets, "b4", "go there")
        page = open_elements("b4")
        open_bell(page, 1)

        with page.page.expect_navigation(url="**/ready"):
            rows(page).get_by_role("link").click()

        counts = page.context.request.get(f"{widgets.url}/api/notifications/unread-count")
        assert counts.json()["unread"] == 0

    def test_mark_all_leaves_what_comes_meanwhile(self, widgets, open_elements):
        notify(widgets, "b5", "one", "two")
        page = open_elements("b5")
        open_bell(page, 2)

        def late(route):
            notify(widgets, "b5", "late")
            route.continue_()

        page.page.route("**/notifications/read-all", late)
        page.page.get_by_role("button", name="Mark all read").click()

        expect(rows(page)).to_have_count(3)
        expect(bell(page)).to_have_accessible_name("Notifications, 1 unread")
        assert page.page.locator("nexora-bell li.unread .title").inner_text().endswith("late")

    def test_what_the_server_refuses_is_taken_back_and_said(self, widgets, open_elements):
        notify(widgets, "b6", "one")
        page = open_elements("b6")
        open_bell(page, 1)
        page.page.route("**/read", lambda route: route.fulfill(status=503, json={"error": "no"}))

        page.page.get_by_role("button", name="Mark as read").click()

        expect(page.page.get_by_text("That did not work")).to_be_visible()
        assert page.page.locator("nexora-bell li.unread").count() == 1
        page.forgive("503")

    def test_older_ones_come_when_one_scrolls(self, widgets, open_elements):
        ids = notify(widgets, "b7", *(f"n{n}" for n in range(45)))
        page = open_elements("b7")
        expect(bell(page)).to_have_accessible_name("Notifications, 45 unread")
        page.context.request.post(
            f"{widgets.url}/api/notifications/read-all", data={"upTo": ids[-1]}
        )
        page.page.reload()
        page.wait_connected()
        open_bell(page, 20)

        for count in (40, 45):
            page.page.locator("nexora-bell .scroller").evaluate("node => node.scrollTo(0, 9999)")
            expect(rows(page)).to_have_count(count)
        assert titles(page) == [f"n{n}" for n in reversed(range(45))]

    def test_older_ones_come_also_behind_many_unread_ones(self, widgets, open_elements):
        notify(widgets, "b19", *[f"old {n}" for n in range(30)])
        page = open_elements("b19")
        page.context.request.post(f"{widgets.url}/api/notifications/read-all", data={})
        notify(widgets, "b19", *[f"new {n}" for n in range(50)])
        expect(bell(page)).to_have_accessible_name("Notifications, 50 unread")
        page.page.reload()
        open_bell(page, 50)

        rows(page).last.scroll_into_view_if_needed()

        expect(rows(page)).to_have_count(60)

    def test_unread_ones_are_there_however_old(self, widgets, open_elements):
        ids = notify(widgets, "b8", "buried", *(f"n{n}" for n in range(30)))
        page = open_elements("b8")
        base = f"{widgets.url}/api/notifications"
        page.context.request.post(f"{base}/read-all", data={"upTo": ids[-1]})
        page.context.request.post(f"{base}/{ids[0]}/unread")
        page.page.reload()
        page.wait_connected()

        expect(bell(page)).to_have_accessible_name("Notifications, 1 unread")
        bell(page).press("Enter")
        expect(rows(page).first).to_contain_text("buried")

    def test_empty_and_broken_lists_say_so(self, widgets, open_elements, visit_widgets):
        page = open_elements("b9")
        bell(page).press("Enter")
        expect(page.page.get_by_text("No notifications")).to_be_visible()

        broken = visit_widgets("b10", "/ready")
        notify(widgets, "b10", "one")
        broken.page.route("**/notifications?*", lambda route: route.fulfill(status=503, json={}))
        broken.page.goto(f"{widgets.url}/elements")
        broken.wait_connected()
        bell(broken).press("Enter")
        expect(broken.page.get_by_text("Notifications cannot be loaded.")).to_be_visible()
        broken.page.unroute("**/notifications?*")
        broken.page.get_by_role("button", name="Try again").click()
        expect(rows(broken)).to_have_count(1)
        broken.forgive("503")

    def test_keyboard(self, widgets, open_elements):
        notify(widgets, "b11", "one")
        page = open_elements("b11")
        open_bell(page, 1)
        page.page.keyboard.press("Tab")
        assert page.page.evaluate(FOCUSED) == "Mark all read"

        page.page.keyboard.press("Escape")
        assert page.page.evaluate(FOCUSED) == "Notifications, 1 unread"
        expect(rows(page)).to_be_hidden()

        bell(page).press("Enter")
        for _ in range(4):
            page.page.keyboard.press("Tab")
        expect(rows(page)).to_be_hidden()

    def test_notification_cannot_bring_markup_or_scripts(self, widgets, open_elements):
        page = open_elements("b12")
        evil = {
            "id": "x", "type": "plain", "level": "info", "createdAt": "2026-01-01T00:00:00.000Z",
            "title": "<img src=x onerror=alert(1)>", "message": "<b>bold</b>", "data": {},
            "url": "javascript:alert(1)", "icon": "javascript:/alert(1)", "read": False,
            "seenAt": None, "unread": 1, "unseen": 0, "version": 9,
        }  # fmt: skip
        page.wait("NexoraRT.default.channel('private-user-b12')?.subscribed")

        trigger(widgets, "private-user-b12", "notification:new", evil)

        expect(toasts(page)).to_contain_text("<img src=x onerror=alert(1)>")
        page.page.evaluate("document.querySelector('nexora-bell').show()")
        expect(rows(page)).to_contain_text("<b>bold</b>")
        roots = "[...document.querySelectorAll('nexora-bell, nexora-toasts')]"
        assert page.page.evaluate(f"{roots}.every((e) => !e.shadowRoot.querySelector('a, img'))")

    def test_next_user_sees_nothing_of_the_former_one(self, widgets, open_elements):
        notify(widgets, "b13", "secret")
        page = open_elements("b13")
        expect(bell(page)).to_have_accessible_name("Notifications, 1 unread")

        page.context.request.post(f"{widgets.url}/login/b14")
        page.page.evaluate("NexoraRT.default.disconnect()")
        page.page.evaluate("NexoraRT.default.connect()")
        page.wait("NexoraRT.default.user.id === 'b14'")

        expect(bell(page)).to_have_accessible_name("Notifications")
        bell(page).press("Enter")
        expect(page.page.get_by_text("No notifications")).to_be_visible()
        assert rows(page).count() == 0

    def test_who_signs_in_again_sees_theirs_again(self, widgets, open_elements):
        notify(widgets, "b20", "one")
        page = open_elements("b20")
        expect(bell(page)).to_have_accessible_name("Notifications, 1 unread")

        page.context.clear_cookies()
        page.page.evaluate("NexoraRT.default.disconnect()")
        page.page.evaluate("NexoraRT.default.connect()")
        page.wait("NexoraRT.default.connection.state === 'failed'")
        expect(bell(page)).to_have_accessible_name("Notifications")
        page.context.request.post(f"{widgets.url}/login/b20")
        page.page.evaluate("NexoraRT.default.connect()")

        expect(bell(page)).to_have_accessible_name("Notifications, 1 unread")
        page.forgive("401")
        page.forgive("403")

    def test_refusal_that_comes_after_a_change_of_user_brings_nothing_back(
        self, widgets, open_elements
    ):
        notify(widgets, "b17", "secret")
        page = open_elements("b17")
        open_bell(page, 1)
        kept = []

        def keep(route):
            kept.append(route)

        page.page.route("**/notifications/*/read", keep)
        rows(page).locator("[part=mark-read]").click()

        page.context.request.post(f"{widgets.url}/login/b18")
        page.page.evaluate("NexoraRT.default.disconnect()")
        page.page.evaluate("NexoraRT.default.connect()")
        page.wait("NexoraRT.default.user.id === 'b18'")
        expect(rows(page)).to_have_count(0)
        tell = "() => NexoraRT.default.connection.bind('error', () => { window.isTold = true; })"
        page.page.evaluate(tell)
        kept[0].continue_()

        page.wait("window.isTold")
        assert rows(page).count() == 0
        page.forgive("404")

    def test_late_numbers_do_not_win(self, widgets, open_elements):
        notify(widgets, "b16", "one", "two")
        page = open_elements("b16")
        expect(bell(page)).to_have_accessible_name("Notifications, 2 unread")
        page.wait("NexoraRT.default.channel('private-user-b16')?.subscribed")

        page.page.evaluate("""() => {
          window.came = 0;
          const channel = NexoraRT.default.channel("private-user-b16");
          channel.bind("notification:read", () => window.came++);
        }""")
        said = {"action": "read", "ids": [], "unseen": 0}

        for unread, version in ((9, 99), (1, 0), (4, 98)):
            body = {**said, "unread": unread, "version": version}
            trigger(widgets, "private-user-b16", "notification:read", body)

        page.wait("window.came === 3")
        expect(bell(page)).to_have_accessible_name("Notifications, 9 unread")

    def test_bell_counts_right_after_a_drop(self, widgets, open_elements):
        page = open_elements("b15")
        page.wait("NexoraRT.default.channel('private-user-b15')?.subscribed")
        page.page.evaluate("NexoraRT.default.disconnect()")
        notify(widgets, "b15", "while away")
        page.page.evaluate("NexoraRT.default.connect()")

        expect(bell(page)).to_have_accessible_name("Notifications, 1 unread")

    def test_a_host_adds_a_footer_in_its_own_colours(self, widgets, open_elements):
        page = open_elements("b17")
        page.page.evaluate("""() => {
          document.documentElement.style.setProperty("--accent", "rgb(1, 2, 3)");
          const link = document.createElement("a");
          Object.assign(link, { href: "/ready", textContent: "All", slot: "footer" });
          link.style.color = "var(--accent)";
          document.querySelector("nexora-bell").append(link);
        }""")
        footer = page.page.get_by_role("link", name="All")
        expect(footer).to_be_hidden()

        bell(page).press("Enter")

        expect(footer).to_be_visible()
        expect(footer).to_have_css("color", "rgb(1, 2, 3)")

    def test_badge_tells_what_is_unseen_apart_from_what_is_unread(self, widgets, open_elements):
        page = open_elements("b18")
        page.wait("NexoraRT.default.channel('private-user-b18')?.subscribed")
        notify(widgets, "b18", "one")
        expect(page.page.locator("nexora-bell [part~=badge-unseen]")).to_have_text("1")

        open_bell(page, 1)

        expect(page.page.locator("nexora-bell [part~=badge-unseen]")).to_have_count(0)
        expect(page.page.locator("nexora-bell [part=badge]")).to_have_text("1")
