"""Notifications: what happened, who was told, and what they want to hear."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, DateTime, ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from .columns import ID, PREFIX, USER_ID, partial


class NotificationEventMixin:
    """What happened, once for all who are told: its type, its parameters, and a fallback text.

    ``dedupe_key``: a later send with it tells only who has not been told. ``fingerprint``: what
    the first send said, for callers that promise to repeat the same.
    """

    __tablename__ = f"{PREFIX}notification_event"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    type: Mapped[str] = mapped_column(String(64))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    actor_id: Mapped[str | None] = mapped_column(USER_ID)
    category: Mapped[str] = mapped_column(String(64))
    level: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(Text)
    message: Mapped[str] = mapped_column(Text)
    icon: Mapped[str] = mapped_column(String(64))
    url: Mapped[str | None] = mapped_column(Text)
    dedupe_key: Mapped[str | None] = mapped_column(String(400), unique=True)
    fingerprint: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)


class InboxMixin:
    """One row per user that was ever told something: its lock, and the version of its counts."""

    __tablename__ = f"{PREFIX}inbox"

    user_id: Mapped[str] = mapped_column(USER_ID, primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger, default=0)


class NotificationMixin:
    """What one user was told. ``id`` is the id of the event it began with.

    ``rank`` is the inbox's version when it was told last: larger is newer, and no two of a user
    are equal. ``event_id`` is the event it shows, a newer one when it stands for a group.
    """

    __tablename__ = f"{PREFIX}notification"

    user_id: Mapped[str] = mapped_column(USER_ID, primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    rank: Mapped[int] = mapped_column(BigInteger)
    group_key: Mapped[str | None] = mapped_column(String(250))
    group_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    group_count: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    seen_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    read_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    archived_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    @declared_attr
    def event_id(cls) -> Mapped[str]:
        return mapped_column(ID, ForeignKey(f"{PREFIX}notification_event.id"), index=True)

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:
        name = f"{PREFIX}notification"
        active = "archived_at IS NULL AND deleted_at IS NULL"
        return (
            partial(f"{name}_unread", ("user_id", "rank"), f"read_at IS NULL AND {active}"),
            partial(f"{name}_unseen", ("user_id", "rank"), f"seen_at IS NULL AND {active}"),
            partial(f"{name}_listed", ("user_id", "rank"), "deleted_at IS NULL"),
            partial(
                f"{name}_group",
                ("user_id", "group_key"),
                f"group_key IS NOT NULL AND read_at IS NULL AND {active}",
            ),
            partial(f"{name}_expiring", ("expires_at",), "expires_at IS NOT NULL"),
            partial(f"{name}_deleted", ("deleted_at",), "deleted_at IS NOT NULL"),
        )


class PreferenceMixin:
    """Whether a user wants a type, a category, or anything at all; no row: yes."""

    __tablename__ = f"{PREFIX}notification_preference"

    user_id: Mapped[str] = mapped_column(USER_ID, primary_key=True)
    scope: Mapped[str] = mapped_column(String(16), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    wanted: Mapped[bool] = mapped_column(Boolean)
