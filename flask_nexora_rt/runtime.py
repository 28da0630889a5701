"""What one process runs for one app: its log and its hub, made at first use, after any fork."""

from __future__ import annotations

import logging
import os
import random
import threading
import weakref
from collections.abc import Callable

from . import server
from .hub import Hub
from .log import EventLog, Limits
from .log.memory import MemoryLog
from .log.sole import SoleProcess
from .settings import Settings

logger = logging.getLogger(__name__)

_WORKER_BITS = 48


class Runtime:
    """One process's share of an app. Cheap to make; `log` and `hub` start what they need.

    ``_lock`` guards the making of both. ``worker`` names this process in socket ids.
    """

    def __init__(
        self, settings: Settings, clock: Callable[[], float], sole: SoleProcess | None
    ) -> None:
        self.pid = os.getpid()
        self.worker = random.SystemRandom().getrandbits(_WORKER_BITS)
        self._settings = settings
        self._clock = clock
        self._sole = sole
        self._lock = threading.Lock()
        self._log: EventLog | None = None
        self._hub: Hub | None = None

    @property
    def log(self) -> EventLog:
        """The log. Raises `NotServable` when it is in memory and another process uses it."""
        with self._lock:
            return self._open_log()

    def _open_log(self) -> EventLog:
        if self._log is None:
            if self._sole is not None:
                self._sole.acquire()
            self._log = open_log(self._settings, self._clock)
        return self._log

    @property
    def hub(self) -> Hub:
        """The hub, following the log."""
        with self._lock:
            if self._hub is None:
                limit = server.stream_limit(self._settings.max_streams)
                self._hub = Hub(self._open_log(), self._settings, limit, self._clock)
                self._hub.start()
                _runtimes.add(self)
                server.drain_on_sigterm(drain)
            return self._hub

    def drain(self) -> None:
        """End this process's streams and let a successor have the log."""
        if self._sole is not None:
            self._sole.release()
        if self._hub is not None:
            self._hub.drain()

    def close(self) -> None:
        """Stop everything at once (tests, and scripts that are done)."""
        if self._hub is not None:
            self._hub.stop()
        if self._log is not None:
            self._log.close()
        if self._sole is not None:
            self._sole.release()


def open_log(settings: Settings, clock: Callable[[], float]) -> EventLog:
    """Make the log that ``URL`` names; connects at first use."""
    limits = Limits(settings.retention_events, settings.retention_seconds, settings.window_bytes)
    if settings.in_memory:
        return MemoryLog(limits, clock)
    from .log.redis import RedisLog

    return RedisLog(settings.url, settings.app_id, limits, settings.publish_timeout)


_runtimes: weakref.WeakSet[Runtime] = weakref.WeakSet()


def drain() -> None:
    """End every stream of this process, of all its apps. Returns when they have ended."""
    for runtime in list(_runtimes):
        if runtime.pid == os.getpid():
            runtime.drain()
