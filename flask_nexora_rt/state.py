"""Everything one app has of this extension: ``app.extensions["nexora_rt"]``."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, current_app, has_request_context, request
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from .channels import Grant, Refusal
from .declarations import Declarations
from .errors import BrokerUnavailable, NotServable
from .events import Event, dump_json, make_event
from .identity import Caller, current_caller, public_id
from .limiter import Rate
from .log.sole import SoleProcess
from .messages.service import Hooks, MessageService, Rules
from .models import Models
from .outbox import Outbox
from .presence.base import Outcome
from .runtime import Runtime
from .settings import Settings
from .signals import BY_KIND
from .signing import SocketIds, Tickets

logger = logging.getLogger(__name__)

EXTENSION_KEY = "nexora_rt"


@dataclass
class State:
    """The per-app state. ``clock`` gives seconds since the epoch; tests move it."""

    app: Flask
    declared: Declarations
    settings: Settings
    db: Any = None
    models: Models | None = None
    clock: Callable[[], float] = time.time
    _runtimes: dict[int, Runtime] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.socket_ids = SocketIds(self.settings.secret)
        self.tickets = Tickets(self.settings.secret, self.settings.ticket_seconds, self.now)

    def now(self) -> float:
        return self.clock()

    @property
    def runtime(self) -> Runtime:
        """This process's runtime. Raises `NotServable` for ``memory://`` with many workers."""
        if self.settings.in_memory and has_request_context():
            _require_one_process(request.environ)
        pid = os.getpid()
        found = self._runtimes.get(pid)
        # setdefault, not a lock: a lock made before gunicorn patches or forks could block all.
        return found or self._runtimes.setdefault(pid, self._new_runtime())

    def _new_runtime(self) -> Runtime:
        guarded = self.settings.in_memory and not self.app.testing
        identity = (self.app.root_path, self.app.import_name, self.settings.app_id)
        sole = SoleProcess(*identity) if guarded else None
        return Runtime(self.settings, self.now, sole, self._send_signals)

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
        try:
            return str(self.runtime.log.bounds().last)
        except BrokerUnavailable:
            return None

    def limit_messages(self, user_id: str) -> None:
        """Count a message. Raises `TooManyRequests`; uncounted while the broker is away."""
        rate = Rate("messages", self.settings.message_rate, 1)
        try:
            self.runtime.limiter.require(rate, self.settings.app_id, user_id)
        except BrokerUnavailable as error:
            logger.info("a message is not counted: %s", error)

    def stop_typing(self, channel: str, user_id: str) -> None:
        """A message ends its sender's typing; that it is told must not fail the message."""
        try:
            self.runtime.typing.stop_if_typing(channel, user_id)
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
        return [self.declared.channels.authorize(channel, caller.user) for channel in channels]

    def is_presence(self, channel: str) -> bool:
        return self.declared.channels.is_presence(channel)

    def is_public(self, channel: str) -> bool:
        return self.declared.channels.is_public(channel)

    def event(self, channels: str | Sequence[str], name: str, data: Any, **rest: Any) -> Event:
        """Build an event with this app's limit and JSON provider; see `events.make_event`."""
        provider = self.app.json
        default = getattr(provider, "default", None)
        limit = self.settings.max_event_bytes
        return make_event(channels, name, data, limit=limit, default=default, **rest)

    def release_database(self) -> None:
        """Give the request's connection back: a stream may outlive it by hours."""
        db = self.db or self.app.extensions.get("sqlalchemy")
        if db is not None:
            db.session.close()

    @property
    def outbox(self) -> Outbox:
        """The outbox. Raises `NotServable` when the host has given no database."""
        return self.runtime.outbox(self._make_outbox)

    def _make_outbox(self) -> Outbox:
        if self.models is None:
            raise NotServable("this needs the database: call rt.init_app(app, db=db)")
        # A log in memory dies with its process, so its rows are nobody else's.
        mine = f"{self.runtime.worker:x}" if self.settings.in_memory else ""
        owner = f"{self.settings.app_id}{mine and ':'}{mine}"
        return Outbox(self.models.outbox, owner, self._engine, lambda: self.runtime.log)

    def _engine(self) -> Engine:
        with self.app.app_context():
            engine: Engine = self.db.engine
            return engine

    @property
    def messages(self) -> MessageService:
        """Messages on the current session."""
        outbox = self.outbox
        declared, settings = self.declared, self.settings
        hooks = Hooks(
            user_info=declared.user_info or (lambda user_id: None),
            members=declared.members,
            mentions=declared.mentions,
            may_moderate=declared.moderator or (lambda user_id, conversation_id: False),
        )
        rules = Rules(
            settings.max_message_length, settings.message_edit_seconds, settings.public_receipts
        )
        if self.models is None:
            raise NotServable("this needs the database: call rt.init_app(app, db=db)")
        session = self.db.session
        return MessageService(self.models, session, outbox, self.event, self.now, hooks, rules)

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


def _require_one_process(environ: dict[str, Any]) -> None:
    if environ.get("wsgi.multiprocess"):
        raise NotServable(
            "memory:// serves one process, and this server runs several: run one worker, or set "
            "NEXORA_RT_URL=redis://... to share the log"
        )


def current_state() -> State:
    """Return the state of the current app, or say what is missing."""
    state = current_app.extensions.get(EXTENSION_KEY)
    if state is None:
        raise RuntimeError(
            f"Flask-Nexora-RT is not set up for the app {current_app.name!r}: call "
            "rt.init_app(app), once, on the app that is in use"
        )
    found: State = state
    return found
