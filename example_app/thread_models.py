"""Threads: what a guild thinks through together, beside its chat."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from example_app.models import Guild, User, db, utc_now

OPEN, SETTLED = "open", "settled"
MOST_TITLE = 120
MOST_DESCRIPTION = 2000


class Thread(db.Model):
    """A question of a guild, which all its members read and edit.

    `revision` counts the edits of title and description, the last of them by `editor`; `comments`
    is how many have been written.
    """

    id: Mapped[int] = mapped_column(primary_key=True)
    guild_id: Mapped[int] = mapped_column(ForeignKey("guild.id"), index=True)
    title: Mapped[str] = mapped_column(String(MOST_TITLE))
    description: Mapped[str] = mapped_column(String(MOST_DESCRIPTION), default="")
    status: Mapped[str] = mapped_column(String(20), default=OPEN)
    revision: Mapped[int] = mapped_column(default=1)
    comments: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)
    author_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    editor_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    guild: Mapped[Guild] = relationship(lazy="joined")
    author: Mapped[User] = relationship(foreign_keys=author_id, lazy="joined")
    editor: Mapped[User] = relationship(foreign_keys=editor_id, lazy="joined")

    def told(self) -> dict[str, Any]:
        """The thread as scripts know it."""
        return {
            "id": str(self.id),
            "guild": {"id": str(self.guild_id), "name": self.guild.name},
            "title": self.title,
            "description": self.description,
            "status": self.status,
            "revision": self.revision,
            "comments": self.comments,
            "createdAt": self.created_at.replace(tzinfo=UTC).isoformat(),
            "author": {"id": str(self.author_id), "name": self.author.name},
            "editor": {"id": str(self.editor_id), "name": self.editor.name},
        }
