"""Times as they are stored and written. Pure."""

from __future__ import annotations

from datetime import UTC, datetime


def utc(moment: datetime) -> datetime:
    """Return a stored time with its zone: SQLite forgets it."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def iso(moment: datetime | None) -> str | None:
    """Write a time as ISO 8601, UTC, ending in Z."""
    if moment is None:
        return None
    return utc(moment).isoformat(timespec="milliseconds").replace("+00:00", "Z")
