"""Changing a row that others may be changing at this moment. The caller commits."""

from typing import Any

from flask import abort
from sqlalchemy import ColumnElement, update
from werkzeug.exceptions import Conflict

from example_app.models import db

TOO_LATE = "Somebody has been faster: look at how it stands now."


class Elsewhere(Conflict):
    """409 for what is there already: the error page leads to `url`, with the words of `link`."""

    def __init__(self, problem: str, url: str, link: str) -> None:
        super().__init__(problem)
        self.url = url
        self.link = link


def change(row: Any, *if_still: ColumnElement[bool], **values: Any) -> None:
    """Changes a row if it still is as the caller has seen it. Aborts with 409 when it is not.

    The test is part of the UPDATE, because two requests may have read the same row. Until the
    transaction ends, whoever else wants to change the row waits.
    """
    model = type(row)
    statement = update(model).where(model.id == row.id, *if_still).values(**values)
    if db.session.scalar(statement.returning(model.id)) is None:
        db.session.rollback()
        abort(409, TOO_LATE)
    db.session.refresh(row)


def hold(row: Any) -> None:
    """Lets others who hold this row wait until the transaction ends, on SQLite as well."""
    change(row, id=row.id)
