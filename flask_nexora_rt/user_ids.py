"""Which user ids the tables can keep. Pure."""

from __future__ import annotations

from typing import Final

from .errors import InvalidFields

MAX_USER_ID: Final = 128


def check_user_id(user_id: object, field: str = "userId") -> str:
    """Return a user's id as text. Raises `InvalidFields`.

    For what is about to be written: PostgreSQL would fail on a longer id, or on one with a NUL.
    """
    text = str(user_id) if isinstance(user_id, str | int) else ""
    if 0 < len(text) <= MAX_USER_ID and text.isprintable():
        return text
    raise InvalidFields(
        {
            field: f"{text[:40]!r} is no user id: it has 1 to {MAX_USER_ID} characters, "
            "without control characters"
        }
    )
