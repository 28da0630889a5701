"""The SQL of attachments: statements on the host's session, in the host's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, delete, func, or_, select, update
from sqlalchemy.orm import Session


class AttachmentStore:
    """Attachments in a database, through one session. Commits nothing."""

    def __init__(self, model: type[Any], session: Session) -> None:
        self._model = model
        self._session = session

    def add(self, **columns: Any) -> Any:
        row = self._model(**columns)
        self._session.add(row)
        self._session.flush()
        return row

    def get(self, attachment_id: str) -> Any | None:
        """Return an attachment; None also for one that is on its way out."""
        row = self._model
        wanted = select(row).where(row.id == attachment_id, row.deleted_at.is_(None))
        return self._session.scalar(wanted.execution_options(populate_existing=True))

    def count_loose(self, uploader_id: str) -> int:
        """Say how many uploads of a user belong to no message yet."""
        row = self._model
        loose = and_(
            row.uploader_id == uploader_id, row.message_id.is_(None), row.deleted_at.is_(None)
        )
        return int(self._session.scalar(select(func.count()).where(loose)) or 0)

    def attach(self, message: Any, ids: Sequence[str]) -> int:
        """Give a message its sender's uploads, in order; return how many could be given.

        One conditional statement: of two messages that want the same one, only one gets it.
        """
        row = self._model
        places = {attachment_id: place for place, attachment_id in enumerate(ids)}
        given = (
            update(row)
            .where(
                row.id.in_(ids),
                row.conversation_id == message.conversation_id,
                row.uploader_id == message.sender_id,
                row.message_id.is_(None),
                row.deleted_at.is_(None),
            )
            .values(message_id=message.id, position=case(places, value=row.id))
            .returning(row.id)
            .execution_options(synchronize_session=False)
        )
        return len(self._session.scalars(given).all())

    def of(self, message_ids: Sequence[str]) -> dict[str, list[Any]]:
        """Return the attachments of each message that has any, in order."""
        row = self._model
        query = select(row).where(row.message_id.in_(message_ids)).order_by(row.position)
        query = query.execution_options(populate_existing=True)
        found: dict[str, list[Any]] = {}
        for one in self._session.scalars(query) if message_ids else ():
            found.setdefault(one.message_id, []).append(one)
        return found

    def discard(self, message_id: str, now: datetime) -> list[str]:
        """Take a message's attachments from it, for ever; return their ids."""
        row = self._model
        return self._discard(row.message_id == message_id, now)

    def claim_orphans(self, before: datetime, now: datetime, limit: int) -> list[str]:
        """Mark uploads that no message wanted until ``before``, so that none can any more.

        Returns their ids, and those of what was marked earlier and is still here.
        """
        row = self._model
        orphans = (
            select(row.id)
            .where(
                row.message_id.is_(None), or_(row.created_at < before, row.deleted_at.is_not(None))
            )
            .order_by(row.created_at)
            .limit(limit)
            # Two workers take different ones, where the database can do that.
            .with_for_update(skip_locked=True)
        )
        return self._discard(and_(row.id.in_(orphans), row.message_id.is_(None)), now)

    def _discard(self, which: Any, now: datetime) -> list[str]:
        row = self._model
        marked = (
            update(row)
            .where(which)
            .values(message_id=None, name="", deleted_at=func.coalesce(row.deleted_at, now))
            .returning(row.id)
            .execution_options(synchronize_session=False)
        )
        return list(self._session.scalars(marked))

    def remove(self, ids: Iterable[str]) -> int:
        """Remove rows whose bytes are gone; return how many there were."""
        row = self._model
        gone = delete(row).where(row.id.in_(list(ids))).returning(row.id)
        gone = gone.execution_options(synchronize_session=False)
        return len(self._session.scalars(gone).all())
