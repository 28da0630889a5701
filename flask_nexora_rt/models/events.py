"""Events that wait to be published, and a feed of the newest."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, DateTime, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from .columns import ORG_ID, PREFIX, ROW_ID


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


class ActivityMixin:
    """One of the newest activities of an organisation (see `presets.collaboration`)."""

    __tablename__ = f"{PREFIX}activity"

    org_id: Mapped[str] = mapped_column(ORG_ID, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    data: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
