"""Everything one app has of this extension: ``app.extensions["nexora_rt"]``."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, current_app, has_request_context, request
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from .channels import Grant, Refusal
from .declarations import Declarations
from .errors import NotServable
from .events import Event, dump_json, make_event
from .identity import Caller, current_caller, public_id
from .log.sole import SoleProcess
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
