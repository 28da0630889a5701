"""The log of a single process: ``memory://``."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

from ..events import Entry, Event, Position
from .base import DEDUPE_COUNT, DEDUPE_SECONDS, Batch, Bounds, EntriesLost, Gap
from .window import Limits, Window

_EPHEMERAL_BACKLOG = 10_000


class MemoryLog:
    """An `EventLog` in this process's memory. Everything is gone when the process ends.

    ``_changed`` guards all state and wakes the tails.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        start = Position(int(clock() * 1000), 0)
        self._window = Window(Bounds(start, start, start), limits)
        self._published: OrderedDict[str, tuple[float, Position]] = OrderedDict()
        self._tails: list[MemoryTail] = []

    def append(self, events: Sequence[Event]) -> list[Position]:
        with self._changed:
            now = self._clock()
            positions = [self._append(event, now) for event in events]
            self._window.trim(now)
            self._forget(now)
            self._changed.notify_all()
        return positions

    def _append(self, event: Event, now: float) -> Position:
        known = self._published.get(event.publish_id) if event.publish_id else None
        if known is not None:
            return known[1]
        last = self._window.bounds.last
        position = max(Position(int(now * 1000), 0), last.next())
        self._window.add(Entry(position, event))
        if event.publish_id:
            self._published[event.publish_id] = (now, position)
        return position

    def _forget(self, now: float) -> None:
        published = self._published
        while published and (
            len(published) > DEDUPE_COUNT
            or next(iter(published.values()))[0] < now - DEDUPE_SECONDS
        ):
            published.popitem(last=False)

    def emit(self, events: Sequence[Event]) -> None:
        with self._changed:
            for tail in self._tails:
                tail.pending.extend(events)
                del tail.pending[:-_EPHEMERAL_BACKLOG]
            self._changed.notify_all()

    def bounds(self, seen: Position | None = None) -> Bounds:
        with self._changed:
            self._window.trim(self._clock())
            return self._window.bounds

    def range(self, after: Position, limit: int) -> list[Entry] | Gap:
        with self._changed:
            self._window.trim(self._clock())
            bounds = self._window.bounds
            reason = bounds.gap(after)
            return Gap(reason, bounds) if reason else self._window.since(after, limit)

    def expire(self) -> None:
        """Forget the history, as if its retention were over (for tests)."""
        with self._changed:
            self._window.expire()

    def tail(self, after: Position) -> MemoryTail:
        tail = MemoryTail(self, after)
        with self._changed:
            self._tails.append(tail)
        return tail

    def close(self) -> None:
        """Nothing to release."""

    def _read(self, tail: MemoryTail, timeout: float) -> Batch:
        with self._changed:
            self._changed.wait_for(lambda: self._news(tail), timeout)
            if self._window.bounds.floor > tail.after:
                raise EntriesLost
            entries = self._window.since(tail.after, limit=1000)
            ephemeral, tail.pending = tail.pending, []
        return Batch(list(entries), ephemeral)

    def _news(self, tail: MemoryTail) -> bool:
        return self._window.bounds.last > tail.after or bool(tail.pending) or tail.closed

    def _close(self, tail: MemoryTail) -> None:
        with self._changed:
            tail.closed = True
            if tail in self._tails:
                self._tails.remove(tail)
            self._changed.notify_all()


class MemoryTail:
    """A `Tail` of a `MemoryLog`, whose lock guards its fields."""

    def __init__(self, log: MemoryLog, after: Position) -> None:
        self._log = log
        self.after = after
        self.pending: list[Event] = []
        self.closed = False

    def read(self, timeout: float) -> Batch:
        batch = self._log._read(self, timeout)
        if batch.entries:
            self.after = batch.entries[-1].position
        return batch

    def close(self) -> None:
        self._log._close(self)
