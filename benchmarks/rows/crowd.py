"""Rows 1 and 3: 9,500 streams on one worker."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from .. import processes
from ..bench import FLASK_SSE, NCHAN, OURS, Bench, progress
from ..comparison import Budget, Comparison, Series
from ..run import Setup
from ..server import Server
from .attempts import Attempts, Opener, opener

STREAMS, CHANNEL = 9500, "public-crowd"
SUSTAINED = 5.0  # events/s: the 1,000-stream row's deliveries/s
OFFERED = 50.0  # events/s: 475,000 deliveries/s, more than one core can do one at a time
SLOW = 0.5  # events/s for flask-sse, which needs more than a second of CPU per event


def run(bench: Bench) -> list[Comparison]:
    """Memory first, while the streams are idle; then the CPU."""
    memory: dict[str, Series] = {}
    sustained, offered = Attempts(), Attempts()
    with sustained.open_all((OURS, NCHAN), _weighing_opener(bench, memory)) as setups:
        offered.reasons.update(sustained.reasons)
        for _ in range(bench.rounds(3)):
            _turn(sustained, setups, SUSTAINED, 20)
        for _ in range(bench.rounds(3) - 1):
            _turn(offered, setups, OFFERED, 75)
    if not bench.quick:
        _flask_sse(bench, sustained)
    return [*_cpu_lines(sustained, offered), _memory_line(sustained, memory)]


def _turn(attempts: Attempts, setups: dict[str, Setup], rate: float, events: int) -> None:
    for name, setup in setups.items():
        progress(f"{name}: {events} events at {rate:g}/s to {STREAMS} streams")
        attempts.measure(name, lambda: setup.paced(events, rate))  # noqa: B023 - called at once


def _weighing_opener(bench: Bench, memory: dict[str, Series]) -> Opener:
    """Like ``opener``, and notes the memory (MB) that the idle streams added."""

    @contextmanager
    def open_one(name: str) -> Iterator[Setup]:
        progress(f"{name}: opening {STREAMS} streams")
        with bench.serve(name) as server:
            _touch(bench, server)
            before = processes.resident_kib(server.pid)
            with bench.streams(server, CHANNEL, STREAMS) as streams:
                time.sleep(1)
                memory[name] = Series.of([(processes.resident_kib(server.pid) - before) / 1024])
                yield Setup(bench, server, streams, CHANNEL)

    return open_one


def _touch(bench: Bench, server: Server) -> None:
    """One stream first: what is imported and started lazily is not the streams' memory."""
    with bench.streams(server, CHANNEL, 1):
        time.sleep(0.3)
    time.sleep(0.3)


def _flask_sse(bench: Bench, attempts: Attempts) -> None:
    """Alone: it holds 9,500 Redis connections and the core."""
    with attempts.open_all((FLASK_SSE,), opener(bench, CHANNEL, STREAMS)) as setups:
        _turn(attempts, setups, SLOW, 4)


def _cpu_lines(sustained: Attempts, offered: Attempts) -> list[Comparison]:
    return [
        _cpu(sustained, NCHAN, 1.0, f"{SUSTAINED:g} events/s"),
        _cpu(offered, NCHAN, 1.0, f"{OFFERED:g} events/s offered (overload)"),
        _cpu(sustained, FLASK_SSE, 0.12, f"{SUSTAINED:g} events/s (flask-sse: {SLOW:g})"),
    ]


def _cpu(attempts: Attempts, peer: str, limit: float, pace: str) -> Comparison:
    ours, theirs = (attempts.series(name, "server_us") for name in (OURS, peer))
    note = attempts.note(OURS, peer) or ("" if theirs else "left out by --quick")
    work, details = f"CPU per delivery, {STREAMS:,} streams, {pace}", attempts.details(OURS, peer)
    return Comparison("1", work, "us", Budget(limit), ours, peer, theirs, note, details)


def _memory_line(attempts: Attempts, memory: dict[str, Series]) -> Comparison:
    work, note = f"resident memory added by {STREAMS:,} idle streams", attempts.note(OURS, NCHAN)
    ours, theirs = memory.get(OURS), memory.get(NCHAN)
    return Comparison("3", work, "MB", Budget(40, unit="MB"), ours, NCHAN, theirs, note)
