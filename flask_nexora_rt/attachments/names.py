"""What a file may be called. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from ..errors import InvalidFields

MAX_NAME: Final = 120
NAMELESS: Final = "attachment"
# Control characters, halves of characters, and separators of lines; not Cf: emoji are joined by it.
_UNPRINTABLE: Final = ("Cc", "Cs", "Zl", "Zp")
# They would let "gpj.exe" be shown as "exe.jpg" (CWE-451).
_DIRECTIONS: Final = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def check_name(given: str) -> str:
    """Return what to show as the file's name: no folders, one line, 1 to 120 characters.

    It never becomes part of a path here. A folder in front is dropped, as browsers send one for a
    file of a chosen folder. Raises `InvalidFields` for a path that leads out of it.
    """
    *folders, name = re.split(r"[/\\]", given)
    # Also "..x": Werkzeug, as RFC 9110 has it, reads an unescaped "..\x" as that.
    upwards = any(part.strip() == ".." for part in folders) or name.strip().startswith("..")
    if upwards or (folders and not folders[0]):
        raise InvalidFields({"file": "its name is a path out of its folder: send the name only"})
    text = "".join(c for c in name if unicodedata.category(c) not in _UNPRINTABLE)
    text = _DIRECTIONS.sub("", text).strip()
    return _shorten(text) if text.strip(". ") else NAMELESS


def _shorten(name: str) -> str:
    """Cut a name in its middle, so that it keeps its extension."""
    if len(name) <= MAX_NAME:
        return name
    stem, dot, extension = name.rpartition(".")
    ending = dot + extension if stem and len(extension) < 16 else ""
    return name[: MAX_NAME - len(ending)] + ending
