"""Who is typing: told to those who are there, never stored, never replayed."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from .events import Event
from .fanout import exclude_user
from .hub import Hub
from .limiter import TYPING_LEASE, TYPING_STARTS, Limiter
from .log import EventLog
from .transport.base import Stream

TYPING_START: Final = "typing:start"
TYPING_STOP: Final = "typing:stop"
LEASE_SECONDS: Final = 6.0


def typing_event(name: str, channel: str, user_id: str) -> Event:
    """Build the event; receivers let it run out by themselves after ``expiresInMs``."""
    body: dict[str, Any] = {"conversationId": channel, "userId": user_id}
    body["expiresInMs"] = int(LEASE_SECONDS * 1000) if name == TYPING_START else 0
    data = json.dumps(body).encode()
    return Event((channel,), name, data, exclude=exclude_user(user_id), user_id=None)


class Typing:
    """Starts and stops for one app, from any worker or process."""

    def __init__(self, log: EventLog, limiter: Limiter) -> None:
        self._log = log
        self._limiter = limiter

    def start(self, channel: str, user_id: str) -> bool:
        """Tell that a user types; at most every 3 s per user and channel, else False."""
        if not self._limiter.hit(TYPING_STARTS, channel, user_id):
            return False
        self._limiter.hit(TYPING_LEASE, channel, user_id)
        self._log.emit([typing_event(TYPING_START, channel, user_id)])
        return True

    def stop(self, channel: str, user_id: str) -> None:
        """Tell that a user has stopped; the next start is told at once."""
        self._limiter.forget(TYPING_STARTS, channel, user_id)
        self._limiter.forget(TYPING_LEASE, channel, user_id)
        self._log.emit([typing_event(TYPING_STOP, channel, user_id)])

    def is_told(self, channel: str, user_id: str) -> bool:
        """Say whether receivers believe that the user types; one round trip."""
        return self._limiter.spent(TYPING_LEASE, channel, user_id)


class TypingWatch:
    """Knows who is believed to type; ends it when a user's last stream here has gone.

    Both dicts hold, by channel and user, until when (monotonic seconds) receivers believe it:
    ``_typing`` of the users with a stream here, ``_told`` of all, the oldest first.
    """

    def __init__(self, hub: Hub, typing: Typing) -> None:
        self._hub = hub
        self._service = typing
        hub.watchers.append(self)
        self._typing: dict[tuple[str, str], float] = {}
        self._told: dict[tuple[str, str], float] = {}
        self._knows_all_from = time.monotonic() + LEASE_SECONDS

    def is_told(self, channel: str, user_id: str) -> bool | None:
        """Say whether receivers believe that the user types; None: it began to watch just now.

        What another worker has told within the last milliseconds may not be here yet: then it
        ends with the message itself, or runs out.
        """
        now = time.monotonic()
        if now < self._knows_all_from:
            return None
        return self._told.get((channel, user_id), 0) > now

    def saw(self, event: Event) -> None:
        """An ephemeral event passes; called with the hub's ``order``."""
        if event.name not in (TYPING_START, TYPING_STOP):
            return
        channel, user = event.channels[0], json.loads(event.data)["userId"]
        self._typing.pop((channel, user), None)
        self._told.pop((channel, user), None)
        if event.name == TYPING_START:
            self._forget_old()
            self._told[channel, user] = until = time.monotonic() + LEASE_SECONDS
            if self._holds(user, channel):
                self._typing[channel, user] = until

    def _forget_old(self) -> None:
        now = time.monotonic()
        while self._told:
            oldest = next(iter(self._told))
            if self._told[oldest] > now:
                return
            del self._told[oldest]

    def _holds(self, user: str, channel: str) -> bool:
        with self._hub.lock:
            return any(channel in stream.channels for stream in self._hub.streams.of(user))

    def dropped(self, stream: Stream, channels: Sequence[str]) -> None:
        """The stream holds these channels no more: end what its user was typing there."""
        for channel, user in self._gone(stream, channels):
            self._hub.errands.append(partial(self._service.stop, channel, user))

    def _gone(self, stream: Stream, channels: Sequence[str]) -> list[tuple[str, str]]:
        user = stream.user_id
        if user is None or not self._typing:
            return []
        now = time.monotonic()
        alone = [channel for channel in channels if not self._holds(user, channel)]
        return [(c, user) for c in alone if self._typing.pop((c, user), 0) > now]
