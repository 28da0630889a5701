"""Saved, then sent: an event is a row of the transaction it belongs to, published after commit.

At least once into the log's dedupe window, so once in practice; in the order of the rows. A
rollback takes the row with it, a crash or a broker that is away leaves it, and any worker of the
app publishes what is left.
"""

from __future__ import annotations

import atexit
import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine, delete, event, func, insert, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, SessionTransaction, scoped_session
from sqlalchemy.pool import StaticPool

from .errors import BrokerUnavailable, NexoraError, NotServable
from .events import Event
from .log import EventLog

logger = logging.getLogger(__name__)

_POLL_SECONDS, _MAX_PAUSE_SECONDS = 1.0, 60.0
# Under load: what is committed meanwhile shares the next turn's statements and its append.
_PAUSE_SECONDS = 0.02
_ROWS_PER_TURN = 200
_WAITING, _WATCHED = "nexora_rt_outboxes", "nexora_rt_watched"


class Outbox:
    """The outbox of one app in one process.

    ``model`` is the app's outbox table, ``engine`` gives the database outside any request,
    ``owner`` names whose log the rows are for: apps may share a database.
    """

    def __init__(
        self,
        model: type[Any],
        owner: str,
        engine: Callable[[], Engine],
        log: Callable[[], EventLog],
    ) -> None:
        self._model = model
        self._owner = owner
        self._engine = engine
        self._log = log
        self._wake = threading.Event()
        self._stopped = False
        self._told_why = False
        self._told_waiting = False
        # Seconds until it looks again by itself; longer while the database fails.
        self._pause = _POLL_SECONDS
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    @property
    def owner(self) -> str:
        """Whose log the rows are for."""
        return self._owner

    def add(self, session: Session | scoped_session[Any], events: Sequence[Event]) -> None:
        """Let the events be published when the outermost transaction of the session commits."""
        real = session() if isinstance(session, scoped_session) else session
        rows = [{"owner": self._owner, "event": write_event(one)} for one in events]
        if rows:
            real.execute(insert(self._model.__table__), rows)
        self._watch(real)

    def _watch(self, session: Session) -> None:
        """Wake the relay when the session's outermost transaction ends, however it ends.

        ``after_commit`` would not do: it also fires when a SAVEPOINT is released.
        """
        outboxes: set[Outbox] = session.info.setdefault(_WAITING, set())
        if _WATCHED not in session.info:
            session.info[_WATCHED] = True
            event.listen(session, "after_transaction_end", _ended)
        outboxes.add(self)

    def wake(self) -> None:
        """Publish what is committed, soon; at once where another thread could not see it."""
        if isinstance(self._engine().pool, StaticPool):
            self._drain_always()
        else:
            self.start()
            self._wake.set()

    def start(self) -> None:
        """Let a thread of this process publish what it or a dead one has left. Idempotent."""
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="nexora-rt-outbox", daemon=True
                )
                self._thread.start()
                atexit.register(self.stop)

    def stop(self, timeout: float = 2.0) -> None:
        """Publish what is committed, then end; what takes longer is left to another worker."""
        self._stopped = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stopped:
            self._wake.wait(self._pause)
            self._wake.clear()
            self._drain_always()
            if self._wake.is_set() and not self._stopped:
                time.sleep(_PAUSE_SECONDS)
        # It may have been told to stop just after it had looked: what came between is left.
        self._drain_always()

    def _drain_always(self) -> None:
        """Drain; no error may end the thread, or nothing is published until a restart."""
        try:
            self.drain()
        except Exception:
            self._pause = min(2 * self._pause, _MAX_PAUSE_SECONDS)
            logger.exception("committed events cannot be published, it is tried again")

    def drain(self) -> None:
        """Publish until nothing is left, or until it cannot be done now."""
        try:
            while self._turn():
                pass
            self._pause, self._told_waiting = _POLL_SECONDS, False
        except BrokerUnavailable as error:
            level = logging.DEBUG if self._told_waiting else logging.WARNING
            self._told_waiting = True
            logger.log(level, "committed events wait for the broker: %s", error)
        except NotServable as error:
            # Every second, until this process ends or the other one does: once is enough.
            level = logging.DEBUG if self._told_why else logging.INFO
            self._told_why = True
            logger.log(level, "committed events wait for the process that has the log: %s", error)
        except SQLAlchemyError:
            self._pause = min(2 * self._pause, _MAX_PAUSE_SECONDS)
            logger.warning("the outbox cannot be read, it is tried again", exc_info=True)

    def _turn(self) -> bool:
        """Publish some rows, oldest first; False when those were all: what comes later wakes it.

        Without a lock: every turn takes the oldest rows there are, in their order and in one
        append, and an append that another worker has made before appends nothing. So whoever
        is first, no row overtakes an older one. And no transaction is open meanwhile.
        """
        rows = self._model.__table__
        mine = select(rows.c.id, rows.c.event).where(rows.c.owner == self._owner)
        engine = self._engine()
        with engine.connect() as connection:
            found = connection.execute(mine.order_by(rows.c.id).limit(_ROWS_PER_TURN)).all()
        if not found:
            return False
        self._publish([read_event(row.event) for row in found])
        with engine.begin() as connection:
            connection.execute(delete(rows).where(rows.c.id.in_([row.id for row in found])))
        return len(found) == _ROWS_PER_TURN

    def waiting(self) -> dict[str, int]:
        """Count what waits to be published, by owner: of every app in this database."""
        rows = self._model.__table__
        counted = select(rows.c.owner, func.count()).group_by(rows.c.owner)
        with self._engine().connect() as connection:
            found = connection.execute(counted.order_by(rows.c.owner))
            return {name: int(count) for name, count in found}

    def adopt(self, owner: str) -> int:
        """Take over what waits for an owner that is no more; return how many.

        Whoever relays publishes it, before what is newer.
        """
        rows = self._model.__table__
        taken = update(rows).where(rows.c.owner == owner).values(owner=self._owner)
        with self._engine().begin() as connection:
            return int(connection.execute(taken).rowcount)

    def _publish(self, events: list[Event]) -> None:
        """Append in order. An event that can never be appended is dropped and logged, alone."""
        try:
            self._log().append(events)
        except (BrokerUnavailable, NotServable):
            raise
        except NexoraError:
            for one in events:
                try:
                    self._log().append([one])
                except (BrokerUnavailable, NotServable):
                    raise
                except NexoraError:
                    logger.exception("a committed event can never be published: %r", one)


def _ended(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        waiting: set[Outbox] = session.info[_WAITING]
        while waiting:
            waiting.pop().wake()


def write_event(one: Event) -> bytes:
    """Write an event for its row; a publish id makes a repeated publishing append once."""
    parts = {channel: part.decode() for channel, part in (one.parts or {}).items()}
    fields = {
        "channels": one.channels,
        "name": one.name,
        "data": one.data.decode(),
        "exclude": one.exclude,
        "key": one.key,
        "replay": None if one.replay is None else one.replay.decode(),
        "parts": parts or None,
        "user_id": one.user_id,
        "publish_id": one.publish_id or uuid4().hex,
    }
    return json.dumps({name: value for name, value in fields.items() if value is not None}).encode()


def read_event(stored: bytes) -> Event:
    """Read what `write_event` wrote."""
    fields = json.loads(stored)
    replay, parts = fields.get("replay"), fields.get("parts")
    return Event(
        tuple(fields["channels"]),
        fields["name"],
        fields["data"].encode(),
        exclude=fields.get("exclude"),
        key=fields.get("key"),
        replay=None if replay is None else replay.encode(),
        parts={channel: part.encode() for channel, part in parts.items()} if parts else None,
        user_id=fields.get("user_id"),
        publish_id=fields["publish_id"],
    )
