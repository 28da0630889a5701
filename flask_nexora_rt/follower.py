"""Follows the log for one reader, for as long as the process lives."""

from __future__ import annotations

import logging
import threading
from typing import Protocol

from .dice import dice
from .errors import BrokerUnavailable
from .events import Position
from .log import Batch, Bounds, EntriesLost, EventLog, GapReason, Tail

logger = logging.getLogger(__name__)

_READ_SECONDS = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0


class Reader(Protocol):
    """Who is told of what the log brings: the hub. All calls come from one thread."""

    @property
    def position(self) -> Position:
        """The last position the reader has been given; ``(0, 0)`` before it has begun."""

    def begin(self, bounds: Bounds) -> None:
        """Start: entries after ``bounds.floor`` follow."""

    def begin_anew(self, bounds: Bounds, reason: GapReason) -> None:
        """Entries after the reader's position are lost: go on from ``bounds.last``."""

    def deliver(self, batch: Batch) -> None:
        """Take what follows the reader's position."""

    def read_to_the_end(self) -> None:
        """The log has been read as far as it went, for the first time or after a break."""


class Follower:
    """Tails a log in a thread of its own; a tail that breaks comes back where it ended."""

    def __init__(self, log: EventLog, reader: Reader) -> None:
        self.connected = False
        # Since a read of the log has failed, and until one succeeds: others need not wait for it.
        self.out_of_reach = False
        self._log = log
        self._reader = reader
        self._stopped = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._run, name="nexora-rt-tail", daemon=True).start()

    def stop(self) -> None:
        """Let the thread end after its current read."""
        self._stopped.set()

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopped.is_set():
            try:
                self._read_on()
                pause = _FIRST_PAUSE
                # Ephemeral events between two tails are missed: the reader has to be told.
                self.connected = False
            except BrokerUnavailable as error:
                if self.connected:
                    logger.warning("the log is out of reach, streams stay open: %s", error)
                    pause = _FIRST_PAUSE
                self.connected, self.out_of_reach = False, True
                self._stopped.wait(pause * dice.uniform(0.5, 1.5))  # jitter
                pause = min(pause * 2, _LONGEST_PAUSE)
            except Exception:
                logger.exception("the tail of the log failed; it starts again")
                self.connected = False
                self._stopped.wait(_LONGEST_PAUSE)

    def _read_on(self) -> None:
        """Open a tail where the last one ended, and read until it breaks."""
        last = self._check_log()
        self.out_of_reach = False
        tail = self._log.tail(self._reader.position)
        try:
            while not self._stopped.is_set():
                if not self.connected and self._reader.position >= last:
                    self.connected = True
                    self._reader.read_to_the_end()
                batch = self._read(tail)
                if batch is None:
                    return
                if batch.entries or batch.ephemeral:
                    self._reader.deliver(batch)
                elif self._lost_something():
                    return
        finally:
            tail.close()

    def _read(self, tail: Tail) -> Batch | None:
        """Read once; None when the tail has lost entries and a new one has to be opened."""
        try:
            return tail.read(_READ_SECONDS)
        except EntriesLost:
            logger.warning("events came faster than they could be read: streams are told a gap")
            bounds = self._log.bounds(seen=self._reader.position)
            self._reader.begin_anew(bounds, bounds.gap(self._reader.position) or "expired")
            return None

    def _lost_something(self) -> bool:
        """Ask the log, which is idle; True when the reader had to begin anew."""
        before = self._reader.position
        self._check_log()
        return self._reader.position != before

    def _check_log(self) -> Position:
        """Compare the log with what has been read of it; return its last position.

        A flush does not wake a blocked reader, and a fail-over or a long absence may have taken
        entries that nobody read: only asking shows it.
        """
        position = self._reader.position
        if position == (0, 0):
            bounds = self._log.bounds()
            self._reader.begin(bounds)
            return bounds.last
        bounds = self._log.bounds(seen=position)
        reason = bounds.gap(position)
        if reason is not None:
            self._reader.begin_anew(bounds, reason)
        return bounds.last
