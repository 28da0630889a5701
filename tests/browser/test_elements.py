"""The small elements, and what holds for all of them."""

import pytest
from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.elements import bell, rows
from tests.browser.widgets import notify, trigger


def move_to_product(page, product):
    page.page.evaluate(
        "(name) => document.querySelector('nexora-presence').setAttribute('channel', name)",
        f"presence-product-{product}",
    )


class TestSmallElements:
    def test_connection_is_named_only_when_there_is_none(self, widgets, open_elements):
        page = open_elements("s1")
        status = page.page.locator("nexora-connection [role=status]")
        expect(status).to_have_text("")
        page.page.evaluate("document.querySelector('nexora-connection').setAttribute('delay', 0)")

        page.page.evaluate("NexoraRT.default.disconnect()")
        expect(status).to_have_text("Disconnected. Some features may not work.")
        page.page.evaluate("NexoraRT.default.connect()")
        expect(status).to_have_text("")

    def test_connection_with_a_text_for_it_says_also_that_all_is_well(self, widgets, open_elements):
        page = open_elements("s10")
        status = page.page.locator("nexora-connection [role=status]")
        page.page.evaluate("""() => {
          const element = document.querySelector("nexora-connection");
          element.setAttribute("delay", 0);
          element.labels = { connected: "Live" };
        }""")
        expect(status).to_have_text("Live")

        page.page.evaluate("NexoraRT.default.disconnect()")
        expect(status).to_have_text("Disconnected. Some features may not work.")
        page.page.evaluate("NexoraRT.default.connect()")
        expect(status).to_have_text("Live")

    def test_typing_names_one_or_two_and_counts_more(self, widgets, open_elements):
        page = open_elements("s2")
        channel = "private-conversation-7"
        page.wait(f"NexoraRT.default.channel('{channel}')?.subscribed")
        status = page.page.locator("nexora-typing [role=status]")

        def typing(user_id, name="typing:start", lasts=60_000):
            data = {"conversationId": channel, "userId": user_id, "expiresInMs": lasts}
            trigger(widgets, channel, name, data)

        typing("s2")
        typing("ann")
        expect(status).to_have_text("1 person is typing…")
        page.page.evaluate(
            "() => { document.querySelector('nexora-typing').nameOf = (id) => id.toUpperCase(); }"
        )
        typing("ben", lasts=2_000)
        expect(status).to_have_text("ANN and BEN are typing…")
        expect(status).to_have_text("ANN is typing…")
        for name in ("cid", "dan"):
            typing(name)
        expect(status).to_have_text("3 people are typing…")
        for name in ("ann", "cid", "dan"):
            typing(name, "typing:stop", 0)
        expect(status).to_have_text("")

    def test_presence_shows_three_and_counts_all(self, widgets, open_elements):
        page = open_elements("s3")
        move_to_product(page, "s3")
        count = page.page.locator("nexora-presence [part=count]")
        expect(count).to_have_text("1 person viewing")

        for name in ("ann", "ben", "cid"):
            move_to_product(open_elements(name), "s3")

        expect(count).to_have_text("4 people viewing")
        expect(page.page.locator("nexora-presence [part=avatar]")).to_have_count(3)
        expect(page.page.locator("nexora-presence [part=more]")).to_have_text("+1")
        expect(page.page.get_by_role("img", name="Ann")).to_be_visible()

    def test_texts_can_be_replaced(self, widgets, open_elements):
        notify(widgets, "s4", "one")
        page = open_elements("s4")
        page.page.evaluate("""() => {
          const bell = document.querySelector("nexora-bell");
          bell.setAttribute("label-title", "Mitteilungen");
          bell.labels = { unread: { one: "{n} ungelesene", other: "{n} ungelesen" } };
        }""")

        expect(bell(page)).to_have_accessible_name("Mitteilungen, 1 ungelesene")


def test_elements_that_go_leave_nothing_behind(widgets, open_elements):
    page = open_elements("s5")
    page.wait("NexoraRT.default.allChannels().length === 3")

    left = page.page.evaluate("""async () => {
      const rt = NexoraRT.default;
      const all = () => [rt.connection, rt.user, rt].map((one) => one.handlerCount);
      const nodes = [...document.body.querySelectorAll("*")];
      const elements = nodes.filter((node) => node.localName.startsWith("nexora-"));
      for (const element of elements) element.remove();
      await new Promise((done) => setTimeout(done));
      let listeners = 0;
      const { addEventListener, removeEventListener } = EventTarget.prototype;
      const isPage = (target) => target === window || target === document;
      EventTarget.prototype.addEventListener = function (...args) {
        listeners += isPage(this ?? window);
        return addEventListener.apply(this, args);
      };
      EventTarget.prototype.removeEventListener = function (...args) {
        listeners -= isPage(this ?? window);
        return removeEventListener.apply(this, args);
      };
      const place = document.createElement("div");
      const before = all();
      document.body.append(place);
      for (let n = 0; n < 1000; n++) {
        place.append(...elements);
        place.replaceChildren();
        if (n % 100 === 0) await new Promise((done) => setTimeout(done));
      }
      await new Promise((done) => setTimeout(done, 100));
      return { before, after: all(), listeners, channels: rt.allChannels().length };
    }""")

    assert left["after"] == left["before"]
    assert (left["listeners"], left["channels"]) == (0, 0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(widgets, open_elements, scheme):
    user = f"axe-{scheme}"
    notify(widgets, user, "read", "unread")
    page = open_elements(user, color_scheme=scheme)
    expect(bell(page)).to_have_accessible_name("Notifications, 2 unread")
    page.wait("NexoraRT.default.channel('private-conversation-7')?.subscribed")
    typing = {"userId": "x", "expiresInMs": 60_000}
    trigger(widgets, "private-conversation-7", "typing:start", typing)
    expect(page.page.locator("nexora-typing [role=status]")).to_have_text("1 person is typing…")
    expect(page.page.locator("nexora-presence [part=avatar]").first).to_be_visible()

    for width in (1280, 390):
        page.page.set_viewport_size({"width": width, "height": 800})
        page.page.evaluate("document.querySelector('nexora-bell').show()")
        expect(rows(page).first).to_be_visible()
        page.page.evaluate("""() => {
          const toasts = document.querySelector("nexora-toasts");
          toasts.setAttribute("duration", 0);
          toasts.setAttribute("position", "bottom-left");
          for (const level of ["info", "success", "warning", "error"]) {
            toasts.show({ id: level, title: level, message: "text", level, url: "/" });
          }
        }""")
        assert violations(page.page) == []
        assert page.page.evaluate("document.documentElement.scrollWidth") <= width

    page.page.evaluate("document.querySelector('nexora-connection').setAttribute('delay', 0)")
    page.page.evaluate("NexoraRT.default.disconnect()")
    expect(page.page.locator("nexora-connection [role=status]")).to_contain_text("Disconnected")
    for width in (1280, 390):
        page.page.set_viewport_size({"width": width, "height": 800})
        assert violations(page.page) == []
