"""Pages of `widgets_host.py`.

Their Content-Security-Policy forbids `eval`, and so what Playwright waits with: they are asked
again and again.
"""

import time
from typing import Any

import requests
from playwright.sync_api import Browser, BrowserContext, Page

from tests.support.servers import GunicornServer

PATIENCE = 15.0


class WidgetPage:
    """One person's page; `problems` holds what the console and uncaught exceptions say."""

    def __init__(self, context: BrowserContext, server: GunicornServer, path: str) -> None:
        self.context, self.server = context, server
        self.page: Page = context.new_page()
        self.problems: list[str] = []
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", self._note)
        self.page.goto(f"{server.url}{path}")

    def _note(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"{message.text} {message.location.get('url', '')}".rstrip())

    def forgive(self, text: str) -> None:
        """Forgets the problems that contain `text`, because the test has caused them."""
        self.problems = [one for one in self.problems if text not in one]

    def wait(self, expression: str) -> Any:
        """Waits until the expression is true; returns its value."""
        deadline = time.monotonic() + PATIENCE
        while True:
            value = self.page.evaluate(expression)
            if value:
                return value
            assert time.monotonic() < deadline, f"never true: {expression}"
            time.sleep(0.03)

    def wait_connected(self) -> None:
        self.wait("window.NexoraRT?.default.connection.state === 'connected'")

    def wait_text(self, selector: str, text: str) -> None:
        """Waits until the text of the first node that matches is exactly this."""
        deadline = time.monotonic() + PATIENCE
        while (found := self.text(selector)) != text:
            assert time.monotonic() < deadline, f"{selector} is {found!r}, not {text!r}"
            time.sleep(0.03)

    def text(self, selector: str) -> str | None:
        found: str | None = self.page.evaluate(
            "(selector) => document.querySelector(selector)?.innerText ?? null", selector
        )
        return found

    def draw(self, *components: Any) -> None:
        """Draws components of `seeds.js` instead of what is there."""
        self.wait("window.isReady")
        self.page.evaluate("(wanted) => draw(wanted)", list(components))


class Visitor:
    """Opens pages in browsers of their own: `visit("ann", "/react")`."""

    def __init__(self, browser: Browser, server: GunicornServer) -> None:
        self.browser, self.server = browser, server
        self.pages: list[WidgetPage] = []

    def __call__(self, user_id: str, path: str, **options: Any) -> WidgetPage:
        context = self.browser.new_context(**options)
        context.request.post(f"{self.server.url}/login/{user_id}")
        self.pages.append(WidgetPage(context, self.server, path))
        return self.pages[-1]

    def close(self) -> list[str]:
        """Closes all; returns their problems."""
        for page in self.pages:
            page.context.close()
        return [problem for page in self.pages for problem in page.problems]


def tell(server: GunicornServer, path: str, body: Any) -> Any:
    """Asks the host to do something, as no browser would."""
    answer = requests.post(f"{server.url}{path}", json=body, timeout=10)
    assert answer.ok, answer.text
    return answer.json()


def trigger(server: GunicornServer, channel: str, name: str, data: Any) -> None:
    tell(server, "/trigger", {"channels": channel, "name": name, "data": data})


def notify(server: GunicornServer, user_id: str, *titles: str, kind: str = "plain") -> list[str]:
    """Sends a notification for each title; returns their ids."""
    notices = [{"type": kind, "data": {"title": t, "message": f"about {t}"}} for t in titles]
    return tell(server, f"/notify/{user_id}", notices)
