"""The demo's pages as a person uses them."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, expect

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
        self.problems: list[str] = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))

    def sign_in(self, name: str) -> None:
        """Clicks on a name on the sign-in page."""
        self.page.goto(f"{self.url}/login")
        self.page.get_by_role("button", name=name).click()
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(name)

    def enter(self, guild: str) -> None:
        """Opens a guild's chat from the list and waits until it is live."""
        self.page.goto(f"{self.url}/guilds")
        self.page.get_by_role("main").get_by_role("link", name=guild).click()
        self.expect_state("Live")
        expect(self.page.locator("#loading")).to_be_hidden()

    def say(self, text: str) -> None:
        """Writes a message, sends it, and waits until the page shows it."""
        self.page.get_by_role("textbox", name="Message").fill(text)
        self.page.get_by_role("textbox", name="Message").press("Enter")
        self.expect_message(text)

    def texts(self) -> list[str]:
        """What the page shows, in its order."""
        return self.page.locator(".message-text").all_text_contents()

    def expect_message(self, text: str, timeout: float = 10) -> None:
        """Waits until the page shows the message; `timeout` in seconds."""
        message = self.page.locator(".message-text", has_text=text)
        expect(message).to_have_count(1, timeout=timeout * 1000)

    def expect_state(self, text: str, timeout: float = 10) -> None:
        """Waits until the connection state says so; `timeout` in seconds."""
        expect(self.page.get_by_role("status")).to_have_text(text, timeout=timeout * 1000)

    def go_offline(self) -> None:
        """Takes the network away.

        Chromium's own switch fails new requests and tells the page, but an event stream that is
        open goes on: only the proxy cuts it.
        """
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
        if message.type == "error":
            self.problems.append(f"{message.text} {message.location.get('url')}")


OpenPage = Callable[..., DemoPage]
StartDemo = Callable[..., Any]
