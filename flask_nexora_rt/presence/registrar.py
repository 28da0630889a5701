"""Tells the shared record what the streams of this worker do, keeps its lease, and sweeps."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from ..errors import BrokerUnavailable
from .base import Change, Outcome, PresenceStore, Row, Snapshot

logger = logging.getLogger(__name__)

BEAT_SECONDS = 2.0
_CHANGES_PER_CALL = 500
_MOST_WAITING = 50_000
_OTHERS_SECONDS = 3.0


class Worker(Protocol):
    """Whose streams these are: the hub."""

    def changes(self) -> list[Change]:
        """Return every row and connection that there is now."""

    def joined(self, rows: Sequence[Row]) -> list[str]:
        """These rows are in the record; return those of their channels that have to be loaded."""

    def unloaded(self) -> list[str]:
        """Return all channels whose members have to be loaded."""

    def load(self, channel: str, ask: Callable[[str], Snapshot]) -> None:
        """Load the members of a channel: ``ask`` gives what the record says."""

    def stats(self) -> dict[str, Any]:
        """Return this worker's figures."""


class Registrar:
    """One thread per worker that writes to the record, in batches, in order.

    What it cannot write it does not keep: once the record can be reached again, it tells
    everything there is, under a new name, and lets the rows of the old name be swept. So a
    lost reply or a lost record ends in the same state as no fault. Other workers may have had
    the same fault: until they have told theirs too, nobody is taken for gone.

    ``_wake`` guards ``_waiting``, ``_wanted`` (channels to load) and ``_stale``.
    """

    def __init__(
        self,
        store: PresenceStore,
        name: int,
        worker: Worker,
        told: Callable[[Sequence[Outcome]], None],
    ) -> None:
        self._store = store
        self._worker = worker
        self._told = told
        self._name, self._epoch = name, 0
        self._wake = threading.Condition()
        self._waiting: list[Change] = []
        self._wanted: set[str] = set()
        # Not yet: the worker says `distrust` when it begins to hear of members.
        self._stale = False
        self._stopped = False
        self._next_beat = time.monotonic() + BEAT_SECONDS
        self._patient_until = self._load_from = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="nexora-rt-presence", daemon=True)

    @property
    def row_owner(self) -> str:
        """The name that owns this worker's rows at present."""
        return f"{self._name}.{self._epoch}"

    def start(self) -> None:
        self._thread.start()

    def add(self, changes: Iterable[Change]) -> None:
        """Queue changes; never blocks. Over the bound everything is told anew instead."""
        with self._wake:
            self._waiting.extend(changes)
            if len(self._waiting) > _MOST_WAITING:
                self._waiting.clear()
                self._stale = True
            self._wake.notify()

    def distrust(self) -> None:
        """The record may have lost something: tell everything anew."""
        with self._wake:
            self._stale = True
            self._wake.notify()

    def reload(self, channel: str) -> None:
        """A worker's copy of a channel has missed a change: load it again."""
        logger.debug("the members of %s are loaded again", channel)
        with self._wake:
            self._wanted.add(channel)
            self._wake.notify()

    def stop(self, timeout: float = 1.0) -> None:
        """Write what waits, give the lease back, end. Returns after ``timeout`` at most."""
        with self._wake:
            self._stopped = True
            self._wake.notify()
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stopped:
            try:
                self._work()
            except BrokerUnavailable as error:
                if not self._stale:
                    logger.warning("presence cannot be written, it is told anew later: %s", error)
                self._stale = True
                time.sleep(0.5)
            except Exception:
                logger.exception("presence failed; it is told anew")
                self._stale = True
                time.sleep(1)
        self._finish()

    def _finish(self) -> None:
        try:
            while changes := self._take():
                self._write(changes)
            self._store.leave(self.row_owner)
        except BrokerUnavailable as error:
            logger.warning("presence is not given back, its lease runs out instead: %s", error)

    def _work(self) -> None:
        """One turn: wait until something is due, and do it."""
        with self._wake:
            if pause := self._pause():
                self._wake.wait(pause)
        if self._stale:
            self._tell_anew()
        while changes := self._take():
            self._write(changes)
            self._load()
        self._load()
        if time.monotonic() >= self._next_beat:
            self._beat()

    def _pause(self) -> float:
        """Return in how many seconds something is due, as far as is known now."""
        if self._waiting or self._stale or self._stopped:
            return 0
        due = min(self._next_beat, self._load_from) if self._wanted else self._next_beat
        return max(0.0, due - time.monotonic())

    def _beat(self) -> None:
        now = time.monotonic()
        if now > self._next_beat + BEAT_SECONDS:
            # Stopped for a while, perhaps with the whole machine: the others were too.
            self._patient_until = now + _OTHERS_SECONDS
        self._next_beat = now + BEAT_SECONDS
        if not self._store.renew(self.row_owner, self._worker.stats()):
            self._stale = True
        self._told(self._store.sweep(patient=now < self._patient_until))

    def _take(self) -> list[Change]:
        with self._wake:
            taken = self._waiting[:_CHANGES_PER_CALL]
            del self._waiting[:_CHANGES_PER_CALL]
        return taken

    def _tell_anew(self) -> None:
        before, first = self.row_owner, self._epoch == 0
        with self._wake:
            # Changes from here on are queued; those before are in what there is now.
            self._waiting.clear()
            self._stale = False
        self._epoch += 1
        self._patient_until = time.monotonic() + _OTHERS_SECONDS
        if not first:
            self._load_from = self._patient_until
        self._store.renew(self.row_owner, self._worker.stats())
        changes = self._worker.changes()
        for start in range(0, len(changes), _CHANGES_PER_CALL):
            self._write(changes[start : start + _CHANGES_PER_CALL])
        self._store.leave(before)
        self._told(self._store.sweep(patient=True))
        self._want(self._worker.unloaded())

    def _want(self, channels: Iterable[str]) -> None:
        with self._wake:
            self._wanted.update(channels)

    def _load(self) -> None:
        if not self._wanted or time.monotonic() < self._load_from:
            return
        with self._wake:
            channels, self._wanted = self._wanted, set()
        for channel in channels:
            self._worker.load(channel, self._store.snapshot)

    def _write(self, changes: list[Change]) -> None:
        held, outcomes = self._store.apply(self.row_owner, changes)
        self._stale = self._stale or not held
        self._told(outcomes)
        rows = [c.what for c in changes if c.present and isinstance(c.what, Row) and c.what.info]
        if rows:
            self._want(self._worker.joined(rows))
