"""Deleting what nobody sees any more, in small bites."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Table,
    and_,
    delete,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import Session

from ..models import Models
from . import conditions

# They are told in one event, which must stay small.
_AT_ONCE_PER_USER: Final = 100


class Expired(NamedTuple):
    """A notification that has expired; ``was_counted``: its user's counts were told with it."""

    user_id: str
    id: str
    was_counted: bool


class Purge:
    """Works through one session. Commits nothing.

    What somebody else holds is left to the next call: a purge waits for nobody, and deletes
    nothing that is being changed.
    """

    def __init__(self, models: Models, session: Session) -> None:
        self._session = session
        self._events: Table = models.notification_event.__table__
        self._rows: Table = models.notification.__table__
        self._inboxes: Table = models.inbox.__table__

    def expired(self, now: datetime, limit: int) -> list[Expired]:
        """Take some that have expired, with the inboxes of their users."""
        rows, inboxes = self._rows, self._inboxes
        counted = or_(and_(*conditions.unread(rows)), and_(*conditions.unseen(rows)))
        query = (
            select(rows.c.user_id, rows.c.id, counted)
            .join(inboxes, inboxes.c.user_id == rows.c.user_id)
            .where(rows.c.expires_at <= now)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        by_user: dict[str, list[Expired]] = {}
        for row in self._session.execute(query):
            by_user.setdefault(row.user_id, []).append(Expired(*row))
        return [one for some in by_user.values() for one in some[:_AT_ONCE_PER_USER]]

    def remove(self, gone: Sequence[Expired]) -> None:
        """Delete what has expired.

        What was told under a ``dedupe_key`` is kept as deleted: it remembers that the user was
        told.
        """
        if not gone:
            return
        rows, events = self._rows, self._events
        chosen = tuple_(rows.c.user_id, rows.c.id).in_([(one.user_id, one.id) for one in gone])
        has_key = (events.c.id == rows.c.id) & events.c.dedupe_key.is_not(None)
        remembers = select(literal(1)).where(has_key).exists()
        hidden = {"deleted_at": func.coalesce(rows.c.deleted_at, rows.c.expires_at)}
        kept = update(rows).where(chosen, remembers).values(hidden | {"expires_at": None})
        self._session.execute(kept)
        self._session.execute(delete(rows).where(chosen, ~remembers))

    def forget(self, older_than: datetime, limit: int) -> int:
        """Delete some that were deleted by then, and events without rows; return how many."""
        rows, events = self._rows, self._events
        gone = self._rowcount(
            delete(rows).where(self._some(limit, rows.c.deleted_at <= older_than))
        )
        unused = (
            select(events.c.id)
            .where(events.c.created_at <= older_than)
            .where(~select(literal(1)).where(rows.c.event_id == events.c.id).exists())
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return gone + self._rowcount(delete(events).where(events.c.id.in_(unused)))

    def _some(self, limit: int, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
        """Choose some rows that nobody else holds (SQLite has one writer at a time anyway)."""
        keys = (self._rows.c.user_id, self._rows.c.id)
        free = select(*keys).where(*conditions).limit(limit).with_for_update(skip_locked=True)
        some = free.subquery()
        return tuple_(*keys).in_(select(some.c.user_id, some.c.id))

    def _rowcount(self, statement: Any) -> int:
        return int(getattr(self._session.execute(statement), "rowcount", 0))
