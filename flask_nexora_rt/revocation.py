"""Taking a channel, or everything, away from a user: an entry in the log, ordered with the data."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from typing import Final, NamedTuple

from .events import Event, Position

REVOKE: Final = "#revoke"
_REMEMBERED = 10_000


class Revocation(NamedTuple):
    """``channel`` None: every stream of the user ends."""

    user_id: str
    channel: str | None
    reason: str

    def event(self) -> Event:
        """Return the log entry. It names no channel, so no client is shown it."""
        return Event((), REVOKE, json.dumps(self._asdict()).encode())

    @classmethod
    def parse(cls, data: bytes) -> Revocation:
        return cls(**json.loads(data))


class Revocations:
    """The latest ones, for streams that were authorised before and are opened after.

    Bounded: the oldest of more than 10,000 is forgotten, and the stream age bounds what follows.
    """

    def __init__(self) -> None:
        self._latest: deque[tuple[Position, Revocation]] = deque(maxlen=_REMEMBERED)

    def add(self, position: Position, revocation: Revocation) -> None:
        self._latest.append((position, revocation))

    def concern(self, user_id: str | None, channels: Iterable[str], since: Position) -> bool:
        """Say whether something was taken from the user after ``since``."""
        names = frozenset(channels)
        for position, revocation in reversed(self._latest):
            if position <= since:
                return False
            if revocation.user_id == user_id and (
                revocation.channel is None or revocation.channel in names
            ):
                return True
        return False
