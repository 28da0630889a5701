"""The trust-decay job: who stays away loses trust, a point per day, with a floor and a cap.

Away for more than 30 days, a user loses 1 point for each further day, at most 50 for one absence
and never below 500. One UPDATE changes all users; who has changed is kept in its transaction, and
told afterwards in batches.
"""

from __future__ import annotations

import logging
from itertools import groupby
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import delete, insert, select, tuple_

from .assembly import AppServices
from .events import Event, dump_json
from .models import Models
from .notifications import Notice
from .scheduling.job import Task
from .signals import trust_changed
from .trust_statements import Decay, TrustColumns
from .vocabulary import Events, user

logger = logging.getLogger(__name__)

NOTIFICATION: Final = "trust_score_changed"

_TOLD_AT_ONCE = 500
_CHANNELS_PER_EVENT = 100
_ROWS_PER_INSERT = 10_000


class TrustDecay:
    """The job, for one app."""

    def __init__(self, state: AppServices) -> None:
        self._state = state

    def run(self, task: Task) -> dict[str, Any]:
        """Lower, then tell. Returns ``usersProcessed`` (who is away) and ``usersDecayed``."""
        declared = self._state.declared.trust
        if declared is None:
            return {"usersProcessed": 0, "usersDecayed": 0}
        processed, decayed = self._lower(task, declared)
        while self._tell_some(task):
            task.check()
        return {"usersProcessed": processed, "usersDecayed": decayed}

    @property
    def _models(self) -> Models:
        assert self._state.models is not None  # noqa: S101 - the job exists only with a database
        return self._state.models

    def _lower(self, task: Task, declared: TrustColumns) -> tuple[int, int]:
        session = self._state.db.session
        dialect = session.get_bind().dialect.name
        decay = Decay(
            declared.resolve(), self._models, task.scheduled_for, dialect, marker=uuid4().hex
        )
        processed = int(session.scalar(decay.count_away()) or 0)
        # Ends the reading transaction: on SQLite one that reads first may not write later.
        session.rollback()
        if decay.columns.anchor is None:
            session.execute(decay.remember())
            lower = decay.by_memory()
        else:
            lower = decay.by_columns()
        decayed = self._change(session, decay, lower, declared.notify)
        task.confirm(session)
        session.commit()
        return processed, decayed

    def _change(self, session: Any, decay: Decay, lower: Any, notify: bool) -> int:
        options = {"execution_options": {"synchronize_session": False}}
        if not notify:
            return int(session.execute(lower, **options).rowcount)
        if decay.dialect == "postgresql":
            session.execute(decay.keep_changes(lower), **options)
            return int(session.scalar(decay.count_kept()) or 0)
        returning = lower.returning(decay.columns.user_id, decay.columns.trust)
        rows = [
            {"user_id": str(user_id), "run_id": decay.marker, "trust": float(trust)}
            for user_id, trust in session.execute(returning, **options)
        ]
        changes = self._models.trust_change.__table__
        for start in range(0, len(rows), _ROWS_PER_INSERT):
            session.execute(insert(changes), rows[start : start + _ROWS_PER_INSERT])
        return len(rows)

    def _tell_some(self, task: Task) -> bool:
        """Tell some users, in one transaction with the note that they were; False: none are left.

        Users of one trust together: they can share a notification's text.
        """
        session, changes = self._state.db.session, self._models.trust_change.__table__
        some = (
            select(changes.c.user_id, changes.c.run_id)
            .order_by(changes.c.trust)
            .limit(_TOLD_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        told = delete(changes).where(tuple_(changes.c.user_id, changes.c.run_id).in_(some))
        rows = session.execute(told.returning(changes.c.trust, changes.c.user_id)).all()
        if rows:
            ordered = sorted(rows)
            self._notify(task, ordered)
            self._publish(session, ordered)
            self._signal([user_id for _, user_id in ordered])
            task.confirm(session)
        session.commit()
        return bool(rows)

    def _notify(self, task: Task, rows: list[Any]) -> None:
        notices = []
        for trust, group in groupby(rows, key=lambda row: row[0]):
            data = {"newScore": _number(trust), "reason": "inactivity"}
            users = [row[1] for row in group]
            # One event for each score: what a key has told first is what it tells.
            key = f"trust-decay:{task.run_id}:{_number(trust)}"
            notices.append(Notice(users, NOTIFICATION, data, dedupe_key=key))
        self._state.notifications.send_all(notices, commit=False)

    def _publish(self, session: Any, rows: list[Any]) -> None:
        """Write few events: each has a part for each of many users."""
        events = []
        shared = dump_json({"reason": "inactivity"})
        for start in range(0, len(rows), _CHANNELS_PER_EVENT):
            parts = {
                user(user_id): dump_json({"userId": user_id, "newScore": _number(trust)})
                for trust, user_id in rows[start : start + _CHANNELS_PER_EVENT]
            }
            events.append(Event(tuple(parts), Events.USER_TRUST_CHANGED, shared, parts=parts))
        self._state.outbox.add(session, events)

    def _signal(self, user_ids: list[str]) -> None:
        """Tell the host's code before the note is gone that it has to be told."""
        try:
            trust_changed.send(self._state.app, user_ids=user_ids)
        except Exception:
            logger.exception("a receiver of trust_changed has failed")


def _number(value: float) -> int | float:
    return int(value) if value == int(value) else value
