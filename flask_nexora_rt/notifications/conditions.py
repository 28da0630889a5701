"""Which notifications are meant: conditions on the table's columns. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement


def unread(rows: Any) -> list[ColumnElement[bool]]:
    """Not read, archived or deleted: what the index ``..._unread`` holds."""
    return [rows.c.read_at.is_(None), rows.c.archived_at.is_(None), rows.c.deleted_at.is_(None)]


def unseen(rows: Any) -> list[ColumnElement[bool]]:
    """Not seen, archived or deleted: what the index ``..._unseen`` holds."""
    return [rows.c.seen_at.is_(None), rows.c.archived_at.is_(None), rows.c.deleted_at.is_(None)]


def in_group(rows: Any, key: str, now: datetime) -> list[ColumnElement[bool]]:
    """An unread one of a group, for which one more may still be counted in."""
    lasts = rows.c.group_until > now
    return [*unread(rows), rows.c.group_key == key, lasts, current(rows, now)]


def in_state(rows: Any, state: str) -> list[ColumnElement[bool]]:
    """What a list of this state shows; ``any`` is everything but the deleted."""
    there = rows.c.deleted_at.is_(None)
    states = {
        "all": [there, rows.c.archived_at.is_(None)],
        "unread": unread(rows),
        "unseen": unseen(rows),
        "read": [there, rows.c.archived_at.is_(None), rows.c.read_at.is_not(None)],
        "archived": [there, rows.c.archived_at.is_not(None)],
        "any": [there],
    }
    return states[state]


def current(rows: Any, now: Any) -> ColumnElement[bool]:
    """Not expired."""
    expires: ColumnElement[datetime | None] = rows.c.expires_at
    lasts: ColumnElement[bool] = expires.is_(None) | (expires > now)
    return lasts


def shown(rows: Any, events: Any) -> list[Any]:
    """The columns that `writing.write_row` reads."""
    told = ("user_id", "id", "rank", "group_count", "created_at", "expires_at")
    done = ("seen_at", "read_at", "archived_at")
    said = ("type", "data", "actor_id", "category", "level", "title", "message", "icon", "url")
    return [*(rows.c[name] for name in told + done), *(events.c[name] for name in said)]
