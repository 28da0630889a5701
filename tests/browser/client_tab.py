"""Tabs with the browser client on an empty page, driven from outside."""

from typing import Any, Self

from playwright.sync_api import BrowserContext, Page

LISTEN = """(options) => {
  window.seen = [];
  window.rt = new NexoraRT(options);
  // An error would arrive here as an exception.
  const plain = (data) => (data instanceof Error ? {...data, message: data.message} : data);
  rt.bind_global((event, data) => seen.push([event, plain(data)]));
  for (const event of ["state_change", "error", "user_change"]) {
    rt.connection.bind(event, (data) => seen.push([event, plain(data)]));
  }
}"""
SUBSCRIBE = """(names) => { for (const name of names) rt.subscribe(name); }"""
LIVE = """(names) => names.every((name) => rt.channel(name)?.subscribed)"""
SEEN = """(event) => seen.filter(([name]) => name === event).map(([, data]) => data)"""
CALL = """async (expression) => {
  try {
    return {value: await eval(expression)};
  } catch (error) {
    return {error: {...error, message: error.message}};
  }
}"""

HANG = """([milliseconds, announced]) => {
  if (announced) document.dispatchEvent(new Event("freeze"));
  setTimeout(() => {
    const end = Date.now() + milliseconds;
    while (Date.now() < end);
    if (announced) document.dispatchEvent(new Event("resume"));
  });
}"""


class Tab:
    """One tab; `problems` holds uncaught exceptions of the page."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.goto(f"{url}/page")

    def start(self, *channels: str, **options: Any) -> Self:
        """Makes a client and waits until it holds the channels."""
        self.listen(**options)
        self.subscribe(*channels)
        self.wait_state("connected")
        return self

    def listen(self, **options: Any) -> None:
        """Makes a client that notes everything it is told."""
        self.page.evaluate(LISTEN, options)

    def subscribe(self, *channels: str) -> None:
        self.page.evaluate(SUBSCRIBE, list(channels))
        self.wait_live(*channels)

    def wait_live(self, *channels: str) -> None:
        self.page.wait_for_function(LIVE, arg=list(channels))

    def wait_state(self, state: str, timeout: float = 30) -> None:
        condition = f"rt.connection.state === {state!r}"
        self.page.wait_for_function(condition, timeout=timeout * 1000)

    def wait_seen(self, event: str, count: int = 1, timeout: float = 30) -> list[Any]:
        """Waits until that many of these events have come; returns their data."""
        condition = f"() => seen.filter(([name]) => name === {event!r}).length >= {count}"
        self.page.wait_for_function(condition, timeout=timeout * 1000)
        return self.seen(event)

    def seen(self, event: str) -> list[Any]:
        found: list[Any] = self.page.evaluate(SEEN, event)
        return found

    def call(self, expression: str) -> Any:
        """What the expression's promise resolves with; AssertionError when it is rejected."""
        answer = self.page.evaluate(CALL, expression)
        assert "error" not in answer, answer["error"]
        return answer.get("value")

    def error(self, expression: str) -> Any:
        """What the expression's promise is rejected with."""
        return self.page.evaluate(CALL, expression)["error"]

    @property
    def leads(self) -> bool:
        leads: bool = self.page.evaluate("rt.isLeader")
        return leads

    def hang(self, seconds: float) -> None:
        """Lets the page do nothing at all for a while, and returns at once."""
        self.page.evaluate(HANG, [seconds * 1000, False])

    def freeze(self, seconds: float) -> None:
        """As `hang`, and the page is told before and after, as browsers do (Page Lifecycle).

        Headless Chromium takes no page for hidden, and so freezes none by itself.
        """
        self.page.evaluate(HANG, [seconds * 1000, True])

    def close(self) -> None:
        self.page.close()


class Visitor:
    """A browser of its own, with its tabs."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context = context
        self.url = url
        self.tabs: list[Tab] = []

    def sign_in(self, user_id: str) -> Self:
        self._post(f"/login/{user_id}")
        return self

    def sign_out(self) -> None:
        self._post("/logout")

    def _post(self, path: str) -> None:
        # In a page: Playwright's own requests do not know the hosts of the browser.
        page = self.context.new_page()
        page.goto(f"{self.url}/count")
        assert page.evaluate(f"fetch('{path}', {{method: 'POST'}}).then((a) => a.ok)")
        page.close()

    def open(self, *channels: str, **options: Any) -> Tab:
        """Opens one more tab that holds these channels."""
        tab = self.page()
        return tab.start(*channels, **options)

    def page(self) -> Tab:
        """Opens one more tab that has no client yet."""
        self.tabs.append(Tab(self.context.new_page(), self.url))
        return self.tabs[-1]

    def leader(self) -> Tab:
        return next(tab for tab in self.tabs if not tab.page.is_closed() and tab.leads)

    def close_leader(self) -> list[Tab]:
        """Closes the leading tab; returns the others."""
        leader = self.leader()
        self.tabs.remove(leader)
        leader.close()
        return self.tabs

    def wait_one_leads(self, timeout: float = 30) -> Tab:
        """Waits until one of the open tabs leads and is connected."""
        for tab in self.tabs:
            tab.wait_state("connected", timeout)
        return self.leader()
