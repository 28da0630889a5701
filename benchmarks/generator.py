"""Proof that the load generator is not the bottleneck, and that it sees what it must see."""

from __future__ import annotations

import random
import socket
import threading
import time
from contextlib import closing
from dataclasses import dataclass

from .bench import Bench
from .load import Conversation, LoadFailed, Stats, Streams

FRAMES, AGE_MS = 2000, 5
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n: hi\n\r\n"


@dataclass(frozen=True)
class Ceiling:
    """What came through when a C server did nothing but send prebuilt frames."""

    per_second: float  # deliveries checked by the generator
    generator_share: float  # of one core
    server_us: float  # CPU of the C server per delivery: what the kernel alone takes


def ceiling(bench: Bench, streams: int, join: int, frames: int) -> Ceiling:
    """``frames`` to each of ``streams``, ``join`` frames per send."""
    server = Conversation("blast", bench.load_log, {"conns": streams}, {})
    try:
        port = _heard(server, "listening")["port"]
        with Streams(port, "/", {}, streams, bench.load_log) as load:
            load.wait_ready(20)
            load.expect(1, frames)
            server.tell(f"go 1 {frames} {join}")
            return _ceiling(_heard(server, "sent"), load.finish(60))
    finally:
        server.stop()


def _heard(server: Conversation, state: str) -> Stats:
    if (line := server.hear(state, 60)) is None:
        raise LoadFailed(f"the blast server never said {state!r}")
    return line


def _ceiling(sent: Stats, stats: Stats) -> Ceiling:
    wall, count = (stats["last_ns"] - sent["started_ns"]) / 1e9, stats["delivered"]
    return Ceiling(count / wall, stats["cpu_s"] / wall, sent["cpu_s"] / count * 1e6)


def check(bench: Bench) -> str:
    """Feed chunked frames cut at random, one hole, one repeat; raise unless just these are told."""
    go, seen = threading.Event(), threading.Event()
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        threading.Thread(target=_feed, args=(listener, go, seen), daemon=True).start()
        with Streams(listener.getsockname()[1], "/", {}, 1, bench.load_log) as load:
            load.wait_ready(10)
            load.expect(1, FRAMES)
            go.set()
            found = _wait_complete(load)
            seen.set()
    return _judge(found)


def _judge(found: Stats) -> str:
    wanted = {"delivered": FRAMES - 3, "holes": 3, "repeats": 1, "stale": 0, "failures": 0}
    counted = all(found[name] == value for name, value in wanted.items())
    if not counted or not AGE_MS * 1000 <= found["min"] <= found["max"] < 10_000_000:
        raise LoadFailed(f"the generator miscounts: wanted {wanted}, found {found}")
    return (
        f"{FRAMES:,} chunked frames cut at random places, received in {found['reads']:,} reads: "
        f"all counted, 3 left out and 1 repeated found, ages right"
    )


def _wait_complete(load: Streams) -> Stats:
    deadline = time.monotonic() + 10
    while not (stats := load.stats())["complete"] and time.monotonic() < deadline:
        time.sleep(0.05)
    return stats


def _feed(listener: socket.socket, go: threading.Event, seen: threading.Event) -> None:
    """The other side of :func:`check`: 100-102 are left out, 200 comes twice."""
    chance = random.Random(20)
    peer, _ = listener.accept()
    with closing(peer):
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.recv(8192)
        peer.sendall(HEAD)
        go.wait(10)
        numbers = [seq for seq in range(1, FRAMES + 1) if seq not in (100, 101, 102)]
        numbers.insert(numbers.index(200), 200)
        for piece in _cut(_chunked(b"".join(map(_frame, numbers)), chance), chance):
            peer.sendall(piece)
            time.sleep(0.0002)  # lets the generator read this piece alone
        seen.wait(10)


def _frame(seq: int) -> bytes:
    stamp = time.monotonic_ns() - AGE_MS * 1_000_000
    data = f'{{"channel": "a", "data": {{"seq": {seq}, "t": {stamp}}}}}'
    return f"id: 7-{seq}\r\nevent: tick\r\ndata: {data}\r\n\r\n".encode()


def _chunked(body: bytes, chance: random.Random) -> bytes:
    return b"".join(b"%x;ext=1\r\n%s\r\n" % (len(piece), piece) for piece in _cut(body, chance))


def _cut(body: bytes, chance: random.Random) -> list[bytes]:
    pieces = []
    while body:
        size = chance.choice((1, 2, 3, 17, 60, 500))
        pieces.append(body[:size])
        body = body[size:]
    return pieces
