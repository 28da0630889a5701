"""The SQL of job runs. The unique (job, scheduled_for) is the lock: there is no other.

Every method is a transaction of its own on a connection of its own: what the ledger says does
not hang on what the job or the request does with the host's session.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import ColumnElement, Engine, delete, exists, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ..times import utc

RUNNING: Final = "running"
OK: Final = "ok"
FAILED: Final = "failed"
ABANDONED: Final = "abandoned"
SKIPPED: Final = "skipped"
FORCE: Final = "force"

SILENT: Final = "its owner fell silent"

_TIMES = ("scheduled_for", "lease_until", "started_at", "finished_at")


@dataclass(frozen=True)
class Run:
    """A row of the ledger; ``result`` is JSON text."""

    id: str
    job: str
    scheduled_for: datetime
    status: str
    attempt: int
    owner: str
    fence: int
    lease_until: datetime
    trigger: str
    started_at: datetime | None
    finished_at: datetime | None
    duration_ms: int | None
    result: str | None
    error: str | None

    def is_live(self, now: datetime) -> bool:
        """Say whether its owner has shown lately that it works on it."""
        return self.status == RUNNING and self.lease_until > now

    @property
    def value(self) -> Any:
        """What the job returned."""
        return None if self.result is None else json.loads(self.result)


class Ledger:
    """The runs of one database. ``engine`` gives it outside any request."""

    def __init__(self, model: type[Any], engine: Callable[[], Engine]) -> None:
        self._runs = model.__table__
        self._engine = engine
        self._columns = [self._runs.c[field.name] for field in fields(Run)]

    # -- who runs a slot ------------------------------------------------------------------------

    def open(
        self, job: str, slot: datetime, trigger: str, owner: str, now: datetime, lease: timedelta
    ) -> Run | None:
        """Insert the slot's row and with it own the run; None when the slot has one."""
        row = {
            "id": uuid4().hex,
            "job": job,
            "scheduled_for": slot,
            "status": RUNNING,
            "attempt": 1,
            "owner": owner,
            "fence": 1,
            "lease_until": now + lease,
            "trigger": trigger,
            "started_at": now,
        }
        return self._first(self._insert(row).on_conflict_do_nothing().returning(*self._columns))

    def take(
        self, run: Run, trigger: str, owner: str, now: datetime, lease: timedelta
    ) -> Run | None:
        """Take a run over unless it has changed; the earlier owner's writes are refused."""
        return self._first(
            self._update(run)
            .where(self._runs.c.lease_until == run.lease_until)
            .values(
                status=RUNNING,
                attempt=run.attempt + 1,
                owner=owner,
                fence=run.fence + 1,
                lease_until=now + lease,
                trigger=trigger,
                started_at=now,
                finished_at=None,
                duration_ms=None,
                error=None,
            )
            .returning(*self._columns)
        )

    def renew(self, run: Run, until: datetime) -> bool:
        """Prolong the lease; False when the run is no longer its owner's."""
        return self._changed(self._update(run).values(lease_until=until))

    def finish(
        self, run: Run, status: str, now: datetime, result: str | None, error: str | None
    ) -> bool:
        """Write how it ended; False when the run is no longer its owner's: nothing is written."""
        took = now - (run.started_at or now)
        return self._changed(
            self._update(run).values(
                status=status,
                finished_at=now,
                lease_until=now,
                duration_ms=round(took.total_seconds() * 1000),
                result=result,
                error=error and error[:500],
            )
        )

    def abandon(self, run: Run, now: datetime, error: str) -> bool:
        """Give a run up whose owners have all fallen silent; False when it has changed."""
        silent = self._update(run).where(self._runs.c.lease_until == run.lease_until)
        return self._changed(silent.values(status=ABANDONED, finished_at=now, error=error))

    def abandon_silent(self, job: str, before: datetime, now: datetime) -> int:
        """Give up the runs of a job's older slots whose owner has fallen silent; return how many.

        Only the latest slot is ever taken over, so nobody else would end them.
        """
        runs = self._runs
        silent = (runs.c.status == RUNNING, runs.c.lease_until <= now)
        older = update(runs).where(runs.c.job == job, runs.c.scheduled_for < before, *silent)
        values = {"status": ABANDONED, "finished_at": now, "error": SILENT}
        with self._engine().begin() as connection:
            return int(connection.execute(older.values(values)).rowcount)

    def confirm(self, session: Any, run: Run, until: datetime) -> bool:
        """In the session's transaction: say whether the run is its owner's, and keep it so.

        Prolongs the lease: while the transaction keeps writers out, `renew` waits for it, too.
        """
        touch = self._update(run).values(lease_until=until)
        return bool(session.connection().execute(touch).rowcount)

    def skip(self, job: str, slots: Iterable[datetime], owner: str, now: datetime) -> int:
        """Note slots that nobody has run and nobody will; return how many are new."""
        row = {"job": job, "status": SKIPPED, "attempt": 0, "owner": owner, "fence": 0}
        row |= {"lease_until": now, "trigger": "tick", "finished_at": now}
        rows = [{**row, "id": uuid4().hex, "scheduled_for": slot} for slot in slots]
        if not rows:
            return 0
        with self._engine().begin() as connection:
            news = [self._insert(one).on_conflict_do_nothing() for one in rows]
            added = [connection.scalar(new.returning(self._runs.c.id)) for new in news]
        return len([run_id for run_id in added if run_id is not None])

    def _update(self, run: Run) -> Any:
        mine = (self._runs.c.id == run.id, self._runs.c.fence == run.fence)
        return update(self._runs).where(*mine, self._runs.c.status == run.status)

    # -- reading --------------------------------------------------------------------------------

    def get(self, run_id: str) -> Run | None:
        return self._first(select(*self._columns).where(self._runs.c.id == run_id))

    def at(self, job: str, slot: datetime) -> Run | None:
        """Return the run of a slot."""
        mine = (self._runs.c.job == job, self._runs.c.scheduled_for == slot)
        return self._first(select(*self._columns).where(*mine))

    def newest_slot(self, job: str, before: datetime) -> datetime | None:
        """Return the newest slot before a moment that has a row."""
        mine = (self._runs.c.job == job, self._runs.c.trigger != FORCE)
        newest = select(func.max(self._runs.c.scheduled_for))
        with self._engine().connect() as connection:
            found = connection.scalar(newest.where(*mine, self._runs.c.scheduled_for < before))
        return None if found is None else utc(found)

    def has_begun(self, job: str, before: datetime) -> bool:
        """Say whether a slot before this one has ever begun; a forced run is in no slot."""
        mine = (self._runs.c.job == job, self._runs.c.trigger != FORCE)
        begun = (self._runs.c.status != SKIPPED, self._runs.c.scheduled_for < before)
        with self._engine().connect() as connection:
            return bool(connection.scalar(select(exists().where(*mine, *begun))))

    def history(self, job: str, limit: int) -> list[Run]:
        """Return runs, newest slot first."""
        return self._all(
            select(*self._columns)
            .where(self._runs.c.job == job)
            .order_by(self._runs.c.scheduled_for.desc())
            .limit(limit)
        )

    def newest(self, jobs: Sequence[str]) -> dict[str, Run]:
        """Return the newest run of each job that has one: of the rows that have begun."""
        begun = (self._runs.c.job.in_(jobs), self._runs.c.status != SKIPPED)
        last = (
            select(self._runs.c.job, func.max(self._runs.c.scheduled_for).label("slot"))
            .where(*begun)
            .group_by(self._runs.c.job)
            .subquery()
        )
        same: ColumnElement[bool] = self._runs.c.scheduled_for == last.c.slot
        found = self._all(
            select(*self._columns).join(last, (self._runs.c.job == last.c.job) & same)
        )
        return {run.job: run for run in found}

    def count_failed(self, since: datetime) -> int:
        """Return how many runs since then have not gone well."""
        bad = self._runs.c.status.in_((FAILED, ABANDONED))
        query = select(func.count()).where(bad, self._runs.c.scheduled_for >= since)
        with self._engine().connect() as connection:
            return int(connection.scalar(query) or 0)

    def delete_before(self, moment: datetime, limit: int) -> int:
        """Delete runs of older slots, but none that runs; return how many."""
        old = (self._runs.c.scheduled_for < moment, self._runs.c.status != RUNNING)
        some = select(self._runs.c.id).where(*old).limit(limit)
        with self._engine().begin() as connection:
            gone = delete(self._runs).where(self._runs.c.id.in_(some))
            return int(connection.execute(gone).rowcount)

    # -- SQL ------------------------------------------------------------------------------------

    def _insert(self, row: dict[str, Any]) -> Any:
        dialect = self._engine().dialect.name
        return (postgresql if dialect == "postgresql" else sqlite).insert(self._runs).values(row)

    def _changed(self, statement: Any) -> bool:
        with self._engine().begin() as connection:
            return bool(connection.execute(statement).rowcount)

    def _first(self, statement: Any) -> Run | None:
        found = self._all(statement)
        return found[0] if found else None

    def _all(self, statement: Any) -> list[Run]:
        with self._engine().begin() as connection:
            return [_run(row._mapping) for row in connection.execute(statement).all()]


def _run(row: Any) -> Run:
    times = {name: None if row[name] is None else utc(row[name]) for name in _TIMES}
    return Run(**{**row, **times})
