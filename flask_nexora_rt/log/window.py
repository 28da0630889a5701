"""The retained end of a log in memory, and what a replay of it shows. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from ..events import Entry, Position
from .base import Bounds


class Limits(NamedTuple):
    """How much is retained; whichever bound is met first drops the oldest entries."""

    events: int
    seconds: float
    bytes: int


class _Story:
    """What replay knows of one ``key``: the event that began it and its last amendment."""

    __slots__ = ("amendment", "origin")

    def __init__(self, origin: Entry | None) -> None:
        self.origin = origin
        self.amendment: Entry | None = None

    @property
    def last(self) -> Entry | None:
        return self.amendment or self.origin


class Window:
    """The newest entries of a log, found by position and by channel.

    Not synchronised: its owner's lock guards it.
    """

    def __init__(self, bounds: Bounds, limits: Limits) -> None:
        self._limits = limits
        self.restart(bounds)

    def restart(self, bounds: Bounds) -> None:
        """Forget everything; the next entry follows ``bounds.last``."""
        self.bounds = bounds
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        self._by_channel: dict[str, deque[Entry]] = {}
        self._stories: dict[str, _Story] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Entry, keep: bool = True) -> None:
        """Append one entry; it comes after all the others. Only pass over it unless ``keep``."""
        self.bounds = self.bounds._replace(last=entry.position)
        if not keep:
            return
        self._entries.append(entry)
        self._bytes += entry.event.size
        for channel in entry.event.channels:
            self._by_channel.setdefault(channel, deque()).append(entry)
        if entry.event.key is not None:
            self._tell(entry.event.key, entry)

    def _tell(self, key: str, entry: Entry) -> None:
        if entry.event.replay is None:
            self._stories[key] = _Story(entry)
        else:
            story = self._stories.setdefault(key, _Story(None))
            story.amendment = entry

    def trim(self, now: float) -> None:
        """Drop what is over the limits; ``now`` is in seconds since the epoch."""
        oldest_ms = int((now - self._limits.seconds) * 1000)
        entries = self._entries
        while entries and (
            len(entries) > self._limits.events
            or entries[0].position.ms < oldest_ms
            or (self._bytes > self._limits.bytes and len(entries) > 1)
        ):
            self._drop(entries.popleft())

    def expire(self) -> None:
        """Drop everything that is retained, as if its time were over."""
        while self._entries:
            self._drop(self._entries.popleft())

    def _drop(self, entry: Entry) -> None:
        event = entry.event
        self.bounds = self.bounds._replace(floor=entry.position)
        self._bytes -= event.size
        for channel in event.channels:
            kept = self._by_channel[channel]
            kept.popleft()
            if not kept:
                del self._by_channel[channel]
        if event.key is not None and self._stories[event.key].last is entry:
            del self._stories[event.key]

    def since(self, after: Position, limit: int) -> list[Entry]:
        """Return up to ``limit`` entries after the position, oldest first."""
        newer: list[Entry] = []
        for entry in reversed(self._entries):
            if entry.position <= after:
                break
            newer.append(entry)
        newer.reverse()
        return newer[:limit]

    def replay(self, after: Position, channels: Iterable[str]) -> list[Entry]:
        """Return what a holder of ``channels`` who has seen ``after`` is to be shown, in order.

        Superseded events are left out; amended ones carry their last data.
        """
        found: dict[Position, Entry] = {}
        for channel in channels:
            for entry in reversed(self._by_channel.get(channel, ())):
                if entry.position <= after:
                    break
                found[entry.position] = entry
        shown = (self._shown(found[position], found) for position in sorted(found))
        return [entry for entry in shown if entry is not None]

    def _shown(self, entry: Entry, found: Mapping[Position, Entry]) -> Entry | None:
        if entry.event.key is None:
            return entry
        story = self._stories[entry.event.key]
        if entry is story.origin:
            return _amended(entry, story.amendment)
        # An amendment is told as such only to who is not shown its origin, amended, instead.
        origin_is_shown = story.origin is not None and story.origin.position in found
        return entry if entry is story.last and not origin_is_shown else None


def _amended(entry: Entry, amendment: Entry | None) -> Entry | None:
    """Return the entry as its last amendment wants it shown: other data, or not at all."""
    if amendment is None:
        return entry
    if not amendment.event.replay:
        return None
    return replace(entry, event=replace(entry.event, data=amendment.event.replay, parts=None))
