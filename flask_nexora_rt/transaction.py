"""Whose transaction a service writes in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, scoped_session

# PostgreSQL's serialization_failure and deadlock_detected.
_LOST_RACES: Final = {"40001", "40P01"}


@contextmanager
def transaction(session: Session | scoped_session[Any], commit: bool) -> Iterator[None]:
    """Commit at the end, roll back on an error; without ``commit`` both are the host's.

    Then an error takes back what was written here and nothing else: a host that goes on and
    commits must not save half of it, such as a message without its event.
    """
    if not commit:
        _begin(session.connection())
        with session.begin_nested():
            yield
        return
    try:
        yield
        session.commit()
    except BaseException:
        session.rollback()
        raise


def is_lost_race(error: OperationalError) -> bool:
    """Say whether a transaction was only in the way of others, so that a repeat may succeed."""
    if getattr(error.orig, "sqlstate", None) in _LOST_RACES:
        return True
    return str(getattr(error.orig, "sqlite_errorname", "")).startswith("SQLITE_BUSY")


def begin_before_savepoints(engine: Engine) -> None:
    """Let a SAVEPOINT of the host be inside a transaction on SQLite, as it is elsewhere.

    Else releasing the first SAVEPOINT commits, and a later rollback takes nothing back:
    SQLAlchemy's documentation of SQLite, "Serializable isolation / Savepoints / Transactional DDL".
    """
    if engine.dialect.name == "sqlite" and not event.contains(engine, "savepoint", _on_savepoint):
        event.listen(engine, "savepoint", _on_savepoint)


def _on_savepoint(connection: Connection, name: str) -> None:
    _begin(connection)


def _begin(connection: Connection) -> None:
    """Begin on SQLite, where Python's driver begins at the first write and not at a SAVEPOINT.

    Releasing a SAVEPOINT that is the outermost transaction would commit. IMMEDIATE: waits for
    other writers, where a transaction that has read before could only fail.
    """
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.dbapi_connection
        if not driver.in_transaction:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
