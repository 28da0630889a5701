"""Makes values in the background while their stale ones are given out."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final

logger = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 4
_MOST_REMEMBERED: Final = 1000


class Refresher:
    """A few threads at once, each for one key, in an application context of its own.

    Over the bound nothing is started: the stale value goes out, and the next read tries again.
    ``_lock`` guards ``_rest_until``: by key, before which monotonic second not to try.
    """

    def __init__(self, context: Callable[[], AbstractContextManager[Any]]) -> None:
        self._context = context
        self._slots = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._lock = threading.Lock()
        self._rest_until: dict[str, float] = {}

    def start(self, key: str, seconds: float, work: Callable[[], float]) -> None:
        """Begin unless it is under way. Never blocks.

        ``work`` takes about ``seconds`` at most and returns how long to leave the key alone.
        """
        now = time.monotonic()
        with self._lock:
            if self._rest_until.get(key, 0) > now or not self._slots.acquire(blocking=False):
                return
            self._forget(now)
            self._rest_until[key] = now + seconds
        args, name = (key, work), "nexora-rt-cache-refresh"
        thread = threading.Thread(target=self._run, args=args, name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # No more threads now: the caller has its value all the same.
            logger.warning("the cache key %r cannot be refreshed now", key, exc_info=True)
            self._slots.release()

    def _forget(self, now: float) -> None:
        if len(self._rest_until) >= _MOST_REMEMBERED:
            kept = {key: until for key, until in self._rest_until.items() if until > now}
            self._rest_until = kept if len(kept) < _MOST_REMEMBERED else {}

    def _run(self, key: str, work: Callable[[], float]) -> None:
        rest = 1.0
        try:
            with self._context():
                rest = work()
        except Exception:
            logger.exception("the cache key %r cannot be refreshed", key)
        finally:
            with self._lock:
                self._rest_until[key] = time.monotonic() + rest
            self._slots.release()
