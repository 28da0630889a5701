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

_BEAT_SECONDS = 2.0
_CHANGES_PER_CALL = 500
_MOST_WAITING = 50_000
_OTHERS_SECONDS = 3.0


class Worker(Protocol):
    """Whose streams these are: the hub."""

    def changes(self) -> list[Change]:
        """Return every row and connection that there is now."""

    def joined(self, rows: Sequence[Row], load: Callable[[str], Snapshot]) -> None:
        """These rows are in the record; ``load`` gives the members of a channel."""

    def unloaded(self) -> list[str]:
        """Return the channels whose members have to be loaded."""

    def loaded(self, channel: str, snapshot: Snapshot) -> None:
        """These are the members of a channel."""

    def stats(self) -> dict[str, Any]:
        """Return this worker's figures."""


class Registrar:
    """One thread per worker that writes to the record, in batches, in order.

    What it cannot write it does not keep: once the record can be reached again, it tells
    everything there is, under a new name, and lets the rows of the old name be swept. So a
    lost reply or a lost record ends in the same state as no fault. ``_wake`` guards ``_waiting``.
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
        self._stale = True
        self._reload = False
        self._stopped = False
        self._next_beat = 0.0
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
            self._reload = True
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
        """One turn: wait for changes or for the next beat, and do what is due."""
        with self._wake:
            due = self._next_beat - time.monotonic()
            if not (self._waiting or self._stale or self._reload or self._stopped):
                self._wake.wait(max(due, 0.001))
        if self._stale:
            self._tell_anew()
        while changes := self._take():
            self._write(changes)
            self._show(changes)
        if self._reload:
            self._reload = False
            self._load()
        if time.monotonic() >= self._next_beat:
            self._next_beat = time.monotonic() + _BEAT_SECONDS
            if not self._store.renew(self.row_owner, self._worker.stats()):
                self._stale = True
            self._told(self._store.sweep())

    def _take(self) -> list[Change]:
        with self._wake:
            taken = self._waiting[:_CHANGES_PER_CALL]
            del self._waiting[:_CHANGES_PER_CALL]
        return taken

    def _tell_anew(self) -> None:
        before, first = self.row_owner, self._epoch == 0
        lost = not self._store.renew(before, self._worker.stats()) and not first
        with self._wake:
            # Changes from here on are queued; those before are in what there is now.
            self._waiting.clear()
            self._stale = False
        self._epoch += 1
        self._store.renew(self.row_owner, self._worker.stats())
        changes = self._worker.changes()
        for start in range(0, len(changes), _CHANGES_PER_CALL):
            self._write(changes[start : start + _CHANGES_PER_CALL])
        if lost:
            # The whole record is new: the other workers need a moment to tell theirs, or their
            # members would seem to leave and come back.
            time.sleep(_OTHERS_SECONDS)
        self._store.leave(before)
        self._load()
        self._show(changes)

    def _load(self) -> None:
        for channel in self._worker.unloaded():
            self._worker.loaded(channel, self._store.snapshot(channel))

    def _write(self, changes: list[Change]) -> None:
        held, outcomes = self._store.apply(self.row_owner, changes)
        self._stale = self._stale or not held
        self._told(outcomes)

    def _show(self, changes: list[Change]) -> None:
        rows = [c.what for c in changes if c.present and isinstance(c.what, Row) and c.what.info]
        if rows:
            self._worker.joined(rows, self._store.snapshot)
