"""A gunicorn to connect to as a signed-in user: connect, wait for the answer, close, again."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie

from . import ours
from .bench import Bench
from .gunicorn_server import GunicornServer
from .load import LoadFailed, Stats, connect_loop

AGENT = "sseload"  # Flask-Login ties a session to its user agent


class Target:
    """One path on one gunicorn, with a session cookie; an answer ends at ``until``."""

    def __init__(self, bench: Bench, gunicorn: GunicornServer, path: str, until: str) -> None:
        self._bench, self._port, self._path, self._until = bench, gunicorn.port, path, until
        self._headers = {"User-Agent": AGENT, "Cookie": sign_in(gunicorn.port)}

    def loop(self, concurrency: int, seconds: float) -> Stats:
        """Raises if anything but whole answers came."""
        options: dict[str, str | float] = {
            "conns": concurrency,
            "seconds": seconds,
            "until": self._until,
        }
        log = self._bench.load_log
        stats = connect_loop(self._port, self._path, self._headers, log, **options)
        if stats["failures"] or not stats["finished"]:
            raise LoadFailed(f"{self._path}: {stats}")
        return stats


def sign_in(port: int) -> str:
    """Return a session cookie, as a header's value."""
    url = f"http://127.0.0.1:{port}/login"
    request = urllib.request.Request(url, headers={"User-Agent": AGENT})
    with urllib.request.urlopen(request, timeout=10) as reply:
        cookie = SimpleCookie(reply.headers["Set-Cookie"])
    return f"session={cookie['session'].value}"


@contextmanager
def our_stream(bench: Bench) -> Iterator[Target]:
    """Our extension, one authorised channel, until the first block is whole."""
    path = "/api/realtime/stream?channels=bench-1"
    with stopping(ours.serve(bench.folder, bench.redis.url)) as gunicorn:
        yield Target(bench, gunicorn, path, "pusher:connection_established")


@contextmanager
def bare_view(bench: Bench) -> Iterator[Target]:
    """The bare Flask view, until the body is whole."""
    with stopping(GunicornServer("benchmarks.apps.bare:create_app()", bench.folder)) as gunicorn:
        yield Target(bench, gunicorn, "/bare", "")


@contextmanager
def stopping(gunicorn: GunicornServer) -> Iterator[GunicornServer]:
    """End the server with the block."""
    try:
        yield gunicorn
    finally:
        gunicorn.stop()
