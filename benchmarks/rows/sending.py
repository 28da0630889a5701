"""Row 7: sending a message over HTTP, against a bare INSERT and commit on the same database."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from threading import Thread

from tests.support.postgres_server import PostgresServer

from ..bench import OURS, Bench, progress
from ..comparison import Budget, Comparison, Series
from ..connecting_target import sign_in, stopping
from ..gunicorn_server import GunicornServer
from ..posting import Poster, post_for
from .attempts import why

BARE = "bare INSERT + commit"
CONNECTIONS = 8
WORK = f"POST a message, {CONNECTIONS} connections, {{}}"
BUDGET = Budget(0.6, at_least=True)


def run(bench: Bench) -> list[Comparison]:
    """Both databases; interleaved repeats."""
    return [_compare(bench, name) for name in ("PostgreSQL", "SQLite")]


def _compare(bench: Bench, database: str) -> Comparison:
    work = WORK.format(database)
    try:
        with _serving(bench, database) as targets:
            rates = _measure(bench, targets, database)
    except Exception as error:  # noqa: BLE001 - a row that could not run says why
        progress(why(error))
        return Comparison("7", work, "per second", BUDGET, None, BARE, None, why(error))
    return Comparison("7", work, "per second", BUDGET, rates[OURS], BARE, rates[BARE])


@contextmanager
def _serving(bench: Bench, database: str) -> Iterator[dict[str, list[Poster]]]:
    with ExitStack() as stack:
        if database == "SQLite":
            urls = {name: f"sqlite:///{bench.folder}/{name[:4]}.db" for name in (OURS, BARE)}
        else:
            server = stack.enter_context(PostgresServer())
            urls = {name: server.create_database() for name in (OURS, BARE)}
        yield {
            OURS: _posters(stack, bench, urls[OURS], "create_ours", "/api/messages"),
            BARE: _posters(stack, bench, urls[BARE], "create_bare", "/insert"),
        }


def _posters(stack: ExitStack, bench: Bench, url: str, app: str, path: str) -> list[Poster]:
    """Connections of one signed-in user; each writes to a conversation of its own."""
    config = "python:flask_nexora_rt.gunicorn" if app == "create_ours" else ""
    target = f"benchmarks.apps.inserting:{app}()"
    environment = {"BENCH_DATABASE": url, "BENCH_REDIS_URL": bench.redis.url}
    gunicorn = stack.enter_context(
        stopping(GunicornServer(target, bench.folder, environment, config))
    )
    headers = {"Cookie": sign_in(gunicorn.port), "User-Agent": "sseload"}
    if app == "create_ours":
        _listen(stack, gunicorn.port, headers["Cookie"])
    return [
        Poster(gunicorn.port, path, headers, lambda n, c=connection: _body(c, n))  # type: ignore[misc]
        for connection in range(CONNECTIONS)
    ]


def _listen(stack: ExitStack, port: int, cookie: str) -> None:
    """Hold one stream of one of the conversations, as in use; what it is sent is thrown away."""
    stream = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
    request = "GET /api/realtime/stream?channels=guild-0 HTTP/1.1\r\nHost: x\r\n"
    stream.sendall(f"{request}User-Agent: sseload\r\nCookie: {cookie}\r\n\r\n".encode())

    def read() -> None:
        with suppress(OSError):  # closed at the end of the row
            while stream.recv(1 << 16):
                pass

    Thread(target=read, daemon=True).start()


def _body(connection: int, number: int) -> dict[str, str]:
    text = f"Message {number}: the soundings of the northern approach, as promised."
    return {
        "conversationId": f"guild-{connection}",
        "content": text,
        "clientId": f"{connection}-{number}",
    }


def _measure(bench: Bench, targets: dict[str, list[Poster]], database: str) -> dict[str, Series]:
    found: dict[str, list[float]] = {name: [] for name in targets}
    for posters in targets.values():
        post_for(posters, 1)  # warm
    for turn in range(bench.rounds(5)):
        for name, posters in list(targets.items())[:: -1 if turn % 2 else 1]:
            progress(f"{name}: sending on {database}")
            found[name].append(post_for(posters, 3))
    return {name: Series.of(rates) for name, rates in found.items()}
