"""What the cache has done, in this process and in all of them."""

from __future__ import annotations

import atexit
import logging
import threading
from typing import Final

from .base import Totals

logger = logging.getLogger(__name__)

COUNTERS: Final = {
    "hits": "Reads that found a fresh value.",
    "stale_hits": "Reads that were given a stale value.",
    "misses": "Reads that found nothing.",
    "sets": "Values written.",
    "deletes": "Keys deleted.",
    "factory_runs": "Factories run.",
    "factory_errors": "Factories that raised.",
    "refreshes": "Values made in the background.",
    "lock_waits": "Callers that waited for somebody else's factory.",
    "wait_timeouts": "Callers that waited too long and ran the factory themselves.",
    "late_values": "Values not stored because of a newer value, a delete or a clear.",
    "store_errors": "Operations that the store did not serve.",
}
_FLUSH_SECONDS = 2.0


class Statistics:
    """Counts; what is new goes to the shared totals every two seconds, in a thread of its own.

    ``_lock`` guards the counters and ``_timer``.
    """

    def __init__(self, totals: Totals) -> None:
        self._totals = totals
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._counts = dict.fromkeys(COUNTERS, 0)
        self._flushed = dict(self._counts)
        self._timer: threading.Timer | None = None
        self._registered = False

    def count(self, name: str) -> None:
        with self._lock:
            self._counts[name] += 1
            if self._timer is None:
                self._start()

    def _start(self) -> None:
        if not self._registered:
            atexit.register(self.flush)
            self._registered = True
        self._timer = threading.Timer(_FLUSH_SECONDS, self._tick)
        self._timer.daemon = True
        self._timer.name = "nexora-rt-cache-totals"
        self._timer.start()

    def _tick(self) -> None:
        with self._lock:
            self._timer = None
        self.flush()

    def flush(self) -> bool:
        """Add what is new to the totals; False when they cannot be reached, it is kept then.

        At least once: what was added and not answered for is added again.
        """
        with self._flushing:
            counts = self.process()
            new = {k: v - self._flushed[k] for k, v in counts.items() if v > self._flushed[k]}
            try:
                if new:
                    self._totals.add(new)
            except Exception as error:  # noqa: BLE001 - whatever stands behind the totals
                logger.info("the cache's totals are told later: %s", error)
                return False
            self._flushed = counts
            return True

    def process(self) -> dict[str, int]:
        """Return the counters of this process."""
        with self._lock:
            return dict(self._counts)

    def summed(self) -> dict[str, int]:
        """Return the counters of all processes, this one's as of now, others' of seconds ago.

        Those of this process alone while the totals cannot be reached.
        """
        if not self.flush():
            return self.process()
        try:
            return dict.fromkeys(COUNTERS, 0) | self._totals.read()
        except Exception as error:  # noqa: BLE001 - whatever stands behind the totals
            logger.info("the cache's totals cannot be read: %s", error)
            return self.process()

    def close(self) -> None:
        """Tell the totals what is left."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        self.flush()
        atexit.unregister(self.flush)
