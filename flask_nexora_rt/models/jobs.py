"""The ledger of jobs, and what the built-in ones remember."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Float, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from .columns import ID, PREFIX, USER_ID


class JobRunMixin:
    """One run of a job for one slot. That (job, slot) is unique is the lock of the slot.

    ``status``: running, ok, failed, abandoned (its last owner died) or skipped (missed, and too
    late to catch up). ``fence`` goes up with each owner: the writes of an earlier one are
    refused. ``trigger``: tick, catchup, http, cli, call or force.
    """

    __tablename__ = f"{PREFIX}job_run"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    job: Mapped[str] = mapped_column(String(64))
    scheduled_for: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    status: Mapped[str] = mapped_column(String(16))
    attempt: Mapped[int] = mapped_column(Integer, default=1)
    owner: Mapped[str] = mapped_column(String(128))
    fence: Mapped[int] = mapped_column(Integer, default=1)
    lease_until: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    trigger: Mapped[str] = mapped_column(String(16))
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    duration_ms: Mapped[int | None] = mapped_column(BigInteger)
    result: Mapped[str | None] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(String(500))

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:
        return (UniqueConstraint("job", "scheduled_for", name=f"{PREFIX}job_run_slot"),)


class AnomalyMixin:
    """A user that the oracle has reported for a window; unique, so a second run adds nothing.

    ``evidence``: JSON that explains ``risk`` (0-100), see `oracle.detector`.
    """

    __tablename__ = f"{PREFIX}anomaly"

    user_id: Mapped[str] = mapped_column(USER_ID, primary_key=True)
    window_start: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    window_end: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    metric: Mapped[str] = mapped_column(String(64))
    risk: Mapped[float] = mapped_column(Float)
    level: Mapped[str] = mapped_column(String(16))
    evidence: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class TrustDecayMixin:
    """How much of one absence has been taken from a user's trust, for hosts without columns.

    ``anchor``: when the absence began; ``applied``: points taken for it; ``step`` of them by the
    run ``run_id``.
    """

    __tablename__ = f"{PREFIX}trust_decay"

    user_id: Mapped[str] = mapped_column(USER_ID, primary_key=True)
    anchor: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    applied: Mapped[int] = mapped_column(Integer)
    step: Mapped[int] = mapped_column(Integer)
    run_id: Mapped[str] = mapped_column(ID)


class TrustChangeMixin:
    """A user whose trust has changed and who has yet to be told; the row goes when it has been."""

    __tablename__ = f"{PREFIX}trust_change"

    user_id: Mapped[str] = mapped_column(USER_ID, primary_key=True)
    run_id: Mapped[str] = mapped_column(ID, primary_key=True)
    trust: Mapped[float] = mapped_column(Float)

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:
        # Users are told in this order, some at a time: without it each time sorts all that wait.
        return (Index(f"{PREFIX}trust_change_trust", "trust"),)
