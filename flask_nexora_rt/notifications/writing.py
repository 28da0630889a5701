"""How a notification is written as JSON, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import NexoraError
from ..times import iso
from .types import Rendered, TypeRegistry


def write_row(row: Any, types: TypeRegistry, locale: str | None) -> dict[str, Any]:
    """Write a stored notification as the contract does."""
    shown = _render(row, types, locale)
    return {
        "id": row.id,
        "userId": row.user_id,
        "type": row.type,
        "category": row.category,
        "level": row.level,
        "title": shown.title,
        "message": shown.message,
        "icon": shown.icon,
        "url": shown.url,
        "data": row.data,
        "actorId": row.actor_id,
        "read": row.read_at is not None,
        "readAt": iso(row.read_at),
        "seenAt": iso(row.seen_at),
        "archivedAt": iso(row.archived_at),
        "createdAt": iso(row.created_at),
        "expiresAt": iso(row.expires_at),
        "groupCount": row.group_count,
    }


def _render(row: Any, types: TypeRegistry, locale: str | None) -> Rendered:
    """Render it now; what it said when it was sent is shown when its type has gone or changed."""
    kind = types.find(row.type)
    try:
        if kind is not None:
            return kind.render(row.data, locale, row.group_count)
    except NexoraError:
        pass  # stored under an older version of the type, with other parameters
    return Rendered(row.title, row.message, row.icon, row.url)


def write_event(
    columns: Mapping[str, Any], shown: Rendered, row: Mapping[str, Any]
) -> dict[str, Any]:
    """Write what all who are told the event have in common, for ``notification:new``."""
    return {
        "id": columns["id"],
        "type": columns["type"],
        "category": columns["category"],
        "level": columns["level"],
        "title": shown.title,
        "message": shown.message,
        "icon": shown.icon,
        "url": shown.url,
        "data": columns["data"],
        "actorId": columns["actor_id"],
        "read": False,
        "readAt": None,
        "seenAt": None,
        "archivedAt": None,
        "createdAt": iso(row["created_at"]),
        "expiresAt": iso(row["expires_at"]),
        "groupCount": 1,
    }
