"""What users did in a window, read by one set-based query per metric."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import String, case, cast, func, literal, select, union_all

from ..errors import ConfigurationError
from ..models import Models
from .detector import MetricActivity, UserActivity

logger = logging.getLogger(__name__)

DAYS: Final = 7
MAX_METRICS: Final = 50
_COLUMNS: Final = ("user_id", "metric", "at")
_ROWS_AT_ONCE: Final = 5000


def default_source(models: Models) -> Any:
    """Return what this package itself knows: messages sent, and notifications caused."""
    sent, told = models.message.__table__, models.notification_event.__table__
    return union_all(
        _did(sent, sent.c.sender_id, "messages"),
        _did(told, told.c.actor_id, "notifications").where(told.c.actor_id.is_not(None)),
    )


def _did(rows: Any, user_id: Any, metric: str) -> Any:
    name, at = literal(metric).label("metric"), rows.c.created_at.label("at")
    return select(user_id.label("user_id"), name, at)


def read_activity(
    session: Any, source: Any, until: datetime, pause: Callable[[], None]
) -> list[MetricActivity]:
    """Return each metric's activity of the `DAYS` days before a moment.

    ``source``: a selectable of user_id, metric, at. ``pause`` is called between chunks of rows.
    Raises `ConfigurationError` for another one.
    """
    rows = _checked(source)
    start = until - timedelta(days=DAYS)
    inside = (rows.c.at >= _bound(rows, start), rows.c.at < _bound(rows, until))
    names = select(rows.c.metric).where(*inside).distinct().order_by(rows.c.metric)
    metrics = list(session.scalars(names.limit(MAX_METRICS + 1)))
    if len(metrics) > MAX_METRICS:
        logger.warning("the oracle looks at the first %d metrics", MAX_METRICS)
    return [
        MetricActivity(str(metric), _read_metric(session, rows, metric, start, inside, pause))
        for metric in metrics[:MAX_METRICS]
    ]


def _checked(source: Any) -> Any:
    rows = source if hasattr(source, "c") and not hasattr(source, "subquery") else None
    rows = source.subquery("activity") if rows is None and hasattr(source, "subquery") else rows
    if rows is None or not all(name in rows.c for name in _COLUMNS):
        raise ConfigurationError(
            ["@rt.activity: return a SQLAlchemy selectable with the columns user_id, metric, at"]
        )
    return rows


def _bound(rows: Any, moment: datetime) -> Any:
    """Return a moment as the source's column keeps it, with or without its zone."""
    kind = rows.c.at.type
    naive = moment.astimezone(UTC).replace(tzinfo=None)
    return literal(moment if getattr(kind, "timezone", False) else naive, kind)


def _read_metric(
    session: Any,
    rows: Any,
    metric: Any,
    start: datetime,
    inside: tuple[Any, ...],
    pause: Callable[[], None],
) -> list[UserActivity]:
    """Read one row per user, with a count for each day."""
    edges = [_bound(rows, start + timedelta(days=day)) for day in range(1, DAYS)]
    # From the newest day backwards: the first edge that is passed decides.
    passed = [(rows.c.at >= edge, n) for n, edge in enumerate(edges, 1)]
    day = case(*reversed(passed), else_=0)
    marked = (
        select(rows.c.user_id.label("user_id"), day.label("day"))
        .where(*inside, rows.c.metric == metric, rows.c.user_id.is_not(None))
        .subquery()
    )
    counts = [func.count(case((marked.c.day == n, 1))) for n in range(DAYS)]
    query = select(cast(marked.c.user_id, String), *counts).group_by(marked.c.user_id)
    found: list[UserActivity] = []
    for part in session.execute(query).partitions(_ROWS_AT_ONCE):
        found += [UserActivity(row[0], row[1:]) for row in part]
        pause()
    return found
