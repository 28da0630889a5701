"""A host with users, for the tests of the built-in jobs."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import select

from flask_nexora_rt import NexoraRT
from flask_nexora_rt.testing import Clock, make_app

SECRET = "a cron secret for tests"
BEARER = {"Authorization": f"Bearer {SECRET}"}


class Told:
    """What users have been notified of, as the database has it."""

    def __init__(self, state: Any, db: Any) -> None:
        self._rows = state.models.notification.__table__
        self._events = state.models.notification_event.__table__
        self._db = db

    @property
    def sent(self) -> list[tuple[list[str], str, dict[str, Any], str | None]]:
        """`(user ids, type, data, dedupe key)` of each event, in order."""
        rows, events = self._rows.c, self._events.c
        query = (
            select(events.id, rows.user_id, events.type, events.data, events.dedupe_key)
            .join(self._events, events.id == rows.id)
            .order_by(events.created_at, events.id, rows.user_id)
        )
        found: dict[str, Any] = {}
        with self._db.engine.connect() as connection:
            for event, user, kind, data, key in connection.execute(query):
                found.setdefault(event, ([], kind, data, key))[0].append(user)
        return list(found.values())

    def users(self) -> list[str]:
        return [user for users, *_ in self.sent for user in users]


@contextmanager
def job_host(url: str, now: datetime, declare: Any) -> Iterator[SimpleNamespace]:
    """An app whose clock stands at `now`; `declare(rt, db)` returns the host's models."""
    rt, db = NexoraRT(), SQLAlchemy()
    models = declare(rt, db)
    app = make_app(rt, db=db, SQLALCHEMY_DATABASE_URI=url, NEXORA_RT_CRON_SECRET=SECRET)
    state = app.extensions["nexora_rt"]
    state.clock = Clock(now.timestamp())
    with app.app_context():
        db.create_all()
        yield SimpleNamespace(
            app=app,
            rt=rt,
            db=db,
            state=state,
            clock=state.clock,
            told=Told(state, db),
            client=app.test_client(),
            models=models,
        )
        db.session.remove()
        state.outbox.stop()
        db.drop_all()
        db.engine.dispose()
    state.runtime.close()


def at(text: str) -> datetime:
    """A time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
