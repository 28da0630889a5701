"""Toasts, as people see and leave them."""

from playwright.sync_api import expect

from tests.browser.elements import FOCUSED, bell, show, toasts
from tests.browser.widgets import notify


class TestToasts:
    def test_they_go_by_themselves_and_stay_in_the_bell(self, widgets, open_elements):
        page = open_elements("t1")
        page.wait("NexoraRT.default.channel('private-user-t1')?.subscribed")
        page.page.evaluate("document.querySelector('nexora-toasts').setAttribute('duration', 300)")

        notify(widgets, "t1", "short")

        expect(page.page.locator("nexora-toasts [role=status]")).to_have_text("short: about short")
        expect(toasts(page)).to_have_count(0)
        expect(bell(page)).to_have_accessible_name("Notifications, 1 unread")

    def test_the_page_has_a_say_in_what_becomes_a_toast(self, widgets, open_elements):
        page = open_elements("t20")
        page.wait("NexoraRT.default.channel('private-user-t20')?.subscribed")
        page.page.evaluate("""document.addEventListener("nexora-toast", (event) =>
          event.detail.notification.title === "known" && event.preventDefault())""")

        notify(widgets, "t20", "known", "news")

        expect(toasts(page)).to_have_text(["newsabout news"])
        expect(bell(page)).to_have_accessible_name("Notifications, 2 unread")

    def test_toast_of_the_page_outlives_the_news_who_is_signed_in(self, widgets, open_elements):
        page = open_elements("t21")
        page.page.add_init_script("""customElements.whenDefined("nexora-toasts").then(() => {
          const element = document.querySelector("nexora-toasts");
          element.show({ title: "Saved" });
        })""")

        page.page.reload()
        page.wait("document.querySelector('nexora-toasts').store?.getSnapshot().ready")

        expect(toasts(page)).to_have_text(["Saved"])

    def test_pages_that_are_no_secure_context_have_them(self, widgets, open_elements):
        page = open_elements("t22")
        page.page.goto(f"{widgets.url.replace('127.0.0.1', 'host.test')}/elements")
        assert not page.page.evaluate("isSecureContext")

        show(page, 0, "one", "two")

        expect(toasts(page)).to_have_text(["two", "one"])
        page.forgive("")

    def test_newest_are_shown_and_errors_are_said_at_once(self, widgets, open_elements):
        page = open_elements("t2")
        page.wait("NexoraRT.default.channel('private-user-t2')?.subscribed")
        page.page.evaluate("document.querySelector('nexora-toasts').setAttribute('duration', 0)")

        notify(widgets, "t2", "a", "b", "c", "d")
        notify(widgets, "t2", "e", kind="broken")

        expect(toasts(page)).to_have_count(3)
        expect(toasts(page).first).to_contain_text("e")
        expect(page.page.locator("nexora-toasts [role=alert]")).to_have_text("e: about e")
        expect(page.page.locator("nexora-toasts [role=status] p")).to_have_count(4)

    def test_hover_and_focus_hold_them(self, widgets, open_elements):
        page = open_elements("t3")
        show(page, 0, "stays")
        toasts(page).hover()
        show(page, 400, "held", "next")
        page.page.wait_for_timeout(900)
        assert toasts(page).count() == 3

        page.page.keyboard.press("F8")
        page.page.mouse.move(5, 500)
        page.page.wait_for_timeout(900)
        assert toasts(page).count() == 3
        page.page.locator("#field").focus()
        expect(toasts(page)).to_have_count(1)
        assert toasts(page).inner_text() == "stays"

    def test_nothing_goes_while_the_window_is_not_looked_at(self, widgets, open_elements):
        page = open_elements("t4")
        page.page.evaluate("() => { document.hasFocus = () => false; }")
        show(page, 200, "kept")
        page.page.wait_for_timeout(600)
        assert toasts(page).count() == 1

        page.page.evaluate(
            "() => { delete document.hasFocus; window.dispatchEvent(new Event('focus')); }"
        )
        expect(toasts(page)).to_have_count(0)

    def test_f8_leads_there_and_escape_back(self, widgets, open_elements):
        page = open_elements("t5")
        page.page.locator("#field").focus()
        show(page, 0, "one", "two")
        assert page.page.evaluate("document.activeElement.id") == "field"

        page.page.keyboard.press("F8")
        assert page.page.evaluate(FOCUSED) == "New notifications (F8)"
        page.page.keyboard.press("Escape")
        expect(toasts(page)).to_have_text("one")
        page.page.keyboard.press("Tab")
        assert page.page.evaluate(FOCUSED) == "Close: one"
        page.page.keyboard.press("Enter")
        expect(toasts(page)).to_have_count(0)
        assert page.page.evaluate("document.activeElement.id") == "field"

    def test_what_is_read_elsewhere_goes(self, widgets, open_elements):
        page = open_elements("t6")
        page.wait("NexoraRT.default.channel('private-user-t6')?.subscribed")
        page.page.evaluate("document.querySelector('nexora-toasts').setAttribute('duration', 0)")
        (one,) = notify(widgets, "t6", "one")
        expect(toasts(page)).to_have_count(1)

        page.context.request.post(f"{widgets.url}/api/notifications/{one}/read")

        expect(toasts(page)).to_have_count(0)

    def test_calm_pages_move_nothing(self, widgets, open_elements):
        page = open_elements("t7")
        show(page, 0, "one")
        moving = "document.querySelector('nexora-toasts').shadowRoot.getAnimations().length"
        assert page.page.evaluate(moving) == 0
