"""The SQL of messages: statements on the host's session, in the host's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, func, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ..models import Models

UNREAD_CAP = 100


class MessageStore:
    """Messages in a database, through one session. Commits nothing."""

    def __init__(self, models: Models, session: Session) -> None:
        self._models = models
        self._session = session

    def _insert(self, model: type[Any]) -> Any:
        dialect = self._session.get_bind().dialect.name
        return (postgresql if dialect == "postgresql" else sqlite).insert(model)

    def lock(self, conversation_id: str, seqs: int = 0) -> int:
        """Take the conversation's lock and ``seqs`` new numbers; return its last one.

        First of all, also on SQLite: a transaction that reads before it writes can fail there.
        The lock is what puts rows of the outbox into the order of ``seq``.
        """
        conversation = self._models.conversation
        advance = (
            update(conversation)
            .where(conversation.id == conversation_id)
            .values(last_seq=conversation.last_seq + seqs)
            .returning(conversation.last_seq)
            .execution_options(synchronize_session=False)
        )
        last = self._session.scalar(advance)
        if last is None:
            new = self._insert(conversation).values(id=conversation_id, last_seq=0)
            self._session.execute(new.on_conflict_do_nothing())
            last = self._session.scalar(advance)
        return int(last or 0)

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

    def add(self, **columns: Any) -> Any:
        message = self._models.message(**columns)
        self._session.add(message)
        self._session.flush()
        return message

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
        """Return ``{message id: {key: {"count", "userIds"}}}``."""
        reaction = self._models.reaction
        found: dict[str, dict[str, dict[str, Any]]] = {}
        query = (
            select(reaction.message_id, reaction.key, reaction.user_id)
            .where(reaction.message_id.in_(message_ids))
            .order_by(reaction.created_at, reaction.user_id)
        )
        for message_id, key, user_id in self._session.execute(query) if message_ids else ():
            entry = found.setdefault(message_id, {}).setdefault(key, {"count": 0, "userIds": []})
            entry["count"] += 1
            entry["userIds"].append(user_id)
        return found

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

    def add_readers(self, conversation_id: str, user_ids: Iterable[str]) -> None:
        """Let these users have unread counts for the conversation, from its beginning."""
        rows = [
            {"conversation_id": conversation_id, "user_id": user, "read_seq": 0}
            for user in sorted(set(user_ids))
        ]
        for start in range(0, len(rows), 1000):
            new = self._insert(self._models.receipt).values(rows[start : start + 1000])
            self._session.execute(new.on_conflict_do_nothing())

    def add_mentions(self, message: Any, user_ids: Iterable[str]) -> None:
        self._session.add_all(
            self._models.mention(
                message_id=message.id,
                user_id=user,
                conversation_id=message.conversation_id,
                seq=message.seq,
            )
            for user in sorted(set(user_ids))
        )

    def unread(self, user_id: str) -> dict[str, dict[str, int]]:
        """Return ``{conversation id: {"unread", "mentions"}}``, each counted up to the cap."""
        receipt = self._models.receipt
        query = select(receipt.conversation_id, receipt.read_seq).where(receipt.user_id == user_id)
        return {
            conversation: {
                "unread": self._count_messages(conversation, user_id, read_seq),
                "mentions": self._count_mentions(conversation, user_id, read_seq),
            }
            for conversation, read_seq in self._session.execute(query)
        }

    def _count_messages(self, conversation_id: str, user_id: str, read_seq: int) -> int:
        message = self._models.message
        newer = (
            select(literal(1))
            .select_from(message)
            .where(
                message.conversation_id == conversation_id,
                message.seq > read_seq,
                message.sender_id != user_id,
                message.deleted_at.is_(None),
            )
            .limit(UNREAD_CAP)
        )
        return int(self._session.scalar(select(func.count()).select_from(newer.subquery())) or 0)

    def _count_mentions(self, conversation_id: str, user_id: str, read_seq: int) -> int:
        mention = self._models.mention
        newer = (
            select(literal(1))
            .select_from(mention)
            .where(
                mention.user_id == user_id,
                mention.conversation_id == conversation_id,
                mention.seq > read_seq,
            )
            .limit(UNREAD_CAP)
        )
        return int(self._session.scalar(select(func.count()).select_from(newer.subquery())) or 0)

    def has_messages(self, conversation_id: str) -> bool:
        message = self._models.message
        return bool(
            self._session.scalar(select(exists().where(message.conversation_id == conversation_id)))
        )
