"""Fixtures that every suite uses: real servers on free ports, one set per test process."""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Protocol

import pytest

from tests.support.postgres_server import PostgresDatabases, PostgresServer
from tests.support.proxy import TcpProxy
from tests.support.redis_server import RedisServer
from tests.support.servers import AppServer, FlaskRunServer, GunicornServer
from tests.support.sse import SseClient, StreamSwarm

LIVE_SERVERS = pytest.StashKey[list[AppServer]]()


class HasUrl(Protocol):
    """A server that somebody may connect to."""

    @property
    def url(self) -> str: ...


class GivenRedis:
    """The server that REDIS_URL names: it is not ours to restart."""

    def __init__(self, url: str) -> None:
        self.url = url


@pytest.fixture(scope="session")
def redis_server() -> Iterator[HasUrl]:
    """A Redis-protocol server for the session: REDIS_URL, else our own.

    Never restart or flush it: for that there is `make_redis`.
    """
    if given := os.environ.get("REDIS_URL"):
        yield GivenRedis(given)
        return
    with ExitStack() as servers:
        yield _start(servers, RedisServer)


@pytest.fixture(scope="session")
def redis_url(redis_server: HasUrl) -> str:
    """The URL of the session's Redis server; a test on it uses an app id of its own (`app_id`)."""
    return redis_server.url


@pytest.fixture
def make_redis() -> Iterator[Callable[..., RedisServer]]:
    """Starts a private Redis server for one test: `make_redis(appendonly=True)`.

    It may be stopped, killed, flushed, replicated and promoted.
    """
    with ExitStack() as servers:
        yield lambda **options: _start(servers, RedisServer, **options)


@pytest.fixture
def make_proxy() -> Iterator[Callable[[str], TcpProxy]]:
    """Puts a TCP proxy in front of a URL: `make_proxy(redis.url)`."""
    with ExitStack() as proxies:
        yield lambda target: proxies.enter_context(TcpProxy(target))


@pytest.fixture
def app_id() -> str:
    """A new app id, so that tests on one Redis server do not see each other."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresDatabases]:
    """A PostgreSQL server for the session: DATABASE_URL, else our own."""
    if given := os.environ.get("DATABASE_URL"):
        yield PostgresDatabases(given)
        return
    with ExitStack() as servers:
        yield _start(servers, PostgresServer)


@pytest.fixture
def postgres_url(postgres_server: PostgresDatabases) -> Iterator[str]:
    """The SQLAlchemy URL of a new, empty PostgreSQL database that is dropped after the test."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
def gunicorn(request: pytest.FixtureRequest) -> Iterator[Callable[..., GunicornServer]]:
    """Starts gunicorn: `gunicorn("package.module:app", workers=2, env={...})`.

    See GunicornServer for the options.
    """
    yield from _app_servers(request, GunicornServer)


@pytest.fixture
def flask_run(request: pytest.FixtureRequest) -> Iterator[Callable[..., FlaskRunServer]]:
    """Starts `flask run`: `flask_run("package.module:app", env={...})`.

    See FlaskRunServer for the options.
    """
    yield from _app_servers(request, FlaskRunServer)


@pytest.fixture
def sse() -> Iterator[Callable[..., SseClient]]:
    """Opens an event stream and closes it after the test: `sse(url, cookies={...})`."""
    with ExitStack() as clients:
        yield lambda url, **options: clients.enter_context(SseClient(url, **options))


@pytest.fixture
def make_swarm() -> Iterator[Callable[..., StreamSwarm]]:
    """Starts a swarm of streams: `make_swarm(on_event=..., pick_url=...)`. See StreamSwarm."""
    with ExitStack() as swarms:
        yield lambda **options: swarms.enter_context(StreamSwarm(**options))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mixes the suites for processes side by side: some compute while others wait."""
    if not hasattr(config, "workerinput"):
        return
    scopes: dict[str, dict[str, None]] = {}
    for item in items:
        scopes.setdefault(_suite(item), {}).setdefault(_scope(item))
    place = {
        scope: number / len(suite)
        for suite in scopes.values()
        for number, scope in enumerate(suite)
    }
    items.sort(key=lambda item: (place[_scope(item)], _scope(item)))


def _suite(item: pytest.Item) -> str:
    return item.nodeid.split("/")[1]


def _scope(item: pytest.Item) -> str:
    """What pytest-xdist gives to one process as a whole: a class, or a file without."""
    return item.nodeid.rpartition("::")[0]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Shows the logs of the test's servers when the test has failed."""
    report = yield
    if report.failed:
        for server in item.stash.get(LIVE_SERVERS, []):
            report.sections.append((f"log of {server!r}", server.log()[-8000:]))
    return report


def _app_servers(request: pytest.FixtureRequest, kind: type[Any]) -> Iterator[Callable[..., Any]]:
    shown = request.node.stash.setdefault(LIVE_SERVERS, [])

    def make(app: str, **options: Any) -> Any:
        server = kind(app, **options)
        shown.append(server)
        servers.callback(server.close)
        return server.start()

    with ExitStack() as servers:
        yield make


def _start(servers: ExitStack, kind: type[Any], **options: Any) -> Any:
    """Starts it. A missing one fails the test, in CI and elsewhere: a skip would hide it."""
    server = kind(**options)
    servers.callback(server.close)
    try:
        return server.start()
    except FileNotFoundError as error:
        pytest.fail(str(error), pytrace=False)
