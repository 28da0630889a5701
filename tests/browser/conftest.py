"""A real Chromium in front of the demo under a real gunicorn."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.demo_page import DemoPage, OpenPage, StartDemo
from tests.support.servers import ROOT, environment

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MISSING = "These tests need Chromium on PATH; on Debian: apt-get install chromium fonts-liberation"
NAMES = {"alice": "Alice", "bob": "Bob", "carol": "Carol"}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    executable = shutil.which("chromium")
    if executable is None:
        pytest.fail(MISSING, pytrace=False)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An instance folder as `flask demo seed` leaves it."""
    folder = tmp_path_factory.mktemp("instance")
    seed = [sys.executable, "-m", "flask", "--app", "example_app", "demo", "seed"]
    env = environment({"DEMO_INSTANCE_PATH": str(folder)})
    subprocess.run(seed, check=True, cwd=ROOT, env=env, capture_output=True)
    return folder


@pytest.fixture
def start_demo(gunicorn: Any, seeded: Path, tmp_path: Path, app_id: str) -> StartDemo:
    """Serves a demo with data of its own: `start_demo(url, workers=2, env={...})`."""

    def start(url: str = "memory://", workers: int = 1, env: dict[str, str] | None = None) -> Any:
        settings = {
            "DEMO_INSTANCE_PATH": str(shutil.copytree(seeded, tmp_path / "instance")),
            "FLASK_NEXORA_RT_URL": url,
            "FLASK_NEXORA_RT_APP_ID": app_id,
            "TMPDIR": str(tmp_path),  # memory:// leaves a lock file for each app id
            **(env or {}),
        }
        return gunicorn("example_app.wsgi:app", workers=workers, env=settings)

    return start


@pytest.fixture(params=["memory, 1 worker", "redis, 2 workers"])
def demo(request: pytest.FixtureRequest, start_demo: StartDemo) -> Any:
    """The demo as `make demo` runs it, and as it runs on Redis."""
    if request.param.startswith("memory"):
        return start_demo()
    return start_demo(request.getfixturevalue("redis_url"), workers=2)


@pytest.fixture
def open_page(browser: Browser, make_proxy: Any) -> Iterator[OpenPage]:
    """Signs a person in, in a browser context of their own: `open_page(server, "alice")`.

    After the test nothing unexpected may stand in the console.
    """
    pages: list[DemoPage] = []

    def open_as(server: Any, login: str, **options: Any) -> DemoPage:
        context = contexts.enter_context(browser.new_context(**options))
        pages.append(DemoPage(context, make_proxy(server.url)))
        pages[-1].sign_in(NAMES[login])
        return pages[-1]

    with ExitStack() as contexts:
        yield open_as
        problems = [problem for page in pages for problem in page.problems]
    assert problems == []
