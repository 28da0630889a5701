"""Lists that are found by a part of a name, a page at a time."""

from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from flask import abort, request
from sqlalchemy import Select, or_
from sqlalchemy.orm import InstrumentedAttribute

from example_app import forms
from example_app.models import db

Row = TypeVar("Row")

MOST_PAGES = 9_999


class Listing(NamedTuple, Generic[Row]):
    """One page of it. `wanted` is what was searched for, `more` whether another page follows."""

    rows: Sequence[Row]
    wanted: str
    number: int
    more: bool


def find(query: Select[Any], *names: InstrumentedAttribute[str], most: int) -> Listing[Any]:
    """The rows of `query` with what the address asks for (`?q=&page=`) in one of `names`.

    At most so many; the query says in which order. Aborts with 404 where no page is.
    """
    wanted, number = forms.wanted(), page_number()
    if wanted:
        query = query.where(or_(*(name.icontains(wanted, autoescape=True) for name in names)))
    some = query.offset((number - 1) * most).limit(most + 1)
    rows = require_rows(db.session.scalars(some).all(), number)
    return Listing(rows[:most], wanted, number, len(rows) > most)


def page_number() -> int:
    """The page that the address asks for, from 1. Aborts with 404 when there can be none."""
    page = request.args.get("page", "1")
    is_number = page.isascii() and page.isdecimal() and len(page) <= len(str(MOST_PAGES))
    return int(page) if is_number and int(page) > 0 else abort(404)


def require_rows(rows: Sequence[Row], number: int) -> Sequence[Row]:
    """The rows of a page. Aborts with 404 past the end; a first page may be empty."""
    return rows if rows or number == 1 else abort(404)
