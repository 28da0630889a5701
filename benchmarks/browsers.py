"""Chromium without a window, once for each person, on the page of ``apps/painting.py``."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from typing import Self

from playwright.sync_api import Page, sync_playwright

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
READY = "window.rt?.connection.state === 'connected' && rt.channel('guild-1')?.subscribed"


class Browsers:
    """``with Browsers(url) as browsers: browsers.open("reader")``."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> Self:
        executable = shutil.which("chromium")
        if executable is None:
            raise RuntimeError("no chromium on PATH; on Debian: apt-get install chromium")
        self._executable = executable
        with ExitStack() as stack:
            self._chromium = stack.enter_context(sync_playwright()).chromium
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def open(self, user_id: str) -> Page:
        """Start a browser, sign in, and wait until its page is live."""
        browser = self._chromium.launch(executable_path=self._executable, args=ARGUMENTS)
        self._stack.callback(browser.close)
        context = browser.new_context()
        context.request.get(f"{self._url}/login/{user_id}")
        return self.open_tab(context.new_page())

    def open_tab(self, page: Page) -> Page:
        """Load the page into an empty tab."""
        page.goto(f"{self._url}/page")
        page.wait_for_function(READY)
        return page
