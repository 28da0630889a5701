"""Where a stream starts: what it has missed, from this worker's window or from the log."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

from .errors import BrokerUnavailable
from .events import Entry, Position
from .log import Bounds, EventLog, Gap, Limits, ReadIndex, Window
from .settings import Settings
from .transport.base import Start, Stream

_PATIENCE_SECONDS = 5.0
_REPLAY_BYTES = 262_144
_RANGE_PAGE = 1000
_ALL_TIME = 1e10


class Join(NamedTuple):
    """Where a stream starts; ``gap`` is set when its cursor could not be resumed from."""

    start: Start
    recovered: bool = False
    gap: Gap | None = None


class Joining:
    """What is shown to streams before they are live.

    ``window`` is what this worker has read of the log. Its lock is the one of ``moved``, which
    is notified whenever the worker has read on.
    """

    def __init__(
        self, log: EventLog, settings: Settings, window: Window, moved: threading.Condition
    ) -> None:
        self._log = log
        self._read_index = ReadIndex(log)
        self._settings = settings
        self._window = window
        self._moved = moved

    def join(
        self,
        cursor: Position | None,
        channels: Sequence[str],
        patience: float = _PATIENCE_SECONDS,
    ) -> Join:
        """Find out where a stream with this cursor starts; may ask the log.

        What was appended before this call is in the replay, and so is what it changed: an edit
        that another worker has answered shows the new text, although this worker may not have
        read it yet. Raises `BrokerUnavailable` when that takes more than ``patience`` seconds,
        or when the log has to be asked and is out of reach: come back later, perhaps elsewhere.
        """
        if cursor is None:
            return Join(self._head())
        deadline = time.monotonic() + patience
        head = self._read_index.get(patience)
        if head is None:
            # The broker is away, so nobody has appended what this worker lacks. (When it is only
            # away from here, this worker's tail will notice, and `Hub.join` then admits nobody.)
            head = self._position
        with self._moved:
            if cursor >= self._window.bounds.floor:
                self._read_to(head, deadline - time.monotonic())
            if self._window.bounds.gap(cursor) is None:
                backlog = self._window.replay(cursor, channels)
                return Join(Start(cursor, backlog, self._position), recovered=True)
        return self._join_from_log(cursor, channels, head)

    @property
    def _position(self) -> Position:
        return self._window.bounds.last

    def _head(self) -> Start:
        position = self._position
        return Start(position, [], position)

    def has_read(self, position: Position, timeout: float) -> bool:
        """Wait until this worker has read the log up to there; False when it takes too long."""
        with self._moved:
            return self._moved.wait_for(lambda: self._position >= position, timeout)

    def _read_to(self, head: Position, timeout: float) -> None:
        """Wait until this worker has read so far; the caller holds the window's lock."""
        if not self._moved.wait_for(lambda: self._position >= head, timeout):
            raise BrokerUnavailable("this worker is behind the log")

    def _join_from_log(self, cursor: Position, channels: Sequence[str], head: Position) -> Join:
        """Replay what this worker's window has lost, at least up to the log's ``head``; or say
        that it cannot be done."""
        settings = self._settings
        start = Bounds(cursor, cursor, cursor)
        past = Window(start, Limits(settings.retention_events, _ALL_TIME, settings.window_bytes))
        wanted = frozenset(channels)
        while True:
            page = self._log.range(past.bounds.last, _RANGE_PAGE)
            if isinstance(page, Gap):
                return Join(self._head(), gap=page)
            for entry in page:
                past.add(entry, keep=not wanted.isdisjoint(entry.event.channels))
            past.trim(0)
            if past.bounds.floor > cursor:
                return Join(self._head(), gap=Gap("expired", past.bounds))
            if len(page) < _RANGE_PAGE or past.bounds.last >= head:
                backlog = past.replay(cursor, channels)
                return Join(Start(cursor, backlog, past.bounds.last), recovered=True)

    def is_behind(self, start: Start) -> bool:
        """Say whether what followed ``start`` has left the window: join again.

        The caller holds the window's lock.
        """
        return start.until < self._window.bounds.floor

    def until_now(self, start: Start, channels: Sequence[str]) -> list[Entry]:
        """Return what a live stream that joins more channels is shown: the rest comes live.

        The caller holds the window's lock.
        """
        position = self._position
        # A replay from the log may be ahead of this worker.
        entries = [entry for entry in start.backlog if entry.position <= position]
        return entries + self._window.replay(start.until, channels)

    def next_entries(self, stream: Stream) -> list[Entry]:
        """Return the next piece of a stream's replay; nothing: it has all, or there is a gap.

        The caller holds the window's lock.
        """
        if not stream.backlog:
            stream.position = max(stream.position, stream.until)
            if self._window.bounds.gap(stream.position):
                return []
            stream.backlog = self._window.replay(stream.position, stream.channels)
        size, count = 0, 0
        while count < len(stream.backlog) and size < _REPLAY_BYTES:
            size += stream.backlog[count].event.size
            count += 1
        entries = stream.backlog[:count]
        del stream.backlog[:count]
        return entries


def gap_body(
    channels: Sequence[str], reason: str, since: Position, oldest: Position
) -> dict[str, object]:
    """The data of ``nexora:gap``: refetch these channels, then go on from the block's id."""
    return {
        "channels": list(channels),
        "reason": reason,
        "since": str(since),
        "oldest": str(oldest),
    }
