"""Runs each server's part of a row; when one fails, keeps the reason, and the others go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TypeVar

from ..bench import Bench, progress
from ..comparison import Series
from ..run import Run, Setup

T = TypeVar("T")
Opener = Callable[[str], AbstractContextManager[Setup]]

DETAIL = (
    "worker {server_us:.2f} us and Redis {redis_us:.2f} us per delivery, "
    "{per_second:,.0f} deliveries/s, {joined:.1f} per read, "
    "latency p50 {p50_ms:.2f} p99 {p99_ms:.2f} max {max_ms:.2f} ms, "
    "publishing took {publish_s:.2f} s; of a core: worker {worker_share:.0%}, "
    "generator {generator_share:.0%}, others {others_share:.0%}"
)


def why(error: Exception) -> str:
    """One line for the report."""
    return f"{type(error).__name__}: {error}"


class Attempts:
    """Runs per server, and why a server has none."""

    def __init__(self) -> None:
        self.runs: dict[str, list[Run]] = {}
        self.reasons: dict[str, str] = {}

    def attempt(self, name: str, work: Callable[[], T]) -> T | None:
        """Do ``work``; on an error remember the reason under ``name`` and go on."""
        if name in self.reasons:
            return None
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - a row that could not run says why
            self.reasons[name] = why(error)
            progress(f"{name} failed: {self.reasons[name]}")
            return None

    def measure(self, name: str, work: Callable[[], Run]) -> None:
        """Like :meth:`attempt`, and keep the run."""
        if run := self.attempt(name, work):
            self.runs.setdefault(name, []).append(run)

    @contextmanager
    def open_all(self, names: Sequence[str], opener: Opener) -> Iterator[dict[str, Setup]]:
        """Open what can be opened, and close all of it."""
        with ExitStack() as stack:
            setups: dict[str, Setup] = {}
            for name in names:
                manager = opener(name)
                if setup := self.attempt(name, lambda: stack.enter_context(manager)):  # noqa: B023
                    setups[name] = setup
            yield setups

    def series(self, name: str, figure: str) -> Series | None:
        """One figure over the repeats, or None when the server failed."""
        runs = [] if name in self.reasons else self.runs.get(name, [])
        return Series.of(getattr(run, figure) for run in runs) if runs else None

    def note(self, *names: str) -> str:
        """Why the servers named have no figure."""
        return "; ".join(f"{name}: {self.reasons[name]}" for name in names if name in self.reasons)

    def details(self, *names: str) -> dict[str, str]:
        """All figures of the runs, medians over the repeats."""
        return {name: self._detail(name) for name in names if self.series(name, "deliveries")}

    def _detail(self, name: str) -> str:
        figures = {figure: self.series(name, figure) for figure in Run.__dataclass_fields__}
        return DETAIL.format(**{name: found.median for name, found in figures.items() if found})


def in_turn(setups: dict[str, Setup], turn: int) -> list[tuple[str, Setup]]:
    """Every other turn backwards: nobody always runs after the same neighbour."""
    return list(setups.items())[:: -1 if turn % 2 else 1]


def opener(bench: Bench, channel: str, count: int) -> Opener:
    """Starts a fresh server and opens ``count`` streams on it."""

    @contextmanager
    def open_one(name: str) -> Iterator[Setup]:
        progress(f"{name}: opening {count} streams")
        with bench.serve(name) as server, bench.streams(server, channel, count) as streams:
            yield Setup(bench, server, streams, channel)

    return open_one
