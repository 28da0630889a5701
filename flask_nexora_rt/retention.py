"""The retention job: what this package keeps does not grow for ever."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, func, select, tuple_

from .assembly import AppServices
from .notifications.expiring import purge_some
from .scheduling.job import Task
from .scheduling.ledger import OK, Ledger

logger = logging.getLogger(__name__)

ANOMALY_DAYS: Final = 365
# How long a deleted notification is remembered, so that a repeat does not tell it again.
NOTIFICATION_DAYS: Final = 90
_ROWS_AT_ONCE = 1000
_NEWEST = "outboxNewest"


class Retention:
    """The job, for one app: old runs, old anomalies, what has expired or belongs to nothing.

    Deletes in small transactions, so that nobody waits long for a lock.
    """

    def __init__(self, state: AppServices, ledger: Callable[[], Ledger]) -> None:
        self._state = state
        self._ledger = ledger

    def run(self, task: Task) -> dict[str, Any]:
        """Return how many rows of each kind went, and how far the outbox was looked at."""
        now, days = task.scheduled_for, self._state.settings.job_run_days
        before = now - timedelta(days=days)
        sweepers = {
            "jobRuns": lambda at: self._ledger().delete_before(before, _ROWS_AT_ONCE),
            "anomalies": self._delete_anomalies,
            "notifications": self._purge_notifications,
            "attachments": lambda at: self._state.attachments.purge_orphans(),
        }
        deleted = {name: self._sweep(task, sweep, now) for name, sweep in sweepers.items()}
        return {"deleted": deleted, **self._look_at_outbox(task)}

    def _sweep(self, task: Task, sweep: Any, now: datetime) -> int:
        total, session = 0, self._state.db.session
        while gone := sweep(now):
            session.commit()
            total += gone
            task.check()
        session.commit()
        return total

    def _purge_notifications(self, now: datetime) -> int:
        """Expired ones, and those deleted so long ago that nothing repeats them any more."""
        old = now - timedelta(days=NOTIFICATION_DAYS)
        return purge_some(self._state.open_desk(), now, old, _ROWS_AT_ONCE)

    def _delete_anomalies(self, now: datetime) -> int:
        assert self._state.models is not None  # noqa: S101 - the job exists only with a database
        rows = self._state.models.anomaly.__table__
        key = tuple_(rows.c.user_id, rows.c.window_start)
        old = select(rows.c.user_id, rows.c.window_start).where(
            rows.c.window_end < now - timedelta(days=ANOMALY_DAYS)
        )
        gone = delete(rows).where(key.in_(old.limit(_ROWS_AT_ONCE)))
        return int(self._state.db.session.execute(gone).rowcount)

    # -- the outbox -----------------------------------------------------------------------------

    def _look_at_outbox(self, task: Task) -> dict[str, Any]:
        """Warn of what nobody publishes.

        Rows have no time: those that the run before has seen already are at least a slot old.
        """
        waiting = self._waiting(self._seen_before(task))
        mine = waiting.pop(self._state.outbox.owner, 0)
        if mine:
            logger.warning("%d committed events wait since the last retention run", mine)
        for owner, count in waiting.items():
            logger.warning(
                "%d committed events wait for the app id %s since the last retention run: if it "
                "is this app's old one, run flask nexora-rt outbox adopt %s",
                *(count, owner, owner),
            )
        others = sum(waiting.values())
        return {"outboxWaiting": mine, "outboxOfOthers": others, _NEWEST: self._newest()}

    def _seen_before(self, task: Task) -> int:
        done = (run for run in self._ledger().history(task.job, 20) if run.status == OK)
        last = next(done, None)
        value = last.value if last is not None else None
        return int(value.get(_NEWEST, 0)) if isinstance(value, dict) else 0

    @property
    def _rows(self) -> Any:
        assert self._state.models is not None  # noqa: S101 - the job exists only with a database
        return self._state.models.outbox.__table__

    def _waiting(self, seen: int) -> dict[str, int]:
        """Count by owner: an app that was given another id leaves rows that nobody looks for."""
        owner = self._rows.c.owner
        query = select(owner, func.count()).where(self._rows.c.id <= seen).group_by(owner)
        return {name: int(count) for name, count in self._state.db.session.execute(query)}

    def _newest(self) -> int:
        return int(self._state.db.session.scalar(select(func.max(self._rows.c.id))) or 0)
