"""The record of a single process."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from ..events import Event
from .base import (
    GRACE_SECONDS,
    LEASE_SECONDS,
    MEMBER_EVENT,
    Change,
    Connection,
    Member,
    Occupancy,
    Outcome,
    Row,
    Snapshot,
    Status,
    UserStatus,
    overall_status,
    write_member,
)


class MemoryPresence:
    """A `PresenceStore` in this process's memory. ``_lock`` guards all of it.

    ``emit`` takes the ephemeral events, in order, and must not call back.
    """

    def __init__(
        self,
        emit: Callable[[Sequence[Event]], None],
        clock: Callable[[], float] = time.time,
        lease: float = LEASE_SECONDS,
        grace: float = GRACE_SECONDS,
    ) -> None:
        self._emit = emit
        self._clock = clock
        self._lease, self._grace = lease, grace
        self._lock = threading.Lock()
        self._leases: dict[str, float] = {}
        self._stats: dict[str, dict[str, Any]] = {}
        self._rows: dict[str, dict[tuple[str, str], Row]] = defaultdict(dict)
        self._connections: dict[str, dict[str, str]] = defaultdict(dict)
        self._subscriptions: Counter[str] = Counter()
        self._held: Counter[tuple[str, str]] = Counter()
        self._members: dict[str, dict[str, Member]] = defaultdict(dict)
        self._versions: dict[str, int] = {}
        # The highest version of a channel that nobody is on any more: a new one is above it.
        self._forgotten = 0
        # By user and stream: the status, and the worker that told of the stream last.
        self._statuses: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
        self._seen: dict[str, int] = {}
        self._due: dict[tuple[str, str], float] = {}
        self._outcomes: list[Outcome] = []

    # -- the protocol -------------------------------------------------------------------------

    def apply(self, worker: str, changes: Sequence[Change]) -> tuple[bool, list[Outcome]]:
        with self._lock:
            held = self._occupy(worker)
            for change in changes:
                self._apply(worker, change)
            return held, self._take_outcomes()

    def _apply(self, worker: str, change: Change) -> None:
        match change:
            case Change(True, Connection() as connection):
                self._connect(worker, connection)
            case Change(False, Connection() as connection):
                self._disconnect(worker, connection)
            case Change(True, Row() as row):
                self._subscribe(worker, row)
            case Change(False, Row() as row):
                self._unsubscribe(worker, row, self._grace)

    def renew(self, worker: str, stats: dict[str, Any]) -> bool:
        with self._lock:
            self._stats[worker] = stats
            return self._occupy(worker)

    def leave(self, worker: str) -> None:
        with self._lock:
            if worker in self._leases:
                self._leases[worker] = 0

    def sweep(self, patient: bool = False) -> list[Outcome]:
        with self._lock:
            up_to = 0 if patient else self._clock()
            for worker, expires in list(self._leases.items()):
                if expires <= up_to:
                    # A lease that ran out was time enough to come back. One given back was not:
                    # clients were told to wait, and where they come back to may have to start.
                    self._forget_worker(worker, 0 if expires > 0 else 2 * self._grace)
            for channel, user in [key for key, due in self._due.items() if due <= up_to]:
                del self._due[channel, user]
                if not self._held[channel, user]:
                    self._remove_member(channel, user)
            return self._take_outcomes()

    def set_status(self, socket_id: str, user_id: str, status: Status) -> bool:
        with self._lock:
            told = self._statuses.get(user_id, {}).get(socket_id)
            if told is None:
                return False
            before = self._overall(user_id)
            self._statuses[user_id][socket_id] = (status, told[1])
            self._refresh_status(user_id, before)
            return True

    def snapshot(self, channel: str) -> Snapshot:
        with self._lock:
            return Snapshot(self._versions.get(channel, 0), dict(self._members.get(channel, {})))

    def status(self, user_id: str) -> UserStatus:
        with self._lock:
            return UserStatus(self._overall(user_id), self._seen.get(user_id))

    def occupancy(self, channel: str) -> Occupancy:
        with self._lock:
            return self._occupancy(channel)

    def channels(self, prefix: str) -> dict[str, Occupancy]:
        with self._lock:
            names = [name for name in self._subscriptions if name.startswith(prefix)]
            return {name: self._occupancy(name) for name in names}

    def workers(self) -> dict[str, dict[str, Any]]:
        with self._lock:
            now = self._clock()
            live = [worker for worker, expires in self._leases.items() if expires > now]
            return {worker: self._stats[worker] for worker in live if worker in self._stats}

    # -- under the lock -----------------------------------------------------------------------

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    def _occupy(self, worker: str) -> bool:
        held = worker in self._leases
        self._leases[worker] = self._clock() + self._lease
        return held

    def _take_outcomes(self) -> list[Outcome]:
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    def _occupancy(self, channel: str) -> Occupancy:
        return Occupancy(self._subscriptions[channel], len(self._members.get(channel, ())))

    def _overall(self, user_id: str) -> str:
        return overall_status(status for status, _ in self._statuses.get(user_id, {}).values())

    def _tell(self, kind: str, channel: str, user_id: str, member: Member | None = None) -> None:
        version = self._versions.get(channel, max(self._now_ms() * 1000, self._forgotten)) + 1
        self._versions[channel] = version
        data = {"channel": channel, "kind": kind, "user": user_id, "version": str(version)}
        body = None if member is None else write_member(member)
        payload = json.dumps({**data, "member": body}).encode()
        self._emit([Event((), MEMBER_EVENT, payload)])

    def _connect(self, worker: str, connection: Connection) -> None:
        socket_id, user_id = connection
        if socket_id in self._connections[worker]:
            return
        self._connections[worker][socket_id] = user_id
        before, told = self._overall(user_id), self._statuses[user_id].get(socket_id)
        self._statuses[user_id][socket_id] = (told[0] if told else "online", worker)
        if told is None:
            self._refresh_status(user_id, before)

    def _disconnect(self, worker: str, connection: Connection) -> None:
        socket_id, user_id = connection
        self._connections[worker].pop(socket_id, None)
        told = self._statuses.get(user_id, {}).get(socket_id)
        if told is None or told[1] != worker:
            return
        before = self._overall(user_id)
        del self._statuses[user_id][socket_id]
        self._refresh_status(user_id, before)
        if not self._statuses[user_id]:
            del self._statuses[user_id]

    def _refresh_status(self, user_id: str, before: str) -> None:
        after = self._overall(user_id)
        self._seen[user_id] = self._now_ms()
        if after in (before, "offline"):
            return
        for channel, members in self._members.items():
            if user_id in members and self._held[channel, user_id]:
                members[user_id] = members[user_id]._replace(status=after, last_seen=self._now_ms())
                self._tell("updated", channel, user_id, members[user_id])

    def _subscribe(self, worker: str, row: Row) -> None:
        key = (row.socket_id, row.channel)
        if key in self._rows[worker]:
            return
        self._rows[worker][key] = row
        self._subscriptions[row.channel] += 1
        if self._subscriptions[row.channel] == 1:
            self._outcomes.append(Outcome("channel_occupied", row.channel))
        if row.info is not None and row.user_id is not None:
            self._enter(row.channel, row.user_id, row.info)

    def _enter(self, channel: str, user_id: str, info: str) -> None:
        self._held[channel, user_id] += 1
        self._due.pop((channel, user_id), None)
        status = "away" if self._overall(user_id) == "away" else "online"
        known = self._members[channel].get(user_id)
        if known is not None and known.status == status:
            return
        member = Member(user_id, known.info if known else info, status, self._now_ms())
        self._members[channel][user_id] = member
        # Who comes back within its grace may come back with another status.
        self._tell("updated" if known else "added", channel, user_id, member)
        if known is None:
            self._outcomes.append(Outcome("member_added", channel, user_id))

    def _unsubscribe(self, worker: str, row: Row, grace: float) -> None:
        stored = self._rows[worker].pop((row.socket_id, row.channel), None)
        if stored is None:
            return
        self._subscriptions[row.channel] -= 1
        if not self._subscriptions[row.channel]:
            del self._subscriptions[row.channel]
            self._outcomes.append(Outcome("channel_vacated", row.channel))
        if stored.info is not None and stored.user_id is not None:
            self._exit(row.channel, stored.user_id, grace)

    def _exit(self, channel: str, user_id: str, grace: float) -> None:
        self._held[channel, user_id] -= 1
        if self._held[channel, user_id]:
            return
        del self._held[channel, user_id]
        if grace == 0:
            self._remove_member(channel, user_id)
        else:
            self._due[channel, user_id] = self._clock() + grace

    def _remove_member(self, channel: str, user_id: str) -> None:
        if self._members[channel].pop(user_id, None) is not None:
            self._tell("removed", channel, user_id)
            self._outcomes.append(Outcome("member_removed", channel, user_id))
        if not self._members[channel]:
            del self._members[channel]
            self._forgotten = max(self._forgotten, self._versions.pop(channel, 0))

    def _forget_worker(self, worker: str, grace: float) -> None:
        for row in list(self._rows[worker].values()):
            self._unsubscribe(worker, row, grace)
        for socket_id, user_id in list(self._connections[worker].items()):
            self._disconnect(worker, Connection(socket_id, user_id))
        del self._rows[worker], self._connections[worker], self._leases[worker]
        self._stats.pop(worker, None)
