"""The oracle job: read a week of activity, report who stands out, tell the admins, score health."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite

from ..assembly import AppServices
from ..models import Models
from ..scheduling.job import Task
from ..scheduling.ledger import Ledger
from ..times import iso
from . import health
from .activity import DAYS, default_source, read_activity
from .detector import CRITICAL, REPORTED, Anomaly, MetricActivity, detect
from .findings import reported, shown

logger = logging.getLogger(__name__)

NOTIFICATION: Final = "platform_announcement"
TITLE: Final = "Critical Anomalies Detected"
_ROWS_PER_INSERT: Final = 500


class OracleMonitor:
    """The job, for one app."""

    def __init__(
        self,
        state: AppServices,
        ledger: Callable[[], Ledger],
        overdue: Callable[[], list[str]],
    ) -> None:
        self._state = state
        self._ledger = ledger
        self._overdue = overdue

    def run(self, task: Task) -> dict[str, Any]:
        """Return ``anomaliesDetected``, ``platformHealth`` (None: too little activity to judge)
        with its breakdown, and the anomalies of the highest risk."""
        until, session = task.scheduled_for, self._state.db.session
        activity = read_activity(session, self._source(), until, task.check)
        checks = self._checks(until)
        found = self._detect(activity)
        task.check()
        critical = [one for one in self._record(found, until) if one.risk >= CRITICAL]
        state = _health(activity, found, checks)
        self._notify(critical, state, task)
        task.confirm(session)
        session.commit()
        return _report(found, critical, state, until)

    @property
    def _models(self) -> Models:
        assert self._state.models is not None  # noqa: S101 - the job exists only with a database
        return self._state.models

    def _source(self) -> Any:
        declared = self._state.declared.activity
        return default_source(self._models) if declared is None else declared()

    def _detect(self, activity: Sequence[MetricActivity]) -> list[Anomaly]:
        detector = self._state.declared.detector or detect
        return reported(detector(activity))

    # -- what was reported before ---------------------------------------------------------------

    def _record(self, found: Sequence[Anomaly], until: datetime) -> list[Anomaly]:
        """Save the anomalies and return the new ones.

        One is new unless its user was reported, at that level, for a window that overlaps this:
        the same burst is in the windows of seven days.
        """
        start = until - timedelta(days=DAYS)
        known = self._known(start, until)
        new = [one for one in found if known.get(one.user_id, 0.0) < _level_floor(one.risk)]
        session, rows = self._state.db.session, self._models.anomaly.__table__
        dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        for first in range(0, len(new), _ROWS_PER_INSERT):
            some = [self._row(one, start, until) for one in new[first : first + _ROWS_PER_INSERT]]
            insert = dialect.insert(rows)
            better = {name: insert.excluded[name] for name in ("risk", "level", "evidence")}
            session.execute(
                insert.on_conflict_do_update(
                    index_elements=[rows.c.user_id, rows.c.window_start],
                    set_={**better, "metric": insert.excluded.metric},
                    where=insert.excluded.risk > rows.c.risk,
                ),
                some,
            )
        return new

    def _known(self, start: datetime, until: datetime) -> dict[str, float]:
        """Return the highest risk each user was reported with lately."""
        rows = self._models.anomaly.__table__
        query = (
            select(rows.c.user_id, func.max(rows.c.risk))
            .where(rows.c.window_end > start, rows.c.window_start < until)
            .group_by(rows.c.user_id)
        )
        session = self._state.db.session
        known = {user_id: float(risk) for user_id, risk in session.execute(query)}
        session.rollback()
        return known

    def _row(self, one: Anomaly, start: datetime, until: datetime) -> dict[str, Any]:
        return {
            "user_id": one.user_id,
            "window_start": start,
            "window_end": until,
            "metric": one.metric,
            "risk": one.risk,
            "level": one.level,
            "evidence": json.dumps(list(one.evidence)),
            "created_at": datetime.fromtimestamp(self._state.now(), UTC),
        }

    def _notify(self, critical: Sequence[Anomaly], state: health.Health, task: Task) -> None:
        if not critical:
            return
        count = len(critical)
        logger.warning("the oracle has found %d critical anomalies", count)
        admins = [str(user) for user in (self._state.declared.admins or list)()]
        if not admins:
            logger.warning("nobody is told of them: declare @rt.admins")
            return
        noun = "anomaly" if count == 1 else "anomalies"
        message = f"Oracle detected {count} critical {noun}"
        data = {"title": TITLE, "message": message, "anomalyCount": count}
        if state.score is not None:
            data["message"] = f"{message}. Platform health: {state.score:g} of 100"
            data["platformHealth"] = state.score
        key = f"oracle:{iso(task.scheduled_for)}"
        self._state.notifications.send(admins, NOTIFICATION, data, dedupe_key=key, commit=False)

    # -- health ---------------------------------------------------------------------------------

    def _checks(self, until: datetime) -> list[health.Check]:
        """What is wrong besides the anomalies: events that wait, jobs that fail or are late."""
        session, rows = self._state.db.session, self._models.outbox.__table__
        mine = rows.c.owner == self._state.outbox.owner
        waiting = session.scalar(select(func.count()).select_from(rows).where(mine))
        # Ends the reading transaction: on SQLite one that reads first may not write later, and the
        # ledger has a connection of its own.
        session.rollback()
        failed = self._ledger().count_failed(until - timedelta(days=DAYS))
        overdue = [name for name in self._overdue() if name != "oracle"]
        return [
            health.Check("delivery", "events that wait", "medium", _backlog(waiting), 1000),
            health.Check("jobs", "failed runs", "medium", failed, 10),
            health.Check("jobs", "overdue jobs", "high", len(overdue), 3),
        ]


def _backlog(waiting: int | None) -> int:
    """A few events are always on their way."""
    return max(0, (waiting or 0) - 100)


def _level_floor(risk: float) -> float:
    return CRITICAL if risk >= CRITICAL else REPORTED


def _health(
    activity: Sequence[MetricActivity], found: Sequence[Anomaly], checks: list[health.Check]
) -> health.Health:
    users = len({user.user_id for metric in activity for user in metric.users})
    if not health.is_enough(users, sum(metric.events for metric in activity)):
        return health.Health(None, [])
    many = health.reference(users)
    critical = sum(anomaly.risk >= CRITICAL for anomaly in found)
    return health.measure(
        [
            health.Check("activity", "critical anomalies", "high", critical, many),
            health.Check("activity", "high anomalies", "medium", len(found) - critical, many),
            *checks,
        ]
    )


def _report(
    found: Sequence[Anomaly],
    new_critical: Sequence[Anomaly],
    state: health.Health,
    until: datetime,
) -> dict[str, Any]:
    return {
        "anomaliesDetected": len(found),
        "criticalAnomalies": sum(anomaly.risk >= CRITICAL for anomaly in found),
        "newCriticalAnomalies": len(new_critical),
        "platformHealth": state.score,
        "platformHealthBreakdown": state.breakdown,
        "window": {"from": iso(until - timedelta(days=DAYS)), "to": iso(until)},
        "anomalies": shown(found),
    }
