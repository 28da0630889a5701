"""Every JavaScript, JSX and HTML block of the documentation runs in Chromium, on a real server."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
import requests
from playwright.sync_api import Browser, Page

from tests.browser.documented import BLOCKS, calls
from tests.browser.documented_mistakes import ENDLESS, MISTAKES
from tests.docs.pages import Block
from tests.support.ports import HOST, free_port
from tests.support.servers import GunicornServer

PATIENCE = 20.0
# How long a mistake is waited for that consists in nothing happening.
IMPATIENCE = 1.0
IMPORTS = """() => Promise.all([...document.querySelectorAll("script[type=importmap]")]
  .flatMap((known) => Object.keys(JSON.parse(known.textContent).imports))
  .map((name) => import(name)))"""
CALLED = "(names) => names.every((name) => documented.called.includes(name))"
Run = Callable[..., list[str]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GunicornServer]:
    """`documented_host.py`, at two origins: its own, and the one that some pages ask."""
    folder = tmp_path_factory.mktemp("documented")
    port, other = free_port(), f"{HOST}:{free_port()}"
    settings = {
        "DOCUMENTED_API": f"http://{other}",
        "FLASK_NEXORA_RT_ALLOWED_ORIGINS": f"http://{HOST}:{port}",
        "FLASK_SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder / 'host.sqlite3'}",
        "TMPDIR": str(folder),
    }
    app = "tests.browser.documented_host:app"
    more = {"extra_args": ["--bind", other], "env": settings, "ready_path": "/ready"}
    with GunicornServer(app, port=port, **more) as started:
        yield started


@pytest.fixture
def run(browser: Browser, server: GunicornServer) -> Run:
    """Runs a block in a browser of its own; what is wrong with it, if anything is."""

    def run_block(block: Block, **patience: float) -> list[str]:
        with closing(browser.new_context(permissions=["notifications"])) as context:
            return Shown(context.new_page(), server, block).run(**patience)

    return run_block


class Shown:
    """A block on its page."""

    def __init__(self, page: Page, server: GunicornServer, block: Block) -> None:
        self.page, self.server, self.block = page, server, block
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(f"uncaught: {error}"))
        page.on("console", self._read)
        page.on("requestfailed", lambda request: self.problems.append(f"failed: {request.url}"))
        page.on("response", self._look)

    def _read(self, message: object) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console: {message.text}")

    def _look(self, response: object) -> None:
        if response.status >= 400:
            self.problems.append(f"{response.status}: {response.url}")

    def run(self, ends_in: float = PATIENCE, hears_in: float = PATIENCE) -> list[str]:
        """Runs it to its end, tells it what it waits for, and presses its buttons."""
        self.page.goto(f"{self.server.url}/blocks/{self.block}")
        if self._ends(time.monotonic() + ends_in):
            self._import_all()
            self._tell(time.monotonic() + hears_in)
            self._press_buttons()
        return list(self.problems)

    def _ends(self, deadline: float) -> bool:
        """Waits until it is over, or there are problems."""
        while not self.problems:
            if self.page.evaluate("isOver()"):
                return True
            if time.monotonic() > deadline:
                self.problems.append(ENDLESS)
            self.page.wait_for_timeout(20)
        return False

    def _import_all(self) -> None:
        """What HTML maps is there to be imported."""
        if self.block.language == "html":
            self.page.evaluate(IMPORTS)

    def _tell(self, deadline: float) -> None:
        """A stream that is open may not be known as a holder yet: so it is told again."""
        expected = calls(self.block)
        while expected and not self.page.evaluate(CALLED, expected):
            requests.post(f"{self.server.url}/tell/{self.block}", timeout=10).raise_for_status()
            if time.monotonic() > deadline:
                self.problems.append(f"it does not call all of {expected}")
                break
            self.page.wait_for_timeout(50)

    def _press_buttons(self) -> None:
        """The page's own; what they cause has been answered when a later question is."""
        for button in self.page.locator("body > p > button").all():
            button.click()
        self.page.evaluate("fetch('/ready').then((answer) => answer.text())")


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_runs_to_its_end_and_hears_what_it_waits_for(run: Run, name: str) -> None:
    assert run(BLOCKS[name]) == []


@pytest.mark.parametrize("block, said", MISTAKES, ids=str)
def test_a_mistake_is_noticed(run: Run, block: Block, said: str) -> None:
    ends_in = IMPATIENCE if said == ENDLESS else PATIENCE
    assert said in "\n".join(run(block, ends_in=ends_in, hears_in=IMPATIENCE))
