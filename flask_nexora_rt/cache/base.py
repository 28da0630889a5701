"""What the cache asks of a store, of locks between processes, and of shared totals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from .envelope import Envelope


class Look(NamedTuple):
    """An entry as it was found before a value is made, and a stamp to tell if it has changed."""

    envelope: Envelope | None
    stamp: tuple[str, str]


class Store(Protocol):
    """Entries in a Flask-Caching backend. ``outages`` are what it raises when it is away.

    Every method raises what the backend raises. ``shared`` says whether other processes see it.
    """

    shared: bool
    outages: tuple[type[Exception], ...]

    def get(self, key: str) -> Envelope | None:
        """Return the entry, whatever its age, in one round trip."""

    def look(self, key: str) -> Look:
        """Return the entry and its stamp, from where it is written."""

    def put(self, envelope: Envelope, timeout: int) -> None:
        """Write an entry. Raises `Uncacheable` and `ValueTooLarge` before anything is written."""

    def swap(self, envelope: Envelope, timeout: int, stamp: tuple[str, str]) -> bool:
        """Write only when nothing was written, deleted or cleared since the look; atomic."""

    def scan(self, prefix: str) -> Iterator[Envelope]:
        """Return the entries whose keys begin so. Raises `NotServable` when it cannot know."""

    def clear(self, prefix: str) -> None:
        """Remove all entries that were there before; what is being made then is not stored."""


Release = Callable[[], None]


class Locks(Protocol):
    """Locks between processes, by key. ``outages`` are what they raise when they are away."""

    outages: tuple[type[Exception], ...]

    def acquire(self, key: str, seconds: float) -> Release | None:
        """Take the lock for at most so long, or return None: somebody has it."""


class Totals(Protocol):
    """Counters summed over processes."""

    def add(self, amounts: Mapping[str, int]) -> None:
        """Add to the counters."""

    def read(self) -> dict[str, int]:
        """Return what all processes have added."""


class NoLocks:
    """For stores that no other process sees."""

    outages: tuple[type[Exception], ...] = ()

    def acquire(self, key: str, seconds: float) -> Release | None:
        return _nothing_to_release


def _nothing_to_release() -> None:
    pass


class ProcessTotals:
    """For caches that no other process sees."""

    def __init__(self) -> None:
        self._sums: dict[str, int] = {}

    def add(self, amounts: Mapping[str, int]) -> None:
        for name, amount in amounts.items():
            self._sums[name] = self._sums.get(name, 0) + amount

    def read(self) -> dict[str, int]:
        return dict(self._sums)


Backend = Any  # a flask_caching.backends.BaseCache, or whatever a host has in its place
