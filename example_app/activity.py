"""What people do, beside talking: the oracle's source, and what makes a bounty trend."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import DateTime, ForeignKey, Index, String, Text, cast, literal, select, union_all
from sqlalchemy.orm import Mapped, mapped_column

from example_app.models import db
from example_app.realtime import rt
from flask_nexora_rt.models import ConversationMixin, MessageMixin

VOTES, TRANSFERS, MESSAGES = "votes", "transfers", "messages"


class Conversation(ConversationMixin, db.Model):
    """The extension's conversations as a class of ours, for the data generator."""


class Message(MessageMixin, db.Model):
    """The extension's messages as a class of ours, so that the oracle counts them as well."""


class Activity(db.Model):
    """One thing that somebody did. `metric` is "votes", for a bounty, or "transfers", of crowns."""

    __table_args__ = (
        Index("activity_metric_at", "metric", "at"),
        Index("activity_bounty", "bounty_id", "user_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    metric: Mapped[str] = mapped_column(String(20))
    bounty_id: Mapped[int | None] = mapped_column(ForeignKey("bounty.id"))
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Generation(db.Model):
    """That people were generated, with what, and whom the oracle has to find.

    `planted` is JSON: the logins of who behaves unlike everybody else, and in what.
    """

    users: Mapped[int] = mapped_column(primary_key=True)
    seed: Mapped[int] = mapped_column(primary_key=True)
    until: Mapped[date]
    planted: Mapped[str] = mapped_column(Text)


@rt.activity
def activity() -> Any:
    """Votes, transfers and messages, a row for each."""
    return union_all(
        select(cast(Activity.user_id, String).label("user_id"), Activity.metric, Activity.at),
        select(Message.sender_id, literal(MESSAGES), Message.created_at),
    )
