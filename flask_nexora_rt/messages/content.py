"""What a message may say. Pure."""

from __future__ import annotations

import re
from typing import Final

from ..errors import InvalidFields

MAX_CLIENT_ID: Final = 64
MAX_REACTION: Final = 64
MAX_REACTION_KEYS: Final = 20
# Newline and tab are text; other control characters, and halves of characters, are not.
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_MENTION = re.compile(r"(?<![\w@])@([\w.-]{1,64}\w|\w)")


def check_content(content: object, limit: int, may_be_empty: bool = False) -> str:
    """Return the trimmed text, with LF line ends. Raises `InvalidFields`.

    ``limit`` is in characters. It is stored as plain text: escaping is the reader's.
    """
    if not isinstance(content, str):
        raise InvalidFields({"content": "must be text"})
    text = content.replace("\r\n", "\n").strip()
    if not text and not may_be_empty:
        raise InvalidFields({"content": "must not be empty"})
    if len(text) > limit:
        raise InvalidFields({"content": f"has {len(text)} characters, the limit is {limit}"})
    if _FORBIDDEN.search(text):
        raise InvalidFields({"content": "must not hold control characters"})
    return text


def check_client_id(client_id: object) -> str | None:
    """Return the client's own id of a message. Raises `InvalidFields`."""
    if client_id is None:
        return None
    if isinstance(client_id, str) and re.fullmatch(r"[\x21-\x7e]{1,64}", client_id):
        return client_id
    raise InvalidFields(
        {"clientId": f"must be 1 to {MAX_CLIENT_ID} printable ASCII characters, without spaces"}
    )


def check_reaction(key: str) -> str:
    """Return a reaction's key, such as an emoji or ``+1``. Raises `InvalidFields`."""
    if not 0 < len(key) <= MAX_REACTION or _FORBIDDEN.search(key) or key != key.strip():
        raise InvalidFields({"key": f"must be 1 to {MAX_REACTION} characters of text"})
    return key


def mentioned_names(content: str) -> list[str]:
    """Return the names after ``@``, each once, in order."""
    return list(dict.fromkeys(_MENTION.findall(content)))
