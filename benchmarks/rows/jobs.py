"""Row "jobs": trust decay of a million users and the oracle over 100,000, on PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, Integer, String, event, func, select, text
from sqlalchemy.orm import mapped_column

from flask_nexora_rt import NexoraRT
from flask_nexora_rt.testing import Clock, make_app
from tests.support.postgres_server import PostgresServer

from ..bench import OURS, Bench, progress
from ..comparison import Budget, Comparison, Series
from .attempts import why

USERS, QUICK_USERS = 1_000_000, 100_000
ACTIVE, QUICK_ACTIVE = 100_000, 20_000
TOLD = 20_000
WEEKS = 12
PLANTED = 20
SUNDAY = datetime(2026, 3, 1, 0, 0, 10, tzinfo=UTC)

# About 7 deeds each, log-normal (Box and Muller), spread over the week before.
CLEAN = """
INSERT INTO deed (who, kind, done_at)
SELECT u.who, 'vote', CAST(:until AS timestamp) - random() * interval '7 days'
FROM (SELECT who, exp(1.5 + sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())) AS many
      FROM generate_series(1, :users) AS who) AS u,
     LATERAL generate_series(1, CAST(ceil(u.many) AS int))
"""
PLANT = """
INSERT INTO deed (who, kind, done_at)
SELECT -who, 'vote', CAST(:until AS timestamp) - random() * interval '1 day'
FROM generate_series(1, :planted) AS who, generate_series(1, 5000)
"""
AWAY = """
INSERT INTO member (id, trust, last_active)
SELECT n, 501 + n % 500, CAST(:now AS timestamp) - n % 100 * interval '1 day'
FROM generate_series(1, :users) AS n
"""


@dataclass
class Host:
    """An app on a PostgreSQL of its own, and what its statements were."""

    rt: NexoraRT
    db: SQLAlchemy
    clock: Clock
    member: Any
    statements: list[str] = field(default_factory=list)
    sql_seconds: float = 0.0

    def run(self, name: str, force: bool = False) -> dict[str, Any]:
        """Run a job to its end."""
        answer = self.rt.jobs.run(name, force=force, wait=600)
        if not answer["success"]:
            raise RuntimeError(f"{name}: {answer}")
        return answer


def run(bench: Bench) -> list[Comparison]:
    """Both jobs; the budgets are absolute."""
    lines = []
    for measure in (_decay, _oracle):
        try:
            lines += measure(bench)
        except Exception as error:  # noqa: BLE001 - a row that could not run says why
            progress(why(error))
            work = measure.__name__.strip("_")
            budget = Budget(1, unit="s")
            lines.append(Comparison("jobs", work, "s", budget, None, note=why(error)))
    return lines


@contextmanager
def _host(memory: str) -> Iterator[Host]:
    server = PostgresServer().start()
    try:
        with _app(server.create_database(), memory) as host:
            yield host
    finally:
        server.close()


@contextmanager
def _app(url: str, memory: str) -> Iterator[Host]:
    rt, db = NexoraRT(), SQLAlchemy()
    member = _declare(rt, db, memory)
    app = make_app(rt, db=db, SQLALCHEMY_DATABASE_URI=url)
    state = app.extensions["nexora_rt"]
    state.clock = Clock(SUNDAY.timestamp())
    with app.app_context():
        db.create_all()
        host = Host(rt, db, state.clock, member)
        _listen(host)
        yield host
        db.session.remove()
        db.engine.dispose()
    state.runtime.close()


def _declare(rt: NexoraRT, db: SQLAlchemy, memory: str) -> Any:
    class Member(db.Model):  # type: ignore[name-defined,misc]
        id = mapped_column(Integer, primary_key=True)
        trust = mapped_column(Integer)
        last_active = mapped_column(DateTime)
        anchor = mapped_column(DateTime)
        applied = mapped_column(Integer)

    class Deed(db.Model):  # type: ignore[name-defined,misc]
        id = mapped_column(Integer, primary_key=True)
        who = mapped_column(Integer)
        kind = mapped_column(String(20))
        done_at = mapped_column(DateTime)

    own = {"anchor": Member.anchor, "applied": Member.applied} if memory == "columns" else {}
    tells = memory == "told"
    rt.trust_columns(Member.id, Member.trust, Member.last_active, notify=tells, **own)
    rt.activity(
        lambda: select(
            Deed.who.label("user_id"), Deed.kind.label("metric"), Deed.done_at.label("at")
        )
    )
    rt.admins(list)
    return Member


def _listen(host: Host) -> None:
    began: list[float] = []

    def before(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        began.append(time.perf_counter())

    def after(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        host.sql_seconds += time.perf_counter() - began.pop()
        host.statements.append(statement)

    event.listen(host.db.engine, "before_cursor_execute", before)
    event.listen(host.db.engine, "after_cursor_execute", after)


def _decay(bench: Bench) -> list[Comparison]:
    users = QUICK_USERS if bench.quick else USERS
    work = f"trust decay, {users:,} users"
    updates, repeated, most, details = [], [], [], []
    for memory in ("columns", "table"):
        progress(f"ours: {work}, {WEEKS} weeks, remembered in the {memory}")
        with _host(memory) as host:
            _fill(host, AWAY, now=_naive(SUNDAY) - timedelta(hours=1), users=users)
            host.statements.clear()
            first, took = _timed(host, "trust-decay")
            updates.append(sum("UPDATE member" in one for one in host.statements))
            again, repeat_took = _timed(host, "trust-decay", force=True)
            repeated.append(again["usersDecayed"])
            most.append(_twelve_weeks(host))
            changed = f"{first['usersDecayed']:,} changed in {took:.1f} s"
            details.append(f"{memory}: {changed}, repeat {repeat_took:.1f} s")
    detail = {OURS: f"{'; '.join(details)}; {_telling()}"}
    return [
        Comparison("jobs", f"{work}: UPDATE statements on them", "statements",
                   Budget(1, unit="statements"), Series.of(updates), details=detail),
        Comparison("jobs", f"{work}: rows a repeat changes", "rows",
                   Budget(0, unit="rows"), Series.of(repeated)),
        Comparison("jobs", f"{work}: most taken in {WEEKS} weekly runs", "points",
                   Budget(50, unit="points"), Series.of(most)),
    ]  # fmt: skip


def _twelve_weeks(host: Host) -> int:
    """Return the most that a user has lost by the end, of those whose trust is off the floor."""
    for _ in range(WEEKS):
        host.clock.advance(7 * 86_400)
        host.run("trust-decay")
    member = host.member
    lost = func.max(501 + member.id % 500 - member.trust)
    most = host.db.session.scalar(select(lost).where(member.trust > 500))
    host.db.session.rollback()
    return int(most)


def _telling() -> str:
    """How long it takes to tell: events, without notifications."""
    with _host("told") as host:
        _fill(host, AWAY, now=_naive(SUNDAY) - timedelta(hours=1), users=TOLD)
        answer, took = _timed(host, "trust-decay")
    return f"{answer['usersDecayed']:,} changed and told in {took:.1f} s"


def _oracle(bench: Bench) -> list[Comparison]:
    users = QUICK_ACTIVE if bench.quick else ACTIVE
    work = f"oracle, {users:,} users x 7 days"
    progress(f"ours: {work}")
    with _host("columns") as host:
        _fill(host, CLEAN, until=_naive(SUNDAY) - timedelta(seconds=10), users=users)
        clean, _ = _timed(host, "oracle", force=True)
        _fill(host, PLANT, until=_naive(SUNDAY) - timedelta(seconds=10), planted=PLANTED)
        after_sql, cpu = [], time.process_time()
        for _ in range(bench.rounds(3)):
            host.sql_seconds = 0.0
            planted, took = _timed(host, "oracle", force=True)
            after_sql.append(took - host.sql_seconds)
        cpu = (time.process_time() - cpu) / len(after_sql)
        deeds = host.db.session.scalar(select(func.count()).select_from(text("deed")))
    ids = {one["userId"] for one in planted["anomalies"]}
    found = len(ids & {str(-n) for n in range(1, PLANTED + 1)})
    sql = f"{host.sql_seconds:.2f} s of SQL, {cpu:.2f} s of CPU in all"
    detail = f"{deeds:,} rows, {sql}; platform health {planted['platformHealth']}"
    share = 100 * clean["anomaliesDetected"] / users
    return [
        Comparison("jobs", f"{work}: after the SQL", "s", Budget(2, unit="s"),
                   Series.of(after_sql), details={OURS: detail}),
        Comparison("jobs", f"{work}: planted anomalies found", "of 20",
                   Budget(PLANTED, at_least=True, unit="of 20"), Series.of([found])),
        Comparison("jobs", f"{work}: clean users flagged", "%", Budget(0.5, unit="%"),
                   Series.of([share])),
    ]  # fmt: skip


def _fill(host: Host, statement: str, **values: Any) -> None:
    with host.db.engine.begin() as connection:
        connection.execute(text(statement), values)
        connection.execute(text("ANALYZE"))


def _timed(host: Host, name: str, force: bool = False) -> tuple[dict[str, Any], float]:
    began = time.perf_counter()
    answer = host.run(name, force)
    return answer, time.perf_counter() - began


def _naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)
