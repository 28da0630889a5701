"""A real Chromium in front of the demo under a real gunicorn."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser import widgets as widget_pages
from tests.browser.client_tab import Visitor
from tests.browser.demo_page import DemoPage, OpenPage, StartDemo
from tests.browser.hall import Hall
from tests.conftest import LIVE_SERVERS
from tests.support.servers import ROOT, GunicornServer, environment

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # An origin that is not localhost, and so no secure context.
    "--host-resolver-rules=MAP host.test 127.0.0.1",
]
# Milliseconds until what is awaited must be there: a machine that runs other tests besides is slow.
expect.set_options(timeout=20_000)
MISSING = "These tests need Chromium on PATH; on Debian: apt-get install chromium fonts-liberation"
NAMES = {
    "alice": "Alice",
    "bob": "Bob",
    "carol": "Carol",
    "dan": "Dan",
    "erin": "Erin",
    "frank": "Frank",
    "grace": "Grace",
}


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
    seed_demo({"DEMO_INSTANCE_PATH": str(folder), "TMPDIR": str(folder)})
    return folder


def seed_demo(env: dict[str, str], *options: str) -> None:
    """Runs `flask demo seed`."""
    seed = [sys.executable, "-m", "flask", "--app", "example_app", "demo", "seed", *options]
    subprocess.run(seed, check=True, cwd=ROOT, env=environment(env), capture_output=True)


def demo_settings(seeded: Path, folder: Path) -> dict[str, str]:
    """What a demo is started with that has a copy of the seeded data for itself."""
    return {
        "DEMO_INSTANCE_PATH": str(shutil.copytree(seeded, folder / "instance")),
        "FLASK_NEXORA_RT_MESSAGE_RATE": "1000",  # tests write faster than people
        "TMPDIR": str(folder),  # memory:// leaves a lock file for each app id
    }


@pytest.fixture
def start_demo(gunicorn: Any, seeded: Path, tmp_path: Path, app_id: str) -> StartDemo:
    """Serves a demo with data of its own: `start_demo(url, workers=2, env={...})`."""

    def start(url: str = "memory://", workers: int = 1, env: dict[str, str] | None = None) -> Any:
        settings = {
            **demo_settings(seeded, tmp_path),
            "FLASK_NEXORA_RT_URL": url,
            "FLASK_NEXORA_RT_APP_ID": app_id,
            **(env or {}),
        }
        if "DEMO_DATABASE_URI" in settings:
            seed_demo(settings)
        return gunicorn("example_app.wsgi:app", workers=workers, env=settings)

    return start


@pytest.fixture(scope="module")
def open_hall(seeded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    """One server for a file's tests: each of them has its own bounties, disputes and so on."""
    with serve_hall(demo_settings(seeded, tmp_path_factory.mktemp("hall"))) as everybody:
        yield everybody


@contextmanager
def serve_hall(settings: dict[str, str]) -> Iterator[Hall]:
    """Everybody of the demo, on a server of their own."""
    with GunicornServer("example_app.wsgi:app", env=settings) as server, Hall(server) as everybody:
        yield everybody


@pytest.fixture
def hall(open_hall: Hall, request: pytest.FixtureRequest) -> Hall:
    """Everybody of the demo over HTTP; what earlier tests have caused counts as told."""
    request.node.stash.setdefault(LIVE_SERVERS, []).append(open_hall.server)
    open_hall.told()
    return open_hall


@pytest.fixture(params=["memory and SQLite, 1 worker", "Redis and PostgreSQL, 2 workers"])
def demo(request: pytest.FixtureRequest, start_demo: StartDemo) -> Any:
    """The demo as `make demo` runs it, and as it runs on Redis and PostgreSQL."""
    if request.param.startswith("memory"):
        return start_demo()
    database = {"DEMO_DATABASE_URI": request.getfixturevalue("postgres_url")}
    return start_demo(request.getfixturevalue("redis_url"), workers=2, env=database)


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


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """Opens a browser of its own on the host of `host.py`: `visit(server.url, "member-3")`.

    After the test no page may have had an uncaught exception.
    """
    visitors: list[Visitor] = []

    def open_as(url: str, user_id: str | None = None, **options: Any) -> Visitor:
        context = contexts.enter_context(browser.new_context(**options))
        visitors.append(Visitor(context, url))
        return visitors[-1] if user_id is None else visitors[-1].sign_in(user_id)

    with ExitStack() as contexts:
        yield open_as
        problems = [problem for one in visitors for tab in one.tabs for problem in tab.problems]
    assert problems == []


@pytest.fixture
def serve_host(gunicorn: Any, tmp_path: Path, app_id: str) -> Callable[..., Any]:
    """Serves `host.py`: `serve_host(redis_url, workers=2, env={...})`; None is `memory://`."""

    def serve(url: str | None = None, env: dict[str, str] | None = None, **options: Any) -> Any:
        settings = {
            "FLASK_NEXORA_RT_URL": url or "memory://",
            "FLASK_NEXORA_RT_APP_ID": app_id,
            "FLASK_NEXORA_RT_HEARTBEAT": "2",
            "E2E_DATABASE": f"sqlite:///{tmp_path / 'host.sqlite3'}",
            "TMPDIR": str(tmp_path),
            **(env or {}),
        }
        return gunicorn("tests.browser.host:app", ready_path="/count", env=settings, **options)

    return serve


@pytest.fixture(scope="module")
def shared_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GunicornServer]:
    """`host.py` on `memory://`, for the tests of one module that leave the server alone."""
    folder = tmp_path_factory.mktemp("host")
    settings = {
        "FLASK_NEXORA_RT_HEARTBEAT": "2",
        "E2E_DATABASE": f"sqlite:///{folder / 'host.sqlite3'}",
        "TMPDIR": str(folder),
    }
    with GunicornServer("tests.browser.host:app", ready_path="/count", env=settings) as server:
        yield server


@pytest.fixture(scope="module")
def widgets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GunicornServer]:
    """`widgets_host.py` on `memory://`, for the tests of one module; each has its own users."""
    folder = tmp_path_factory.mktemp("widgets")
    settings = {
        "FLASK_NEXORA_RT_HEARTBEAT": "2",
        "FLASK_SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder / 'host.sqlite3'}",
        "TMPDIR": str(folder),
    }
    app = "tests.browser.widgets_host:app"
    with GunicornServer(app, ready_path="/ready", env=settings) as server:
        yield server


@pytest.fixture
def visit_widgets(browser: Browser, widgets: GunicornServer) -> Iterator[widget_pages.Visitor]:
    """Opens pages of `widgets_host.py`; after the test nothing may stand in their consoles."""
    visitor = widget_pages.Visitor(browser, widgets)
    yield visitor
    assert visitor.close() == []


@pytest.fixture
def open_elements(visit_widgets: widget_pages.Visitor) -> Callable[..., widget_pages.WidgetPage]:
    """Opens the page with the elements, connected: `open_elements("ann", color_scheme="dark")`."""

    def make(user_id: str, **options: Any) -> widget_pages.WidgetPage:
        page = visit_widgets(user_id, "/elements", **{"reduced_motion": "reduce", **options})
        page.wait_connected()
        return page

    return make
