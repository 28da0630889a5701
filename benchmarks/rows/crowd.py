"""Rows 1 and 3: 9,500 streams on one worker."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .. import processes
from ..bench import FLASK_SSE, NCHAN, OURS, Bench, progress
from ..comparison import Budget, Comparison, Series
from ..run import Setup
from ..server import Server
from .attempts import Attempts, Opener, in_turn, opener

STREAMS, CHANNEL = 9500, "public-crowd"
SUSTAINED = 5.0  # events/s: the 1,000-stream row's deliveries/s
OFFERED = 50.0  # events/s: 475,000 deliveries/s, more than one core can do one at a time
SLOW = 0.5  # events/s for flask-sse, which needs more than a second of CPU per event


@dataclass(frozen=True)
class Weight:
    """VmRSS in MB without and with the streams."""

    before: float
    after: float

    @property
    def added(self) -> Series:
        """What the streams added."""
        return Series.of([self.after - self.before])

    def __str__(self) -> str:
        return f"from {self.before:.1f} to {self.after:.1f} MB"


def run(bench: Bench) -> list[Comparison]:
    """Memory first, while the streams are idle; then the CPU."""
    memory: dict[str, Weight] = {}
    sustained, offered = Attempts(), Attempts()
    with sustained.open_all((OURS, NCHAN), _weighing_opener(bench, memory)) as setups:
        offered.reasons.update(sustained.reasons)
        for turn in range(bench.rounds(3)):
            _turn(sustained, in_turn(setups, turn), SUSTAINED, 20)
        for turn in range(bench.rounds(3) - 1):
            _turn(offered, in_turn(setups, turn), OFFERED, 75)
    lines = [_memory_line(sustained, memory), _cpu(sustained, NCHAN, 1.0, _pace(SUSTAINED))]
    if bench.quick:
        progress("left out: overload, and flask-sse with this many streams")
        return lines
    _flask_sse(bench, sustained)
    slow = f"{_pace(SUSTAINED)} (flask-sse: {SLOW:g})"
    overload = _cpu(offered, NCHAN, 1.0, f"{_pace(OFFERED)} offered (overload)")
    return [*lines, overload, _cpu(sustained, FLASK_SSE, 0.12, slow)]


def _turn(
    attempts: Attempts, setups: Iterable[tuple[str, Setup]], rate: float, events: int
) -> None:
    for name, setup in setups:
        progress(f"{name}: {events} events at {rate:g}/s to {STREAMS} streams")
        attempts.measure(name, lambda: setup.paced(events, rate))  # noqa: B023 - called at once


def _weighing_opener(bench: Bench, memory: dict[str, Weight]) -> Opener:
    """Like ``opener``, and notes the memory (MB) that the idle streams added."""

    @contextmanager
    def open_one(name: str) -> Iterator[Setup]:
        progress(f"{name}: opening {STREAMS} streams")
        with bench.serve(name) as server:
            _touch(bench, server)
            before = processes.resident_mb(server.pid)
            with bench.streams(server, CHANNEL, STREAMS) as streams:
                time.sleep(1)
                memory[name] = Weight(before, processes.resident_mb(server.pid))
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
        _turn(attempts, setups.items(), SLOW, 4)


def _pace(rate: float) -> str:
    return f"{rate:g} events/s"


def _cpu(attempts: Attempts, peer: str, limit: float, pace: str) -> Comparison:
    ours, theirs = (attempts.series(name, "server_us") for name in (OURS, peer))
    note, details = attempts.note(OURS, peer), attempts.details(OURS, peer)
    work = f"CPU per delivery, {STREAMS:,} streams, {pace}"
    return Comparison("1", work, "us", Budget(limit), ours, peer, theirs, note, details)


def _memory_line(attempts: Attempts, memory: dict[str, Weight]) -> Comparison:
    work, note = f"resident memory added by {STREAMS:,} idle streams", attempts.note(OURS, NCHAN)
    ours, theirs = (memory[name].added if name in memory else None for name in (OURS, NCHAN))
    details = {name: str(weight) for name, weight in memory.items()}
    return Comparison("3", work, "MB", Budget(40, unit="MB"), ours, NCHAN, theirs, note, details)
