"""Deleting what nobody sees any more, in small bites."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, func, literal, select, tuple_, update
from sqlalchemy.orm import Session

from ..models import Models


class Purge:
    """Works through one session. Commits nothing."""

    def __init__(self, models: Models, session: Session) -> None:
        self._session = session
        self._events: Table = models.notification_event.__table__
        self._rows: Table = models.notification.__table__

    def some(self, now: datetime, older_than: datetime, limit: int) -> int:
        """Delete some rows that nobody sees any more, and events without rows; return how many.

        Expired ones go at once; deleted ones are kept until ``older_than``, because they
        remember that the user was told: for that, an expired one with a ``dedupe_key`` becomes a
        deleted one first. What somebody else holds is left to the next call: a purge waits for
        nobody, and deletes nothing that is being changed.
        """
        rows, events = self._rows, self._events
        expired = rows.c.expires_at <= now
        has_key = (events.c.id == rows.c.id) & events.c.dedupe_key.is_not(None)
        remembers = select(literal(1)).where(has_key).exists()
        hidden = {"deleted_at": func.coalesce(rows.c.deleted_at, rows.c.expires_at)}
        gone = self._rowcount(
            update(rows)
            .where(self._some(limit, expired, remembers))
            .values(hidden | {"expires_at": None})
        )
        for condition in ((expired, ~remembers), (rows.c.deleted_at <= older_than,)):
            gone += self._rowcount(delete(rows).where(self._some(limit, *condition)))
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
