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
            if stream in self._hub.streams:  # else it has ended meanwhile
                self._rosters.hold(stream, stream.infos)
                self.registrar.add(_changes(stream))

    def hold(self, stream: Stream, channels: Sequence[str]) -> None:
        """A live stream holds more channels. The caller holds the hub's ``order`` and ``lock``."""
        self._rosters.hold(stream, [c for c in channels if c in stream.infos])
        self.registrar.add([Change(True, row) for row in _rows(stream, channels)])

    def welcome(self, stream: Stream, at: Position) -> bytes:
        rosters = (self._rosters.get(channel) for channel in stream.infos)
        joined = [roster for roster in rosters if roster is not None and stream in roster.joined]
        return b"".join(block for roster in joined for _, block in roster.show(at, stream))

    def dropped(self, stream: Stream, channels: Sequence[str]) -> None:
        with self._hub.lock:
            self._rosters.release(stream, channels)
            ended = stream not in self._hub.streams
        if ended and self._hub.draining:
            return  # it was told to come back: giving the lease back tells of it
        changes = [Change(False, row) for row in _rows(stream, channels)]
        if ended and stream.user_id is not None:
            changes.append(Change(False, Connection(stream.socket_id, stream.user_id)))
        self.registrar.add(changes)

    def ticked(self, at: Position) -> list[Delivery]:
        with self._hub.lock:
            return [delivery for roster in self._rosters for delivery in roster.count(at)]

    def restarted(self) -> None:
        with self._hub.lock:
            self._rosters.distrust()
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

    # -- what the registrar asks and tells ----------------------------------------------------

    def changes(self) -> list[Change]:
        return [change for stream in self._hub.snapshot() for change in _changes(stream)]

    def joined(self, rows: Sequence[Row]) -> list[str]:
        hub = self._hub
        with hub.order:
            with hub.lock:
                rosters = self._join(rows)
                deliveries = [d for roster in rosters for d in roster.show(hub.position)]
            hub.write(deliveries)
        return [roster.channel for roster in rosters if roster.version is None]

    def _join(self, rows: Sequence[Row]) -> list[Roster]:
        """Tell each row's stream and roster of each other; return the rosters."""
        rosters: dict[str, Roster] = {}
        for row in rows:
            stream, roster = self._hub.streams.get(row.socket_id), self._rosters.get(row.channel)
            if stream is not None and roster is not None:
                roster.join(stream)
                rosters[row.channel] = roster
        return list(rosters.values())

    def unloaded(self) -> list[str]:
        with self._hub.lock:
            return [roster.channel for roster in self._rosters if roster.version is None]

    def load(self, channel: str, ask: Callable[[str], Snapshot]) -> None:
        hub = self._hub
        with hub.lock:
            roster, generation = self._rosters.get(channel), self._rosters.generation
            if roster is None or roster.version is not None:
                return
        snapshot = ask(channel)
        with hub.order:
            with hub.lock:
                # Another roster by now, or another record: the answer is not about it.
                if self._rosters.get(channel) is not roster:
                    return
                if self._rosters.generation != generation:
                    return
                deliveries = roster.load(snapshot, hub.position) + roster.show(hub.position)
                incomplete = roster.version is None
            hub.write(deliveries)
        if incomplete:
            self.registrar.reload(channel)

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
            "at": round(hub.clock(), 3),
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
