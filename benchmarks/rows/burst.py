"""Row 2: as many events as possible, at once, to 100 and to 1,000 streams."""

from __future__ import annotations

from ..bench import NCHAN, OURS, Bench, progress
from ..comparison import Budget, Comparison
from .attempts import Attempts, opener

SIZES = {100: 1000, 1000: 500}  # streams: events


def run(bench: Bench) -> list[Comparison]:
    """Both sizes, interleaved repeats."""
    return [_size(bench, streams, events) for streams, events in SIZES.items()]


def _size(bench: Bench, count: int, events: int) -> Comparison:
    attempts, channel = Attempts(), f"public-burst{count}"
    with attempts.open_all((OURS, NCHAN), opener(bench, channel, count)) as setups:
        for _ in range(bench.rounds(5)):
            for name, setup in setups.items():
                progress(f"{name}: burst of {events} events to {count} streams")
                attempts.measure(name, lambda: setup.burst(events))  # noqa: B023 - called at once
    return _comparison(attempts, f"burst of {events:,} events to {count:,} streams")


def _comparison(attempts: Attempts, work: str) -> Comparison:
    ours, theirs = (attempts.series(name, "per_second") for name in (OURS, NCHAN))
    note, details = attempts.note(OURS, NCHAN), attempts.details(OURS, NCHAN)
    budget = Budget(5.0, at_least=True)
    return Comparison("2", work, "deliveries/s", budget, ours, NCHAN, theirs, note, details)
