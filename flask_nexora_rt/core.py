"""What every part of one app works with: settings, database, runtime, log, who calls."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, has_request_context, request
from flask_caching import Cache
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from .attachments import AttachmentStorage
from .cache.opening import open_cache
from .cache.service import CacheService
from .cache.warmup import run_warm_ups
from .channels import Grant, Refusal
from .declarations import Declarations
from .errors import BrokerUnavailable, InvalidName, NotServable
from .events import Event, dump_json, make_event
from .identity import Caller, current_caller, public_id
from .limiter import Limiter, Rate
from .log import EventLog
from .log.sole import SoleProcess
from .models import Models
from .outbox import Outbox
from .presence.base import Outcome
from .runtime import Runtime
from .settings import Settings
from .signals import BY_KIND
from .signing import SocketIds, Tickets
from .transaction import begin_before_savepoints
from .vocabulary import user as user_channel

logger = logging.getLogger(__name__)

# Changes of messages are counted over so many seconds.
_CHANGES_SECONDS = 10


@dataclass
class AppCore:
    """One app's. ``clock`` gives seconds since the epoch; tests move it."""

    app: Flask
    declared: Declarations
    settings: Settings
    db: Any = None
    models: Models | None = None
    attachment_storage: AttachmentStorage | None = None
    host_cache: Cache | None = None
    clock: Callable[[], float] = time.time
    _runtimes: dict[int, Runtime] = field(default_factory=dict, repr=False)
    _caches: dict[int, CacheService] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.socket_ids = SocketIds(self.settings.secret)
        self._relaying = 0
        self.tickets = Tickets(self.settings.secret, self.settings.ticket_seconds, self.now)

    def now(self) -> float:
        return self.clock()

    @property
    def runtime(self) -> Runtime:
        """This process's runtime. Raises `NotServable` for ``memory://`` with many workers."""
        if self.settings.in_memory and has_request_context():
            _require_one_process(request.environ)
        return self._own_runtime()

    def _own_runtime(self) -> Runtime:
        pid = os.getpid()
        found = self._runtimes.get(pid)
        # setdefault, not a lock: a lock made before gunicorn patches or forks could block all.
        return found or self._runtimes.setdefault(pid, self._new_runtime())

    def _new_runtime(self) -> Runtime:
        guarded = self.settings.in_memory and not self.app.testing
        identity = (self.app.root_path, self.app.import_name, self.settings.app_id)
        sole = SoleProcess(*identity) if guarded else None
        return Runtime(self.settings, self.now, sole, self._send_signals, self.declared.aliases)

    def _send_signals(self, outcomes: Sequence[Outcome]) -> None:
        if not outcomes:
            return
        with self.app.app_context():
            for kind, channel, user_id in outcomes:
                about: dict[str, Any] = {"channel": channel}
                about |= {"user_id": user_id} if user_id else {}
                try:
                    BY_KIND[kind].send(self.app, **about)
                except Exception:
                    # The host's own fault must not keep presence from being right.
                    logger.exception("a receiver of %s has failed", kind)

    def own_socket(self, socket_id: str) -> str | None:
        """Return the socket id when it may be excluded: nobody keeps events from others' streams.

        A request excludes its caller's own; scripts and jobs know what they do.
        """
        if not has_request_context() or self.socket_ids.is_owner(socket_id, self.caller().id):
            return socket_id
        return None

    def position(self) -> str | None:
        """Return the log's position now; None while the broker is away: rows can still be read."""
        if self.runtime.out_of_reach:
            return None
        try:
            return str(self.runtime.log.bounds().last)
        except BrokerUnavailable:
            return None

    def limit_messages(self, user_id: str) -> None:
        """Count a message. Raises `TooManyRequests`; uncounted while the broker is away."""
        self._limit(Rate("messages", self.settings.message_rate, 1), user_id)

    def limit_uploads(self, user_id: str) -> None:
        """Count an upload, as `limit_messages` and as many, but not together with them."""
        self._limit(Rate("uploads", self.settings.message_rate, 1), user_id)

    def limit_changes(self, user_id: str) -> None:
        """Count an edit, a reaction or a receipt: who reads up fast may be faster for a while."""
        rate = Rate("changes", self.settings.change_rate * _CHANGES_SECONDS, _CHANGES_SECONDS)
        self._limit(rate, user_id)

    def _limit(self, rate: Rate, user_id: str) -> None:
        try:
            self.runtime.limiter.require(rate, self.settings.app_id, user_id)
        except BrokerUnavailable as error:
            logger.info("%s are not counted: %s", rate.name, error)

    def stop_typing(self, channel: str, user_id: str) -> None:
        """A message ends its sender's typing; that it is told must not fail the message."""
        try:
            self.runtime.stop_typing(channel, user_id)
        except BrokerUnavailable as error:
            logger.info("typing runs out by itself: %s", error)

    def presence_info(self, grant: Grant, caller: Caller) -> str | None:
        """Return what a presence channel shows of the caller, as JSON; None: not visible."""
        if caller.id is None or not self.is_presence(grant.channel):
            return None
        info = grant.user_info
        if info is None and self.declared.user_info is not None:
            info = dict(self.declared.user_info(caller.id) or {})
        return dump_json(info or {}).decode()

    def caller(self) -> Caller:
        """Who makes the current request."""
        return current_caller(self.declared.user_id)

    def public_id(self, user: Any) -> str:
        """Return the public id of one of the host's user objects."""
        return public_id(user, self.declared.user_id)

    def authorize(self, channels: Sequence[str], caller: Caller) -> list[Grant | Refusal]:
        """Ask the host about each channel, in order."""
        return [self._authorize(channel, caller) for channel in channels]

    def _authorize(self, channel: str, caller: Caller) -> Grant | Refusal:
        """Ask the host; one's own user channel needs no declaration."""
        if channel == _own_channel(caller) and self.declared.channels.find(channel) is None:
            return Grant(channel)
        return self.declared.channels.authorize(channel, caller.user)

    def is_presence(self, channel: str) -> bool:
        return self.declared.channels.is_presence(channel)

    def is_conversation(self, channel: str) -> bool:
        return self.declared.channels.is_conversation(channel)

    def is_public(self, channel: str) -> bool:
        return self.declared.channels.is_public(channel)

    def event(self, channels: str | Sequence[str], name: str, data: Any, **rest: Any) -> Event:
        """Build an event with this app's limit and JSON provider; see `events.make_event`."""
        provider = self.app.json
        default = getattr(provider, "default", None)
        limit = self.settings.max_event_bytes
        names = self.declared.mirrors.with_mirrors(channels)
        return make_event(names, name, data, limit=limit, default=default, **rest)

    def release_database(self) -> None:
        """Give the request's connection back: a stream may outlive it by hours."""
        db = self.db or self.app.extensions.get("sqlalchemy")
        if db is not None:
            db.session.close()

    @property
    def outbox(self) -> Outbox:
        """The outbox. Raises `NotServable` when the host has given no database."""
        return self.runtime.outbox(self._make_outbox)

    def start_relay(self) -> None:
        """Publish what other processes of the app have left; before each request, starts once.

        Not in tests: there the outbox starts with the first thing that is written.
        """
        if self._relaying != os.getpid() and not self.app.testing:
            self._relaying = os.getpid()
            try:
                self.outbox.wake()
            except NotServable as error:
                # The host's pages work without; our own routes answer with this error.
                logger.warning("events are not published by this process: %s", error)

    def prepare_database(self) -> None:
        """Mend what SQLite's driver does with SAVEPOINTs, as soon as there is an engine."""
        try:
            begin_before_savepoints(self.engine())
        except RuntimeError:
            # db.init_app comes after ours: then it is done with the first thing written.
            logger.debug("the database has no engine yet", exc_info=True)

    def _make_outbox(self) -> Outbox:
        self.prepare_database()
        # With a log in memory, too: what a command commits is sent by the process that serves.
        owner = self.settings.app_id
        return Outbox(self.stored.outbox, owner, self.engine, self._log_within_reach)

    def _log_within_reach(self) -> EventLog:
        """The log. Raises `BrokerUnavailable` at once where it is known to be away."""
        if self.runtime.out_of_reach:
            raise BrokerUnavailable("the log is out of reach: nothing is lost by trying again")
        return self.runtime.log

    @property
    def stored(self) -> Models:
        """The models. Raises `NotServable` when the host has given no database."""
        if self.models is None:
            raise NotServable("this needs the database: call rt.init_app(app, db=db)")
        return self.models

    def engine(self) -> Engine:
        """The database's engine, also outside any request."""
        with self.app.app_context():
            engine: Engine = self.db.engine
            return engine

    @property
    def cache(self) -> CacheService:
        """The cache. With ``memory://`` too it serves many processes, if its store does."""
        # A hit costs microseconds, so the way to it is short.
        found = self._caches.get(os.getpid())
        return found or self._caches.setdefault(os.getpid(), self._own_cache())

    def _own_cache(self) -> CacheService:
        return self._own_runtime().cache(self._make_cache)

    def _make_cache(self) -> CacheService:
        client = None if self.settings.in_memory else self._own_runtime().redis
        return open_cache(self.app, self.host_cache, self.settings, self.now, client)

    @property
    def local_limiter(self) -> Limiter:
        """Limits counted in this process alone, which no broker has to be there for."""
        return self._own_runtime().local_limiter

    def warm(self, names: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Run the declared warm-ups, or those named; see `run_warm_ups`."""
        return run_warm_ups(self.declared.warm_ups, names)

    def database_answers(self) -> bool:
        """Say whether the host's database runs a query."""
        try:
            self.db.session.execute(text("SELECT 1"))
        except SQLAlchemyError:
            logger.warning("the database does not answer", exc_info=True)
            return False
        finally:
            self.release_database()
        return True


def _own_channel(caller: Caller) -> str | None:
    try:
        return None if caller.id is None else user_channel(caller.id)
    except InvalidName:
        return None  # too long an id for a name


def _require_one_process(environ: dict[str, Any]) -> None:
    if environ.get("wsgi.multiprocess"):
        raise NotServable(
            "memory:// serves one process, and this server runs several: run one worker, or set "
            "NEXORA_RT_URL=redis://... to share the log"
        )
