"""The SQL of messages: statements on the host's session, in the host's transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import Table, bindparam, delete, exists, func, literal, or_, select, update
from sqlalchemy.orm import Session

from ..models import Models, insert_for
from ..user_ids import check_user_id

UNREAD_CAP = 100
# Of one message's reactions; the bytes are of JSON and leave room in an event.
LISTED_USERS, LISTED_BYTES = 100, 4096


class Locked(NamedTuple):
    """A conversation while it is locked: its last ``seq``, and a digest of its readers."""

    last_seq: int
    readers: str | None


@lru_cache(maxsize=64)
def _advance(rows: Table) -> Any:
    """Take a conversation's lock and numbers. Kept: building it costs as much as running it."""
    return (
        update(rows)
        .where(rows.c.id == bindparam("conversation"))
        .values(last_seq=rows.c.last_seq + bindparam("seqs"))
        .returning(rows.c.last_seq, rows.c.readers)
    )


@lru_cache(maxsize=64)
def _insert_unless_sent(rows: Table, dialect: str) -> Any:
    """Insert a message unless its ``client_id`` has been used."""
    unique = [rows.c.conversation_id, rows.c.sender_id, rows.c.client_id]
    new = insert_for(dialect, rows).on_conflict_do_nothing(index_elements=unique)
    return new.returning(rows.c.id)


class MessageStore:
    """Messages in a database, through one session. Commits nothing."""

    def __init__(self, models: Models, session: Session) -> None:
        self._models = models
        self._session = session

        self._dialect = session.get_bind().dialect.name

    def _insert(self, target: Any) -> Any:
        return insert_for(self._dialect, target)

    def lock(self, conversation_id: str, seqs: int = 0) -> Locked:
        """Take the conversation's lock and ``seqs`` new numbers.

        First of all, also on SQLite: a transaction that reads before it writes can fail there.
        The lock is what puts rows of the outbox into the order of ``seq``.
        """
        rows = self._models.conversation.__table__
        given = {"conversation": conversation_id, "seqs": seqs}
        found = self._session.execute(_advance(rows), given).first()
        if found is None:
            new = self._insert(rows).values(id=conversation_id, last_seq=0)
            self._session.execute(new.on_conflict_do_nothing())
            found = self._session.execute(_advance(rows), given).one()
        return Locked(*found)

    def last_seq(self, conversation_id: str) -> int:
        found = self._session.get(self._models.conversation, conversation_id)
        return 0 if found is None else int(found.last_seq)

    def by_client_id(self, conversation_id: str, sender_id: str, client_id: str) -> Any | None:
        message = self._models.message
        return self._session.scalar(
            select(message).where(
                message.conversation_id == conversation_id,
                message.sender_id == sender_id,
                message.client_id == client_id,
            )
        )

    def get(self, message_id: str) -> Any | None:
        return self._session.get(self._models.message, message_id, populate_existing=True)

    def add(self, **columns: Any) -> Any | None:
        """Save a message; None when its ``client_id`` has been used.

        What is returned is no object of the session: a statement costs half of a flush.
        """
        statement = _insert_unless_sent(self._models.message.__table__, self._dialect)
        saved = self._session.execute(statement, columns).first() is not None
        return self._models.message(**columns) if saved else None

    def keep_revision(self, message: Any) -> None:
        """Remember what the message says now."""
        self._session.add(
            self._models.revision(
                message_id=message.id,
                revision=message.revision,
                content=message.content,
                created_at=message.edited_at or message.created_at,
            )
        )

    def empty(self, message: Any) -> None:
        """Remove everything that hangs on a message."""
        for model in (self._models.revision, self._models.reaction, self._models.mention):
            self._session.execute(delete(model).where(model.message_id == message.id))

    def page(
        self, conversation_id: str, before: int | None, after: int | None, limit: int
    ) -> tuple[list[Any], bool]:
        """Return messages in ``seq`` order and whether there are more in that direction."""
        message = self._models.message
        query = select(message).where(message.conversation_id == conversation_id)
        if after is not None:
            query = query.where(message.seq > after).order_by(message.seq)
        else:
            query = query.order_by(message.seq.desc())
        if before is not None:
            query = query.where(message.seq < before)
        rows = list(self._session.scalars(query.limit(limit + 1)))
        more, rows = len(rows) > limit, rows[:limit]
        return (rows if after is not None else rows[::-1]), more

    def react(self, message_id: str, user_id: str, key: str, now: datetime) -> bool:
        """Add a reaction; False when it was there."""
        reaction = self._models.reaction
        values = {"message_id": message_id, "user_id": user_id, "key": key, "created_at": now}
        added = self._insert(reaction).values(values).on_conflict_do_nothing()
        return self._session.scalar(added.returning(reaction.key)) is not None

    def unreact(self, message_id: str, user_id: str, key: str) -> bool:
        """Remove a reaction; False when it was not there."""
        reaction = self._models.reaction
        gone = delete(reaction).where(
            reaction.message_id == message_id, reaction.user_id == user_id, reaction.key == key
        )
        return self._session.scalar(gone.returning(reaction.key)) is not None

    def reactions(self, message_ids: Sequence[str]) -> dict[str, dict[str, dict[str, Any]]]:
        """Return ``{message id: {key: {"count", "userIds"}}}``.

        All are counted, and of each message the first are listed: a page's size and an event's
        must not depend on how popular a message is.
        """
        found: dict[str, dict[str, dict[str, Any]]] = {}
        room = dict.fromkeys(message_ids, LISTED_BYTES)
        rows = self._session.execute(self._listed(message_ids)) if message_ids else ()
        for message_id, key, user_id, count, place in rows:
            entry = found.setdefault(message_id, {}).setdefault(
                key, {"count": count, "userIds": []}
            )
            room[message_id] -= len(json.dumps(user_id)) + 1
            if place <= LISTED_USERS and room[message_id] >= 0:
                entry["userIds"].append(user_id)
        return found

    def _listed(self, message_ids: Sequence[str]) -> Any:
        """Select each message's first reactions, and the first one with each key."""
        row = self._models.reaction
        same_key, order = [row.message_id, row.key], [row.created_at, row.user_id]
        ranked = (
            select(
                row.message_id,
                row.key,
                row.user_id,
                func.count().over(partition_by=same_key).label("count"),
                func.row_number().over(partition_by=row.message_id, order_by=order).label("place"),
                func.row_number().over(partition_by=same_key, order_by=order).label("of_key"),
            )
            .where(row.message_id.in_(message_ids))
            .subquery()
        ).c
        shown = or_(ranked.place <= LISTED_USERS, ranked.of_key == 1)
        columns = (ranked.message_id, ranked.key, ranked.user_id, ranked["count"], ranked.place)
        return select(*columns).where(shown).order_by(ranked.place)

    def mark_read(self, conversation_id: str, user_id: str, up_to: int) -> bool:
        """Move a receipt forward, never back; False when it did not move."""
        receipt = self._models.receipt
        new = self._insert(receipt).values(
            conversation_id=conversation_id, user_id=user_id, read_seq=up_to
        )
        moved = new.on_conflict_do_update(
            index_elements=[receipt.conversation_id, receipt.user_id],
            set_={"read_seq": new.excluded.read_seq},
            where=receipt.read_seq < new.excluded.read_seq,
        )
        return self._session.scalar(moved.returning(receipt.read_seq)) is not None

    def read_seq(self, conversation_id: str, user_id: str) -> int:
        """Return how far a user has read."""
        receipt = self._models.receipt
        query = select(receipt.read_seq).where(
            receipt.conversation_id == conversation_id, receipt.user_id == user_id
        )
        return int(self._session.scalar(query) or 0)

    def note_readers(self, conversation_id: str, noted: str | None, users: Sequence[str]) -> None:
        """Let these users have unread counts for the conversation, from its beginning.

        ``noted`` is the digest that its lock has shown: the same users cost nothing.
        """
        readers = sorted(set(users))
        digest = blake2b("\n".join(readers).encode(), digest_size=16).hexdigest()
        if not readers or digest == noted:
            return
        new_row = {"conversation_id": conversation_id, "read_seq": 0}
        rows = [{**new_row, "user_id": check_user_id(user, "members")} for user in readers]
        conversation = self._models.conversation.__table__
        self._session.execute(
            update(conversation).where(conversation.c.id == conversation_id).values(readers=digest)
        )
        for start in range(0, len(rows), 1000):
            new = self._insert(self._models.receipt).values(rows[start : start + 1000])
            self._session.execute(new.on_conflict_do_nothing())

    def add_mentions(self, message: Any, users: Sequence[str]) -> list[str]:
        """Note that a message names these users; return who had not been noted."""
        mention = self._models.mention
        about = {
            "message_id": message.id,
            "conversation_id": message.conversation_id,
            "seq": message.seq,
        }
        new = self._insert(mention).values([{**about, "user_id": user} for user in users])
        return sorted(
            self._session.scalars(new.on_conflict_do_nothing().returning(mention.user_id))
        )

    def unread(self, user_id: str) -> dict[str, dict[str, int]]:
        """Return ``{conversation id: {"unread", "mentions"}}``, each counted up to the cap.

        One statement, however many conversations there are.
        """
        receipt = self._models.receipt
        query = select(
            receipt.conversation_id, self._unread_messages(), self._unread_mentions()
        ).where(receipt.user_id == user_id)
        return {
            conversation: {"unread": messages, "mentions": mentions}
            for conversation, messages, mentions in self._session.execute(query)
        }

    def _unread_messages(self) -> Any:
        message, receipt = self._models.message, self._models.receipt
        newer = select(literal(1)).where(
            message.conversation_id == receipt.conversation_id,
            message.seq > receipt.read_seq,
            message.sender_id != receipt.user_id,
            message.deleted_at.is_(None),
        )
        return self._count_up_to_cap(newer)

    def _unread_mentions(self) -> Any:
        mention, receipt = self._models.mention, self._models.receipt
        newer = select(literal(1)).where(
            mention.user_id == receipt.user_id,
            mention.conversation_id == receipt.conversation_id,
            mention.seq > receipt.read_seq,
        )
        return self._count_up_to_cap(newer)

    def _count_up_to_cap(self, newer: Any) -> Any:
        """Count the rows for the receipt that the statement around it is at."""
        capped = newer.correlate(self._models.receipt).limit(UNREAD_CAP).subquery()
        return select(func.count()).select_from(capped).scalar_subquery()

    def has_messages(self, conversation_id: str) -> bool:
        message = self._models.message
        return bool(
            self._session.scalar(select(exists().where(message.conversation_id == conversation_id)))
        )
