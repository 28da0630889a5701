"""What one process runs for one app: its log and its hub, made at first use, after any fork."""

from __future__ import annotations

import logging
import os
import random
import threading
import weakref
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, TypeVar

from . import server
from .aliases import Aliases
from .cache.service import CacheService
from .events import Event
from .holding import Holding
from .hub import Hub
from .limiter import Limiter
from .log import EventLog, Limits
from .log.memory import MemoryLog
from .log.sole import SoleProcess
from .outbox import Outbox
from .presence.attendance import Attendance
from .presence.base import Outcome, PresenceStore
from .presence.memory import MemoryPresence
from .settings import Settings
from .steering import ANSWER, COMMAND, Steering
from .typing import Typing, TypingWatch

if TYPE_CHECKING:
    import redis

    from .redis_client import RedisClient

T = TypeVar("T")

logger = logging.getLogger(__name__)

_WORKER_BITS = 48


class Runtime:
    """One process's share of an app. Cheap to make; each part starts when it is first used.

    ``_lock`` guards the making of the parts, ``_log_lock`` that of the log. ``worker`` names
    this process in socket ids; ``told`` is given what the shared record says has become true.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float],
        sole: SoleProcess | None,
        told: Callable[[Sequence[Outcome]], None],
        aliases: Aliases,
    ) -> None:
        self.pid = os.getpid()
        self.worker = random.SystemRandom().getrandbits(_WORKER_BITS)
        self._settings = settings
        self._clock = clock
        self._sole = sole
        self._told = told
        self._aliases = aliases
        self._lock = threading.RLock()
        # Of its own: who has to wait for a log in memory holds up nobody who needs none.
        self._log_lock = threading.Lock()
        self._outbox: Outbox | None = None
        self._cache: CacheService | None = None

    @cached_property
    def log(self) -> EventLog:
        """The log. Raises `NotServable` when it is in memory and another process uses it."""
        with self._log_lock:
            return self._make_once("log", self._make_log)

    @cached_property
    def presence(self) -> PresenceStore:
        """The shared record of who is where."""
        with self._lock:
            return self._make_once("presence", self._make_presence)

    @cached_property
    def limiter(self) -> Limiter:
        patience = min(1.0, self._settings.publish_timeout)
        return Limiter(self._settings.url, self._settings.app_id, patience)

    @cached_property
    def local_limiter(self) -> Limiter:
        """For what has to be limited without a broker, too: counts in this process alone."""
        return Limiter("memory://", self._settings.app_id)

    @cached_property
    def typing(self) -> Typing:
        return Typing(self.log, self.limiter)

    def stop_typing(self, channel: str, user_id: str) -> None:
        """Tell that a user types no more, if it has been told that it does."""
        told = None
        if "station" in self.__dict__:
            told = self.station.typing_watch.is_told(channel, user_id)
        if self.typing.is_told(channel, user_id) if told is None else told:
            self.typing.stop(channel, user_id)

    @property
    def out_of_reach(self) -> bool:
        """Whether the log is known to be; only who serves streams watches it."""
        return "station" in self.__dict__ and self.station.hub.out_of_reach

    @property
    def hub(self) -> Hub:
        """The hub, following the log, with everything around it."""
        return self.station.hub

    @cached_property
    def station(self) -> Station:
        with self._lock:
            return self._make_once("station", self._make_station)

    def _make_once(self, name: str, make: Callable[[], T]) -> T:
        # Another thread may have made it while this one waited for the lock.
        found: T | None = self.__dict__.get(name)
        return make() if found is None else found

    def outbox(self, make: Callable[[], Outbox]) -> Outbox:
        """This process's outbox; ``make`` is called once."""
        with self._lock:
            if self._outbox is None:
                self._outbox = make()
            return self._outbox

    def cache(self, make: Callable[[], CacheService]) -> CacheService:
        """This process's cache; ``make`` is called once."""
        if self._cache is None:
            with self._lock:
                if self._cache is None:
                    self._cache = make()
        return self._cache

    def redis(self) -> redis.Redis:
        """Return the client of the log's Redis."""
        return self._client.redis

    def _make_log(self) -> EventLog:
        if self._sole is not None:
            self._sole.acquire()
        settings = self._settings
        limits = Limits(
            settings.retention_events, settings.retention_seconds, settings.window_bytes
        )
        if settings.in_memory:
            return MemoryLog(limits, self._clock)
        from .log.redis import RedisLog

        return RedisLog(self._client, settings.app_id, limits)

    @cached_property
    def _client(self) -> RedisClient:
        from .redis_client import RedisClient

        return RedisClient(self._settings.url, self._settings.publish_timeout)

    def _make_presence(self) -> PresenceStore:
        if self._settings.in_memory:
            return MemoryPresence(self.log.emit, self._clock)
        from .presence.redis import RedisPresence

        return RedisPresence(self._client, self._settings.app_id)

    def _make_station(self) -> Station:
        limit = server.stream_limit(self._settings.max_streams)
        hub = Hub(self.log, self._settings, limit, self._clock, self._aliases)
        station = Station(hub, self.log, self.presence, self.typing, self.worker, self._told)
        station.start()
        _runtimes.add(self)
        server.drain_on_sigterm(drain)
        return station

    def drain(self) -> None:
        """End this process's streams and let a successor have the log."""
        if self._sole is not None:
            self._sole.release()
        if "station" in self.__dict__:
            self.station.drain()
        if self._outbox is not None:
            self._outbox.stop()

    def close(self) -> None:
        """Stop everything at once (tests, and scripts that are done)."""
        if self._outbox is not None:
            self._outbox.stop()
        if "station" in self.__dict__:
            self.station.stop()
        if self._cache is not None:
            self._cache.close()
        if "log" in self.__dict__:
            self.log.close()
        if self._sole is not None:
            self._sole.release()


class Station:
    """One worker's hub with presence, steering and typing around it."""

    def __init__(
        self,
        hub: Hub,
        log: EventLog,
        presence: PresenceStore,
        typing: Typing,
        worker: int,
        told: Callable[[Sequence[Outcome]], None],
    ) -> None:
        self.hub = hub
        self.attendance = Attendance(hub, presence, worker, told)
        self.steering = Steering(log, worker, hub.wait_for_start)
        holding = Holding(hub)
        self.steering.actions |= holding.actions
        self.steering.slow_actions |= holding.slow_actions
        self.typing_watch = TypingWatch(hub, typing)
        for name, control in (
            (COMMAND, self.steering.on_command),
            (ANSWER, self.steering.on_answer),
        ):
            hub.controls[name] = partial(self._later, control)

    def _later(self, control: Callable[[Event], None], event: Event) -> None:
        self.hub.errands.append(partial(control, event))

    def start(self) -> None:
        self.attendance.registrar.start()
        self.hub.start()

    def drain(self) -> None:
        self.hub.drain()
        self.attendance.registrar.stop()

    def stop(self) -> None:
        self.hub.stop()
        self.attendance.registrar.stop()


_runtimes: weakref.WeakSet[Runtime] = weakref.WeakSet()


def drain() -> None:
    """End every stream of this process, of all its apps. Returns when they have ended."""
    for runtime in list(_runtimes):
        if runtime.pid == os.getpid():
            runtime.drain()
