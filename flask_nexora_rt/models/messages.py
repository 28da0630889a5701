"""Messages, and what hangs on them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from .columns import CLIENT_ID, CONVERSATION_ID, ID, PREFIX, USER_ID


def _of_message() -> Mapped[str]:
    """The message that a row belongs to: first in its key, which is what finds its rows."""
    message = ForeignKey(f"{PREFIX}message.id")
    return mapped_column(ID, message, primary_key=True, sort_order=-1)


class ConversationMixin:
    """One row per conversation that has a message: its lock, and its last ``seq``.

    ``readers``: a digest of the members that have receipts, so that a send to a guild of a
    thousand looks at one row.
    """

    __tablename__ = f"{PREFIX}conversation"

    id: Mapped[str] = mapped_column(CONVERSATION_ID, primary_key=True)
    last_seq: Mapped[int] = mapped_column(BigInteger, default=0)
    readers: Mapped[str | None] = mapped_column(String(32))


class MessageMixin:
    """A message. ``deleted_at`` makes it a tombstone: everything but its place is emptied."""

    __tablename__ = f"{PREFIX}message"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    conversation_id: Mapped[str] = mapped_column(CONVERSATION_ID)
    seq: Mapped[int] = mapped_column(BigInteger)
    sender_id: Mapped[str] = mapped_column(USER_ID)
    client_id: Mapped[str | None] = mapped_column(CLIENT_ID)
    content: Mapped[str] = mapped_column(Text)
    revision: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    edited_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    deleted_by: Mapped[str | None] = mapped_column(USER_ID)

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:
        return (
            UniqueConstraint("conversation_id", "seq", name=f"{PREFIX}message_seq"),
            UniqueConstraint(
                "conversation_id", "sender_id", "client_id", name=f"{PREFIX}message_client"
            ),
        )


class RevisionMixin:
    """What a message said before an edit."""

    __tablename__ = f"{PREFIX}message_revision"

    revision: Mapped[int] = mapped_column(Integer, primary_key=True)
    content: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))

    @declared_attr
    def message_id(cls) -> Mapped[str]:
        return _of_message()


class ReactionMixin:
    """One user's reaction with one key; the primary key makes it idempotent."""

    __tablename__ = f"{PREFIX}reaction"

    user_id: Mapped[str] = mapped_column(USER_ID, primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))

    @declared_attr
    def message_id(cls) -> Mapped[str]:
        return _of_message()


class ReceiptMixin:
    """How far a user has read a conversation; never goes back."""

    __tablename__ = f"{PREFIX}receipt"

    conversation_id: Mapped[str] = mapped_column(CONVERSATION_ID, primary_key=True)
    user_id: Mapped[str] = mapped_column(USER_ID, primary_key=True)
    read_seq: Mapped[int] = mapped_column(BigInteger, default=0)


class MentionMixin:
    """A user named in a message; what mention counts are made of."""

    __tablename__ = f"{PREFIX}mention"

    user_id: Mapped[str] = mapped_column(USER_ID, primary_key=True)
    conversation_id: Mapped[str] = mapped_column(CONVERSATION_ID)
    seq: Mapped[int] = mapped_column(BigInteger)

    @declared_attr
    def message_id(cls) -> Mapped[str]:
        return _of_message()

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:
        return (Index(f"{PREFIX}mention_unread", "user_id", "conversation_id", "seq"),)


class AttachmentMixin:
    """An uploaded file; its bytes are in the storage under ``id``.

    Without ``message_id`` it waits for a message of its uploader. ``deleted_at``: its bytes are on
    their way out, and the row goes after them. ``size`` in bytes, ``width`` and ``height`` in
    pixels, ``position`` in its message from 0.
    """

    __tablename__ = f"{PREFIX}attachment"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    conversation_id: Mapped[str] = mapped_column(CONVERSATION_ID)
    uploader_id: Mapped[str] = mapped_column(USER_ID)
    position: Mapped[int] = mapped_column(Integer, default=0)
    name: Mapped[str] = mapped_column(String(120))
    type: Mapped[str] = mapped_column(String(120))
    size: Mapped[int] = mapped_column(BigInteger)
    width: Mapped[int | None] = mapped_column(Integer)
    height: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    @declared_attr
    def message_id(cls) -> Mapped[str | None]:
        return mapped_column(ID, ForeignKey(f"{PREFIX}message.id"))

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:
        return (
            Index(f"{PREFIX}attachment_message", "message_id", "created_at"),
            Index(f"{PREFIX}attachment_uploader", "uploader_id", "message_id"),
        )
