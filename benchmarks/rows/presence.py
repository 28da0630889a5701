"""Row 6: a storm of joins on one presence channel, and subscribing on open streams."""

from __future__ import annotations

import json
import selectors
import socket
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from .. import ours, processes
from ..apps import ours as app_module
from ..bench import OURS, Bench, progress
from ..comparison import Budget, Comparison, Series
from ..gunicorn_server import GunicornServer
from .attempts import why

JOINS, QUICK_JOINS = 5000, 500
CHANNEL = "presence-storm"
SHOWN = b"pusher:subscription_succeeded"
TOLD = (b"pusher:member_", b"nexora:member_")
SUBSCRIBES = 500


class Member:
    """One stream of one user: counts what it is told, keeps nothing."""

    def __init__(self, port: int, cookie: str, channel: str) -> None:
        self.shown = 0
        self.told = 0
        self.head = b""
        self._tail = b""
        self.socket = socket.create_connection(("127.0.0.1", port))
        request = f"GET /api/realtime/stream?channels={channel} HTTP/1.1\r\nHost: x\r\n"
        self.socket.sendall(f"{request}Cookie: session={cookie}\r\n\r\n".encode())
        self.socket.setblocking(False)

    def read(self) -> None:
        """Count the events in what has come, also those cut by a read."""
        data = self._tail + self.socket.recv(1 << 18)
        if len(self.head) < 2000:
            self.head += data[len(self._tail) :]
        whole, _, self._tail = data.rpartition(b"\n\n")
        self.shown += whole.count(b"event: " + SHOWN)
        self.told += sum(whole.count(b"event: " + name) for name in TOLD)

    @property
    def socket_id(self) -> str:
        """What the first block says."""
        text = self.head.decode(errors="replace")
        return text.partition('"socket_id":"')[2].partition('"')[0]


def run(bench: Bench) -> list[Comparison]:
    """One storm, then subscribe requests; the budgets are absolute."""
    try:
        with _serving(bench) as server:
            return [*_storm(bench, server), *_subscribing(server)]
    except Exception as error:  # noqa: BLE001 - a row that could not run says why
        progress(why(error))
        budget = Budget(10, unit="ms")
        return [Comparison("6", "presence", "ms", budget, None, note=why(error))]


@contextmanager
def _serving(bench: Bench) -> Iterator[GunicornServer]:
    server = ours.serve(bench.folder, bench.redis.url)
    try:
        yield server
    finally:
        server.stop()


def _cookies(count: int) -> list[str]:
    """Session cookies of as many users, made as the app would make them."""
    app = app_module.create_app("memory://")
    dumps = app.session_interface.get_signing_serializer(app).dumps
    return [dumps({"_user_id": f"user-{n}", "_fresh": True}) for n in range(count)]


def _storm(bench: Bench, server: GunicornServer) -> list[Comparison]:
    count = QUICK_JOINS if bench.quick else JOINS
    progress(f"ours: {count} joins")
    cookies = _cookies(count)
    before, began = processes.cpu_seconds(server.pid), time.monotonic()
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        members = []
        for cookie in cookies:
            member = Member(server.port, cookie, CHANNEL)
            stack.callback(member.socket.close)
            selector.register(member.socket, selectors.EVENT_READ, member)
            members.append(member)
            _read(selector, 0)
        while not all(member.shown for member in members) and time.monotonic() < began + 120:
            _read(selector, 0.05)
        seconds = time.monotonic() - began
        cpu = processes.cpu_seconds(server.pid) - before
        _settle(selector, 2)
    shown = sum(member.shown > 0 for member in members)
    told = sum(member.told for member in members)
    detail = f"{shown} of {count} were shown the members; worker CPU {cpu:.2f} s; {told} events"
    work = f"{count:,} joins on one presence channel"
    time_budget, event_budget = Budget(60, unit="s"), Budget(count * 100, unit="events")
    note = "" if shown == count else detail
    return [
        Comparison("6", f"{work}, until all are shown it", "s", time_budget,
                   Series.of([seconds]) if shown == count else None, note=note,
                   details={OURS: detail}),
        Comparison("6", f"{work}, member events sent (each to each: {count * count:,})", "events",
                   event_budget, Series.of([told]), details={OURS: detail}),
    ]  # fmt: skip


def _read(selector: selectors.BaseSelector, seconds: float) -> None:
    for key, _ in selector.select(seconds):
        key.data.read()


def _settle(selector: selectors.BaseSelector, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        _read(selector, 0.05)


def _subscribing(server: GunicornServer) -> list[Comparison]:
    """One channel more on an open stream, one request after the other."""
    progress("ours: subscribing on an open stream")
    cookie = _cookies(1)[0]
    member = Member(server.port, cookie, "public-first")
    with member.socket, selectors.DefaultSelector() as selector:
        selector.register(member.socket, selectors.EVENT_READ, member)
        while not member.shown:
            _read(selector, 0.05)
        taken = sorted(_subscribe(server, cookie, member, n) for n in range(SUBSCRIBES))
    rate = len(taken) / (sum(taken) / 1e3)
    budget = Budget(10, unit="ms")
    detail = f"{rate:.0f} requests/s one by one, p99 {taken[int(len(taken) * 0.99)]:.2f} ms"
    work = "subscribe on an open stream, p50"
    return [
        Comparison(
            "6", work, "ms", budget, Series.of([taken[len(taken) // 2]]), details={OURS: detail}
        )
    ]


def _subscribe(server: GunicornServer, cookie: str, member: Member, number: int) -> float:
    """Milliseconds until the answer."""
    body = json.dumps({"socket_id": member.socket_id, "channels": [f"public-{number}"]})
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}/api/realtime/subscribe",
        body.encode(),
        {"Content-Type": "application/json", "Cookie": f"session={cookie}"},
    )
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=10) as reply:
        assert json.load(reply)["refused"] == {}
    return (time.perf_counter() - began) * 1e3
