"""Users, guilds, who belongs to which, and what was said."""

from datetime import UTC, datetime
from typing import Any

from flask_login import UserMixin
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from werkzeug.security import check_password_hash, generate_password_hash

from flask_nexora_rt.presets.nexora import guild as guild_channel


class Base(DeclarativeBase):
    """The base of all models."""


db = SQLAlchemy(model_class=Base)


def utc_now() -> datetime:
    """Without a zone, because SQLite keeps none: everything stored is UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


class Membership(db.Model):
    """A user's place in a guild."""

    guild_id: Mapped[int] = mapped_column(ForeignKey("guild.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True)


class User(UserMixin, db.Model):
    """Somebody who can sign in."""

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    role: Mapped[str] = mapped_column(String(120), default="")
    password_hash: Mapped[str] = mapped_column(String(255))
    guilds: Mapped[list["Guild"]] = relationship(
        secondary="membership", back_populates="members", order_by="Guild.id"
    )

    def set_password(self, password: str) -> None:
        """Keeps a salted hash."""
        self.password_hash = generate_password_hash(password)

    def has_password(self, password: str) -> bool:
        """Whether this is the user's password."""
        return check_password_hash(self.password_hash, password)


class Guild(db.Model):
    """A group with one chat."""

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    purpose: Mapped[str] = mapped_column(String(200), default="")
    members: Mapped[list[User]] = relationship(
        secondary="membership", back_populates="guilds", order_by="User.id"
    )

    @property
    def channel(self) -> str:
        """The realtime channel of its chat."""
        return guild_channel(self.id)


class Message(db.Model):
    """One line of a guild's chat; `client_id` makes a repeated POST save it once."""

    __table_args__ = (UniqueConstraint("sender_id", "client_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    guild_id: Mapped[int] = mapped_column(ForeignKey("guild.id"), index=True)
    sender_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    client_id: Mapped[str] = mapped_column(String(64))
    content: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(insert_default=utc_now)
    sender: Mapped[User] = relationship(lazy="joined")
    guild: Mapped[Guild] = relationship()

    def to_json(self) -> dict[str, Any]:
        """What history and the event carry alike: ids as text, times in UTC."""
        return {
            "id": str(self.id),
            "conversationId": self.guild.channel,
            "clientId": self.client_id,
            "senderId": str(self.sender_id),
            "sender": {"id": str(self.sender_id), "name": self.sender.name},
            "content": self.content,
            "createdAt": self.created_at.isoformat("T", "milliseconds") + "Z",
        }


def is_member(user_id: int, guild_id: int) -> bool:
    """Whether the user belongs to the guild."""
    return db.session.get(Membership, (guild_id, user_id)) is not None
