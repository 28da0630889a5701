"""Reading what people fill in."""

import re

from flask import abort, request

# Newline and tab are text; other control characters are not, and PostgreSQL refuses some.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")

MOST_WANTED = 80


def text(name: str, most: int, least: int = 1) -> str:
    """A field of the form, trimmed. Aborts with 422 unless it has `least` to `most` characters."""
    return checked(name, request.form.get(name, ""), most, least)


def checked(name: str, given: object, most: int, least: int = 1) -> str:
    """The same for what has come another way, such as in JSON."""
    value = given.replace("\r\n", "\n").strip() if isinstance(given, str) else ""
    if not isinstance(given, str) or not least <= len(value) <= most or _CONTROL.search(value):
        abort(422, f"{name.capitalize()}: please write {least} to {most} characters of text.")
    return value


def wanted() -> str:
    """What a search is for (`?q=`), trimmed, or nothing; no name has control characters in it."""
    return _CONTROL.sub("", request.args.get("q", "")).strip()[:MOST_WANTED]


def number(name: str, least: int, most: int) -> int:
    """A whole number of the form. Aborts with 422 when it is none, or out of range."""
    value = request.form.get(name, "")
    is_number = value.isascii() and value.isdecimal() and len(value) <= 9
    if not is_number or not least <= int(value) <= most:
        abort(422, f"{name.capitalize()}: please give a number from {least} to {most}.")
    return int(value)


def choice(name: str, *choices: str) -> str:
    """One of these. Aborts with 422."""
    value = request.form.get(name, "")
    if value not in choices:
        abort(422, f"{name.capitalize()}: please choose {' or '.join(choices)}.")
    return value
