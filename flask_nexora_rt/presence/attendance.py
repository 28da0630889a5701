"""Joins the hub with the shared record: which streams come and go, and who is shown whom."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from typing import Any

from ..events import Event, Position
from ..fanout import Delivery
from ..hub import Hub
from ..transport.base import Stream
from .base import MEMBER_EVENT, Change, Connection, Outcome, PresenceStore, Row, Snapshot
from .registrar import Registrar
from .roster import MemberEvent, Roster, Rosters


class Attendance:
    """The hub's `Attendance`, and the registrar's `Worker`. The hub's lock guards the rosters."""

    def __init__(
        self,
        hub: Hub,
        store: PresenceStore,
        worker: int,
        told: Callable[[Sequence[Outcome]], None],
    ) -> None:
        self._hub = hub
        self._store = store
        self._rosters = Rosters(hub.settings.max_members)
        self.registrar = Registrar(store, worker, self, told)
        hub.attendance = self
        hub.controls[MEMBER_EVENT] = self._on_member

    # -- what the hub tells -------------------------------------------------------------------

    def admitted(self, stream: Stream) -> None:
        with self._hub.lock:
            self._rosters.hold(stream, stream.infos)
        self.registrar.add(_changes(stream))

    def hold(self, stream: Stream, channels: Sequence[str]) -> None:
        """A live stream holds more channels. The caller holds the hub's ``order`` and ``lock``."""
        self._rosters.hold(stream, [c for c in channels if c in stream.infos])
        self.registrar.add([Change(True, row) for row in _rows(stream, channels)])

    def welcome(self, stream: Stream, at: Position) -> bytes:
        joined = [roster for roster in self._held(stream) if stream in roster.joined]
        return b"".join(roster.welcome(stream, at) for roster in joined)

    def dropped(self, stream: Stream, channels: Sequence[str]) -> None:
        with self._hub.lock:
            self._rosters.release(stream, channels)
            ended = stream not in self._hub.streams
        changes = [Change(False, row) for row in _rows(stream, channels)]
        if ended and stream.user_id is not None:
            changes.append(Change(False, Connection(stream.socket_id, stream.user_id)))
        self.registrar.add(changes)

    def ticked(self, at: Position) -> list[Delivery]:
        with self._hub.lock:
            return [delivery for roster in self._rosters for delivery in roster.count(at)]

    def restarted(self) -> None:
        with self._hub.lock:
            self._rosters.unload()
        self.registrar.distrust()

    def _on_member(self, event: Event) -> None:
        change = MemberEvent.parse(event.data)
        with self._hub.lock:
            roster = self._rosters.get(change.channel)
            if roster is None:
                return
            deliveries = roster.take(change, self._hub.position)
        if deliveries is None:
            self.registrar.reload(change.channel)
        else:
            self._hub.write(deliveries)

    def _held(self, stream: Stream) -> list[Roster]:
        rosters = (self._rosters.get(channel) for channel in stream.infos)
        return [roster for roster in rosters if roster is not None]

    # -- what the registrar asks and tells ----------------------------------------------------

    def changes(self) -> list[Change]:
        return [change for stream in self._hub.snapshot() for change in _changes(stream)]

    def joined(self, rows: Sequence[Row], load: Callable[[str], Snapshot]) -> None:
        for channel in dict.fromkeys(row.channel for row in rows):
            with self._hub.lock:
                roster = self._rosters.get(channel)
                missing = roster is not None and roster.version is None
            if missing:
                self.loaded(channel, load(channel))
        with self._hub.order:
            for row in rows:
                self._show(row)

    def _show(self, row: Row) -> None:
        """The stream's own row is in the record: show it the members, once it is live."""
        with self._hub.lock:
            stream, roster = self._hub.streams.get(row.socket_id), self._rosters.get(row.channel)
            if stream is None or roster is None or stream not in roster.waiting:
                return
            if not stream.live:
                roster.joined.add(stream)
                return
            block = roster.welcome(stream, self._hub.position)
        stream.push(block)

    def loaded(self, channel: str, snapshot: Snapshot) -> None:
        """These are a channel's members by the record."""
        with self._hub.order:
            with self._hub.lock:
                roster = self._rosters.get(channel)
                deliveries = roster.load(snapshot, self._hub.position) if roster else []
            self._hub.write(deliveries)

    def unloaded(self) -> list[str]:
        """Return the channels whose members have to be loaded."""
        with self._hub.lock:
            return [roster.channel for roster in self._rosters if roster.version is None]

    def stats(self) -> dict[str, Any]:
        hub = self._hub
        with hub.lock:
            figures: dict[str, Any] = hub.counters.as_dict()
            figures["deliveries"] += hub.topics.deliveries
            figures["bytes"] += hub.topics.bytes
            figures["subscriptions"] = sum(len(stream.channels) for stream in hub.streams)
            figures["streams"] = len(hub.streams)
        return {
            **figures,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "lag": round(hub.lag, 4),
            "connected": hub.connected,
            "draining": hub.draining,
        }


def _changes(stream: Stream) -> list[Change]:
    """Return everything that the record holds of an open stream."""
    changes = [Change(True, row) for row in _rows(stream, stream.channels)]
    if stream.user_id is not None:
        # First: a member's status comes from its user's connections.
        changes.insert(0, Change(True, Connection(stream.socket_id, stream.user_id)))
    return changes


def _rows(stream: Stream, channels: Sequence[str]) -> list[Row]:
    return [Row(stream.socket_id, c, stream.user_id, stream.infos.get(c)) for c in channels]
