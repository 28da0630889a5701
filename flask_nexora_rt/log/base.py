"""What a log promises. Two implementations pass one contract suite (``tests/contract``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from ..events import Entry, Event, Position, Reset

GapReason = Literal["expired", "reset", "future"]


class Bounds(NamedTuple):
    """What the log holds: a cursor is complete iff ``floor <= cursor <= last``.

    ``floor``: the newest position no longer retained. ``last``: the newest position given out.
    ``reset``: where the log last began anew (created, flushed, or rolled back by a fail-over).
    """

    floor: Position
    last: Position
    reset: Position

    def gap(self, cursor: Position) -> GapReason | None:
        """Say why events after ``cursor`` cannot all be had, or None when they can."""
        if cursor < self.reset:
            return "reset"
        if cursor < self.floor:
            return "expired"
        return "future" if cursor > self.last else None


class Gap(NamedTuple):
    """Not everything after the cursor is retained; ``bounds`` says what is."""

    reason: GapReason
    bounds: Bounds


class Batch(NamedTuple):
    """What one read of the tail brought, each list in order. Both empty: nothing new."""

    entries: list[Entry | Reset]
    ephemeral: list[Event]


class EntriesLost(Exception):
    """A tail has fallen behind the retention: what follows its last read is gone in part.

    Ask the log's bounds and go on from their end; everybody who listens has lost events.
    """


class Tail(Protocol):
    """One reader of the log's end. Not safe for use by two threads."""

    def read(self, timeout: float) -> Batch:
        """Wait up to ``timeout`` seconds for what follows the last read.

        No entry is given twice, and none is skipped in silence: raises `EntriesLost` when some
        were trimmed before they could be read. Raises `BrokerUnavailable`: open a new tail after
        the last position you have seen.
        """

    def close(self) -> None:
        """Give the connection back. Ephemeral events that come meanwhile are not kept."""


class EventLog(Protocol):
    """One ordered, bounded log of events, and a second small one that is never replayed.

    All methods may be called from any thread and raise `BrokerUnavailable` when the broker
    cannot be reached within ``publish_timeout`` seconds.
    """

    def append(self, events: Sequence[Event]) -> list[Position]:
        """Append in order, in one round trip, atomically up to 500 events; return positions.

        At least once per call, once per ``publish_id``: a repeated id within the last
        ``DEDUPE_SECONDS`` returns the first append's position. Trims by count and age.
        """

    def emit(self, events: Sequence[Event]) -> None:
        """Send to those who tail right now: at most once, never replayed, no position."""

    def bounds(self, seen: Position | None = None) -> Bounds:
        """Return what is retained.

        ``seen`` is the newest position the caller knows of. When the log should have it and
        does not, a fail-over lost the end of the log: a reset marker is appended, so that older
        cursors gap instead of losing events in silence.
        """

    def range(self, after: Position, limit: int) -> list[Entry] | Gap:
        """Return up to ``limit`` entries after the position, oldest first, or the gap."""

    def tail(self, after: Position) -> Tail:
        """Start to read after the position.

        Ask ``bounds(seen=after)`` first: reading on from a position that the log has trimmed or
        lost would skip what came between.
        """

    def close(self) -> None:
        """Release connections and files. The log is not used afterwards."""


# Long enough for an outbox relay after a crashed worker's lease; also bounded by count.
DEDUPE_SECONDS = 300
DEDUPE_COUNT = 100_000
