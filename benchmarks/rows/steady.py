"""Rows 1 and 4: 1,000 streams, 50 events per second."""

from __future__ import annotations

from ..bench import FLASK_SSE, NCHAN, OURS, Bench, progress
from ..comparison import Budget, Comparison
from ..run import Setup
from .attempts import Attempts, in_turn, opener

STREAMS, RATE, CHANNEL = 1000, 50.0, "public-steady"
PACE = f"{STREAMS:,} streams, {RATE:g} events/s"


def run(bench: Bench) -> list[Comparison]:
    """Interleaved repeats of ours, Nchan, flask-sse."""
    attempts, names = Attempts(), (OURS, NCHAN, FLASK_SSE)
    with attempts.open_all(names, opener(bench, CHANNEL, STREAMS)) as setups:
        for turn in range(bench.rounds(5)):
            for name, setup in in_turn(setups, turn):
                if name != FLASK_SSE or turn < 3:  # 6 s of CPU per turn, and it hardly varies
                    _measure(attempts, name, setup)
    return [_cpu(attempts, NCHAN, 1.0), _cpu(attempts, FLASK_SSE, 0.12), _latency(attempts)]


def _measure(attempts: Attempts, name: str, setup: Setup) -> None:
    events = 60 if name == FLASK_SSE else 200
    events = events // 2 if setup.bench.quick else events
    progress(f"{name}: {events} events at {RATE:g}/s to {STREAMS} streams")
    attempts.measure(name, lambda: setup.paced(events, RATE))


def _cpu(attempts: Attempts, peer: str, limit: float) -> Comparison:
    ours, theirs = (attempts.series(name, "server_us") for name in (OURS, peer))
    note, details = attempts.note(OURS, peer), attempts.details(OURS, peer)
    work = f"CPU per delivery, {PACE}"
    return Comparison("1", work, "us", Budget(limit), ours, peer, theirs, note, details)


def _latency(attempts: Attempts) -> Comparison:
    ours, theirs = (attempts.series(name, "p99_ms") for name in (OURS, NCHAN))
    work, note = f"p99 latency publish -> client, {PACE}", attempts.note(OURS, NCHAN)
    return Comparison("4", work, "ms", Budget(1.0), ours, NCHAN, theirs, note)
