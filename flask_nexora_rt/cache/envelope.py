"""What is stored: a value, and until when it may be used for what."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, NamedTuple
from uuid import uuid4

from ..dice import dice
from ..errors import BadRequest

_FORMAT: Final = "nexora-rt-2"
_FIELDS: Final = 10
_LONGEST: Final = 315_360_000.0  # ten years: the files of FileSystemCache cannot name much later
_FOR_EVER: Final = math.inf
# A factory that runs longer than this may store what it began before a delete.
IN_FLIGHT_SECONDS: Final = 300

Seconds = float | int | timedelta


class Envelope(NamedTuple):
    """An entry. Times are seconds since the epoch; ``format`` tells it from the host's own.

    Up to ``fresh_until`` it is simply the value; up to ``stale_until`` it is given out while a new
    one is made; up to ``keep_until`` it may stand in when making a new one fails. ``version``
    differs for every write. ``failure``: there is no value, its factory has failed with this text.
    ``made_at`` is when the making of the value began, ``delta`` how many seconds it took.
    """

    format: str
    key: str
    value: Any
    version: str
    made_at: float
    delta: float
    fresh_until: float
    stale_until: float
    keep_until: float
    failure: str | None

    def is_early(self, now: float, beta: float) -> bool:
        """Say whether to refresh before the end, the likelier the nearer it is.

        XFetch, from Vattani and others, "Optimal Probabilistic Cache Stampede Prevention", 2015.
        """
        draw = 1.0 - dice.random()  # never 0, which has no logarithm
        return now - self.delta * beta * math.log(draw) >= self.fresh_until

    @property
    def is_tombstone(self) -> bool:
        return self.keep_until == 0

    def seconds_to_keep(self, now: float) -> int:
        """Return the store's timeout; 0: for ever. A second more, for stores that round down."""
        if self.is_tombstone:
            return IN_FLIGHT_SECONDS
        if self.keep_until == _FOR_EVER:
            return 0
        return max(1, math.ceil(self.keep_until - now) + 1)


def tombstone(key: str) -> Envelope:
    """Make what a delete leaves for a while: a factory that is running sees that it is too late."""
    return Envelope(_FORMAT, key, None, uuid4().hex, 0, 0, 0, 0, 0, None)


@dataclass(frozen=True, slots=True)
class Lifetime:
    """For how many seconds a value is fresh, then stale, then kept; ``ttl`` 0: fresh for ever.

    ``jitter`` is the share of ``ttl`` that may be taken off by chance, so that keys which were
    set together do not end together. Raises `BadRequest`.
    """

    ttl: float
    stale: float = 0.0
    keep: float = 0.0
    jitter: float = 0.0

    @classmethod
    def of(cls, ttl: Seconds, stale: Seconds = 0, keep: Seconds = 0, jitter: float = 0) -> Lifetime:
        if not 0 <= jitter < 1:
            raise BadRequest("jitter is a share of the ttl: at least 0, below 1")
        stale, keep = seconds("stale", stale), seconds("stale_if_error", keep)
        return cls(seconds("ttl", ttl), stale, keep, jitter)

    def seal(self, key: str, value: Any, now: float, delta: float = 0.0) -> Envelope:
        """Put a value into an envelope that begins now."""
        if not self.ttl:
            ends = (_FOR_EVER,) * 3
        else:
            fresh = now + self.ttl * (1 - self.jitter * dice.random())  # jitter
            ends = (fresh, fresh + self.stale, fresh + self.stale + self.keep)
        return Envelope(_FORMAT, key, value, uuid4().hex, now, delta, *ends, None)


def seal_failure(key: str, failure: str, until: float) -> Envelope:
    """Make an entry that says that there is no value before ``until``."""
    return Envelope(_FORMAT, key, None, uuid4().hex, 0, 0, until, until, until, failure)


def renew(envelope: Envelope, until: float) -> Envelope:
    """Let a kept value be fresh for a while: the attempt to make a new one has failed."""
    fresh = min(until, envelope.keep_until)
    stale = max(fresh, envelope.stale_until)
    return envelope._replace(version=uuid4().hex, fresh_until=fresh, stale_until=stale)


def seconds(name: str, value: Seconds) -> float:
    """Check a duration. Raises `BadRequest` that names it."""
    number = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise BadRequest(f"{name} is a number of seconds or a timedelta, not {value!r}")
    if not 0 <= number <= _LONGEST:  # also what is not a number at all
        raise BadRequest(f"{name} is {number}: use 0 to {_LONGEST:.0f} seconds")
    return float(number)


def pack(envelope: Envelope) -> tuple[Any, ...]:
    """Write plain types: other serializers than pickle may stand behind the store."""
    return tuple(envelope)


def unpack(stored: Any) -> Envelope | None:
    """Read what `pack` wrote; None for anything else, it is not ours."""
    if type(stored) not in (tuple, list) or len(stored) != _FIELDS or stored[0] != _FORMAT:
        return None
    return Envelope._make(stored)
