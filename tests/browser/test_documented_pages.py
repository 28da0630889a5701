"""The apps of README and quickstart, as a reader copies them, in a real Chromium."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.docs.pages import README, page
from tests.docs.serving import serve

Open = Callable[[str], Page]


@pytest.fixture
def open_app(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Open]]:
    """Serves a page's files: `sign_in = open_app(README)`, then `sign_in("Ann")`."""
    problems: list[str] = []

    def start(documented: object) -> Open:
        server = stack.enter_context(serve(documented, tmp_path))

        def sign_in(name: str) -> Page:
            shown = stack.enter_context(browser.new_context()).new_page()
            shown.on("pageerror", lambda error: problems.append(str(error)))
            shown.goto(server.url)
            shown.locator("input[name=name]").fill(name)
            shown.locator("input[name=name]").press("Enter")
            return shown

        return sign_in

    with ExitStack() as stack:
        yield start
    assert problems == []


def test_the_app_of_the_readme_tells_everybody_what_one_says(open_app: Callable[..., Open]) -> None:
    sign_in = open_app(README)
    ann, bob = sign_in("Ann"), sign_in("Bob")
    for shown in (ann, bob):
        shown.wait_for_function("NexoraRT.default.channel('room-lobby')?.subscribed")
    ann.locator("input[name=text]").fill("Good morning")
    ann.get_by_role("button", name="Say").click()
    for shown in (ann, bob):
        expect(shown.locator("body")).to_contain_text("Ann: Good morning")


def test_the_chat_of_the_quickstart_keeps_and_shows_messages(open_app: Callable[..., Open]) -> None:
    sign_in = open_app(page("docs/quickstart.md"))
    ann, bob = sign_in("Ann"), sign_in("Bob")
    ann.locator("input[name=text]").fill("Hello")
    ann.get_by_role("button", name="Send").click()
    for shown in (ann, bob):
        expect(shown.locator("#messages li.sent")).to_have_text(["Ann: Hello"])
    bob.reload()
    expect(bob.locator("#messages li.sent")).to_have_text(["Ann: Hello"])
    bob.locator("input[name=text]").fill("Good morning")
    bob.get_by_role("button", name="Send").click()
    expect(ann.locator("#messages li.sent")).to_have_text(["Ann: Hello", "Bob: Good morning"])


def test_the_chat_of_the_quickstart_sends_nothing_that_is_empty(
    open_app: Callable[..., Open],
) -> None:
    ann = open_app(page("docs/quickstart.md"))("Ann")
    text = ann.locator("input[name=text]")
    text.press("Enter")
    for written in ("  ", "Hello"):
        text.fill(written)
        text.press("Enter")
    expect(ann.locator("#messages li")).to_have_text(["Ann: Hello"])
    expect(ann.locator("#messages li")).to_have_class("sent")
