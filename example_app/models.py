"""Users, guilds, bounties, disputes, and who belongs to which.

What people say and are told is not here: messages and notifications are the extension's own tables.
"""

from datetime import UTC, datetime
from typing import TypeVar

from flask_login import UserMixin
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Column, DateTime, ForeignKey, String, Table, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from werkzeug.security import check_password_hash, generate_password_hash

from flask_nexora_rt.models import ReceiptMixin
from flask_nexora_rt.presets import nexora


class Base(DeclarativeBase):
    """The base of all models."""


db = SQLAlchemy(model_class=Base)
Row = TypeVar("Row")


def row_id(text: str) -> int | None:
    """The number in a URL or a channel's name, or None when it cannot be one of a row."""
    # More digits than nine do not fit the column, and a database answers that with an error.
    is_number = text.isascii() and text.isdecimal() and len(text) <= 9
    return int(text) if is_number else None


def by_id(model: type[Row], text: str) -> Row | None:
    """The row with this id, or None."""
    number = row_id(text)
    return None if number is None else db.session.get(model, number)


def by_login(login: str) -> "User | None":
    """The user who signs in as this, in any case, or None."""
    return db.session.scalar(select(User).where(User.login == login.strip().lower()))


def utc_now() -> datetime:
    """Now, as the columns keep times: UTC without saying so."""
    return datetime.now(UTC).replace(tzinfo=None)


class User(UserMixin, db.Model):
    """Somebody who can sign in. `trust_score` and `last_active` are what trust decay works on."""

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    about: Mapped[str] = mapped_column(String(120), default="")
    password_hash: Mapped[str] = mapped_column(String(255))
    is_admin: Mapped[bool] = mapped_column(default=False)
    trust_score: Mapped[int] = mapped_column(default=700)
    last_active: Mapped[datetime] = mapped_column(DateTime, default=utc_now)

    def set_password(self, password: str) -> None:
        """Keeps a salted hash."""
        self.password_hash = generate_password_hash(password)

    def has_password(self, password: str) -> bool:
        """Whether this is the user's password."""
        return check_password_hash(self.password_hash, password)


class Membership(db.Model):
    """A user's place in a guild; `role` is "leader" or "member"."""

    guild_id: Mapped[int] = mapped_column(ForeignKey("guild.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True)
    role: Mapped[str] = mapped_column(String(20), default="member")
    user: Mapped[User] = relationship(lazy="joined")
    guild: Mapped["Guild"] = relationship(back_populates="memberships")


class Guild(db.Model):
    """A group with one chat, which takes on bounties."""

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    purpose: Mapped[str] = mapped_column(String(200), default="")
    memberships: Mapped[list[Membership]] = relationship(
        back_populates="guild", order_by=Membership.user_id
    )

    @property
    def leaders(self) -> list[User]:
        """Who may accept work and members."""
        return [one.user for one in self.memberships if one.role == "leader"]

    def role_of(self, user: User) -> str | None:
        """A user's role, or None for those outside."""
        return next((one.role for one in self.memberships if one.user_id == user.id), None)

    def told(self, but: User | None = None) -> nexora.Guild:
        """The guild as events and notifications know it; `but` has done it and needs no telling."""
        members = [str(one.user_id) for one in self.memberships if but is None or one.user != but]
        return nexora.Guild(str(self.id), self.name, members)


class Candidate(db.Model):
    """Somebody who may become a member: has applied, or was invited by `invited_by`."""

    guild_id: Mapped[int] = mapped_column(ForeignKey("guild.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True)
    invited_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    guild: Mapped[Guild] = relationship()
    user: Mapped[User] = relationship(foreign_keys=user_id, lazy="joined")
    invited_by: Mapped[User | None] = relationship(foreign_keys=invited_by_id)


class Bounty(db.Model):
    """A piece of work on offer, and the guild that does it.

    `status` is "open", "matched", "accepted", "submitted", "approved" or "completed"; `reward` is
    in crowns; `note` is what was said at the last step.
    """

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(120))
    brief: Mapped[str] = mapped_column(String(1000), default="")
    reward: Mapped[int]
    status: Mapped[str] = mapped_column(String(20), default="open")
    note: Mapped[str] = mapped_column(String(1000), default="")
    poster_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    guild_id: Mapped[int | None] = mapped_column(ForeignKey("guild.id"))
    poster: Mapped[User] = relationship(lazy="joined")
    guild: Mapped[Guild | None] = relationship()

    @property
    def worth(self) -> str:
        """The reward in words."""
        return f"{self.reward} crown{'' if self.reward == 1 else 's'}"

    def told(self) -> nexora.Bounty:
        """The bounty as events and notifications know it."""
        return nexora.Bounty(str(self.id), self.title, str(self.poster_id))


tribunal = Table(
    "tribunal",
    Base.metadata,
    Column("dispute_id", ForeignKey("dispute.id"), primary_key=True),
    Column("user_id", ForeignKey("user.id"), primary_key=True),
)


class Vote(db.Model):
    """A juror's word in a dispute, for one of its parties."""

    dispute_id: Mapped[int] = mapped_column(ForeignKey("dispute.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True)
    for_id: Mapped[int] = mapped_column(ForeignKey("user.id"))


class Dispute(db.Model):
    """Two parties who disagree about a bounty, and the tribunal that decides.

    `bounty` says in words what it is about; `bounty_id` is missing where the hall has no such row.
    `status` is "open", "escalated", "voting" or "resolved", with an `outcome` in words.
    """

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(120))
    bounty: Mapped[str] = mapped_column(String(200))
    bounty_id: Mapped[int | None] = mapped_column(ForeignKey("bounty.id"))
    status: Mapped[str] = mapped_column(String(20), default="open")
    outcome: Mapped[str] = mapped_column(String(200), default="")
    raised_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    against_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    raised_by: Mapped[User] = relationship(foreign_keys=raised_by_id)
    against: Mapped[User] = relationship(foreign_keys=against_id)
    tribunal: Mapped[list[User]] = relationship(secondary=tribunal, order_by=User.id)
    votes: Mapped[list[Vote]] = relationship()

    @property
    def parties(self) -> list[User]:
        """Who disagrees."""
        return [self.raised_by, self.against]

    def told(self) -> nexora.Dispute:
        """The dispute as events and notifications know it."""
        return nexora.Dispute(str(self.id), self.title, [str(one.id) for one in self.parties])


class Announcement(db.Model):
    """What was said to everybody. `key` is its form's, so that a second click sends nothing."""

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    title: Mapped[str] = mapped_column(String(120))
    message: Mapped[str] = mapped_column(String(1000))
    url: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)
    author_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    author: Mapped[User] = relationship(lazy="joined")


class Receipt(ReceiptMixin, db.Model):
    """The extension's receipts as a class of ours, so that pages can say who has seen what."""
