"""The demo's pages as a person uses them."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, expect

from tests.support.proxy import TcpProxy


class DemoPage:
    """One signed-in person in a browser of their own.

    The page reaches the server through `proxy`. `problems` holds what the console showed as
    errors, and uncaught exceptions.
    """

    def __init__(self, context: BrowserContext, proxy: TcpProxy) -> None:
        self.context = context
        self.proxy = proxy
        self.url = proxy.url
        self.page: Page = context.new_page()
        self.posted = 0
        self.problems: list[str] = []
        # The console is told late of what failed while there was no network.
        self.has_been_offline = False
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))

    # -- going somewhere ----------------------------------------------------------------------

    def sign_in(self, name: str) -> None:
        """Clicks on a name on the sign-in page."""
        self.page.goto(f"{self.url}/login")
        self.page.get_by_role("button", name=name).click()
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(name)

    def enter(self, name: str, overview: str = "/guilds") -> None:
        """Opens a conversation from its list and waits until it is live."""
        self.page.goto(self.url + overview)
        self.page.get_by_role("main").get_by_role("link", name=name).click()
        self.expect_state("Live")
        expect(self.page.locator("#loading")).to_be_hidden()

    # -- the extension's elements ---------------------------------------------------------------

    @property
    def connection(self) -> Locator:
        """What a conversation's page says about the connection."""
        return self.page.locator("nexora-connection").get_by_role("status")

    @property
    def typing(self) -> Locator:
        """Who types in the conversation."""
        return self.page.locator("nexora-typing").get_by_role("status")

    @property
    def toasts(self) -> Locator:
        """The toasts that are shown."""
        return self.page.get_by_role("region", name="New notifications").get_by_role("listitem")

    # -- messages -----------------------------------------------------------------------------

    @property
    def box(self) -> Locator:
        """Where messages are written."""
        return self.page.get_by_role("textbox", name="Message", exact=True)

    @property
    def editor(self) -> Locator:
        """Where a message is edited."""
        return self.page.get_by_role("textbox", name="Edit message")

    def say(self, text: str) -> None:
        """Writes a message, sends it, and waits until the page shows it."""
        self.box.fill(text)
        self.box.press("Enter")
        self.expect_message(text)

    def message(self, text: str) -> Locator:
        """The row of the message that contains the text."""
        return self.page.locator(".message", has_text=text)

    def choose(self, text: str, action: str) -> None:
        """Opens the menu of a message and clicks on an action."""
        self.message(text).hover()
        self.message(text).get_by_role("button", name="What to do").click()
        self.page.locator("#menu").get_by_role("button", name=action).click()

    def edit(self, text: str, new: str) -> None:
        """Gives a message other text."""
        self.choose(text, "Edit")
        self.editor.fill(new)
        self.editor.press("Enter")

    def delete(self, text: str) -> None:
        """Deletes a message, and confirms it."""
        self.choose(text, "Delete")
        self.page.get_by_role("dialog").get_by_role("button", name="Delete").click()

    def texts(self) -> list[str]:
        """What the page shows, in its order."""
        return self.page.locator(".message-text").all_text_contents()

    def rows(self) -> list[tuple[str, str]]:
        """The messages in the page's order: text, and what stands below it."""
        feet = self.page.locator(".message-foot").all_text_contents()
        return list(zip(self.texts(), feet, strict=True))

    def post(self, conversation: str, content: str) -> dict[str, Any]:
        """Sends a message as this person without the page."""
        self.posted += 1
        data = {
            "conversationId": conversation,
            "content": content,
            "clientId": f"test-{self.posted}",
        }
        answer = self.context.request.post(f"{self.url}/api/messages", data=data)
        assert answer.status == 201, answer.text()
        message: dict[str, Any] = answer.json()["message"]
        return message

    # -- what is seen -------------------------------------------------------------------------

    def expect_message(self, text: str, timeout: float = 10) -> None:
        """Waits until the page shows the message; `timeout` in seconds."""
        message = self.page.locator(".message-text", has_text=text)
        expect(message).to_have_count(1, timeout=timeout * 1000)

    def expect_foot(self, text: str, foot: str) -> None:
        """Waits until this stands below the message: whether it was edited, and reactions."""
        expect(self.message(text).locator(".message-foot")).to_have_text(foot)

    def expect_state(self, text: Any, timeout: float = 10) -> None:
        """Waits until the connection state says so; `timeout` in seconds."""
        expect(self.connection).to_have_text(text, timeout=timeout * 1000)

    # -- the network --------------------------------------------------------------------------

    def go_offline(self) -> None:
        """Takes the network away.

        Chromium's own switch fails new requests and tells the page, but an event stream that is
        open goes on: only the proxy cuts it.
        """
        self.has_been_offline = True
        self.context.set_offline(True)
        self.proxy.refuse()
        self.expect_state("Offline")

    def go_online(self) -> None:
        """Gives the network back; what Chromium wrote about failed requests is no problem."""
        self.forgive("net::ERR_")
        self.proxy.accept()
        self.context.set_offline(False)

    def forgive(self, text: str) -> None:
        """Forgets the problems that contain `text`, because the test has caused them."""
        self.problems = [one for one in self.problems if text not in one]

    def _note(self, message: ConsoleMessage) -> None:
        late = self.has_been_offline and "ERR_INTERNET_DISCONNECTED" in message.text
        if message.type == "error" and not late:
            self.problems.append(f"{message.text} {message.location.get('url')}")


OpenPage = Callable[..., DemoPage]
StartDemo = Callable[..., Any]
