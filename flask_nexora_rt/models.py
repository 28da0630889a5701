"""Tables for what is saved before it is sent: mixins, and default models on the host's db.

The defaults are made once per declarative base, so two apps on one ``db`` share them. A host that
wants more columns writes its own classes from the mixins and gives them as ``models=``; all
tables of one host then live in its metadata, and its Alembic finds them. No mixin names the
host's user table: user ids are text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from sqlalchemy import (
    BigInteger,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

PREFIX = "nexora_rt_"

ID = String(32)
CONVERSATION_ID = String(164)
USER_ID = String(128)
CLIENT_ID = String(64)
# SQLite numbers rows by itself only in an INTEGER primary key.
ROW_ID = BigInteger().with_variant(Integer, "sqlite")


class OutboxMixin:
    """One event that is committed and has yet to be published; the row goes when it has been.

    ``owner``: whose log it is for. ``event``: the event as `outbox.write_event` writes it. Rows
    of one conversation are inserted under its row lock, so ``id`` is their order.
    """

    __tablename__ = f"{PREFIX}outbox"
    # Else SQLite gives a deleted row's number to a new one, which a worker that has published
    # the old one would then delete unpublished.
    __table_args__: ClassVar[Any] = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(ROW_ID, primary_key=True, autoincrement=True)
    owner: Mapped[str] = mapped_column(String(80), index=True)
    event: Mapped[bytes] = mapped_column(LargeBinary)


class ConversationMixin:
    """One row per conversation that has a message: its lock, and its last ``seq``."""

    __tablename__ = f"{PREFIX}conversation"

    id: Mapped[str] = mapped_column(CONVERSATION_ID, primary_key=True)
    last_seq: Mapped[int] = mapped_column(BigInteger, default=0)


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
        return mapped_column(ID, ForeignKey(f"{PREFIX}message.id"), primary_key=True)


class ReactionMixin:
    """One user's reaction with one key; the primary key makes it idempotent."""

    __tablename__ = f"{PREFIX}reaction"

    user_id: Mapped[str] = mapped_column(USER_ID, primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))

    @declared_attr
    def message_id(cls) -> Mapped[str]:
        return mapped_column(ID, ForeignKey(f"{PREFIX}message.id"), primary_key=True)


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
        return mapped_column(ID, ForeignKey(f"{PREFIX}message.id"), primary_key=True)

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:
        return (Index(f"{PREFIX}mention_unread", "user_id", "conversation_id", "seq"),)


@dataclass(frozen=True)
class Models:
    """The classes in use by one app."""

    outbox: type[Any]
    conversation: type[Any]
    message: type[Any]
    revision: type[Any]
    reaction: type[Any]
    receipt: type[Any]
    mention: type[Any]


_MIXINS: dict[str, type[Any]] = {
    "outbox": OutboxMixin,
    "conversation": ConversationMixin,
    "message": MessageMixin,
    "revision": RevisionMixin,
    "reaction": ReactionMixin,
    "receipt": ReceiptMixin,
    "mention": MentionMixin,
}
_defaults: WeakKeyDictionary[type[Any], dict[str, type[Any]]] = WeakKeyDictionary()


def make_models(base: type[Any], given: Mapping[str, type[Any]] | None = None) -> Models:
    """Return the models of an app on a declarative base: the host's, and defaults for the rest.

    ``given`` maps names of `Models` to subclasses of the mixins. Raises ValueError for others.
    """
    own = dict(given or {})
    names = {field.name for field in fields(Models)}
    for name, model in own.items():
        if name not in names or not issubclass(model, _MIXINS[name]):
            raise ValueError(
                f"models={{{name!r}: ...}}: use the names {', '.join(sorted(names))}, and classes "
                "made from the mixins in flask_nexora_rt.models"
            )
    known = _defaults.setdefault(base, {})
    for name in names - own.keys():
        if name not in known:
            known[name] = type(f"Nexora{name.title()}", (_MIXINS[name], base), {})
    return Models(**{**{name: known[name] for name in names - own.keys()}, **own})
