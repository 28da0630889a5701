"""Row 8: one notification to 10,000 users, and reading beside 1,000,000 stored ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event, text

from flask_nexora_rt import NexoraRT
from tests.support.postgres_server import PostgresServer

from ..bench import OURS, Bench, progress
from ..comparison import Budget, Comparison, Series
from .attempts import why

USERS = 10_000
STORED, QUICK_STORED = 1_000_000, 100_000
READS = 200
DATA = {"bountyTitle": "The northern coast", "guildName": "Mapmakers"}
SECONDS, STATEMENTS = Budget(1.5, unit="s"), Budget(40, unit="statements")
READING = Budget(5, unit="ms")

# As many notifications of one user as asked for, most of them read.
_FILL = """
INSERT INTO nexora_rt_notification
  (user_id, id, rank, event_id, group_count, created_at, seen_at, read_at)
SELECT 'reader', md5(n::text), n, :event, 1, now(), now(), CASE WHEN n % 10 = 0 THEN NULL ELSE now() END
FROM generate_series(1, :count) AS n
"""  # noqa: E501


def run(bench: Bench) -> list[Comparison]:
    """On PostgreSQL, with the log in Redis; the budgets are absolute."""
    try:
        with PostgresServer() as server, _host(bench, server) as (db, rt):
            return [*_telling(bench, db, rt), *_reading(bench, db, rt)]
    except Exception as error:  # noqa: BLE001 - a row that could not run says why
        progress(why(error))
        return [Comparison("8", "notifications", "s", SECONDS, None, note=why(error))]


@contextmanager
def _host(bench: Bench, server: PostgresServer) -> Iterator[tuple[SQLAlchemy, NexoraRT]]:
    app, db, rt = Flask(__name__), SQLAlchemy(), NexoraRT()
    app.config.update(
        SECRET_KEY="x",
        SQLALCHEMY_DATABASE_URI=server.create_database(),
        NEXORA_RT_URL=bench.redis.url,
        NEXORA_RT_SECRET="x" * 32,
        NEXORA_RT_APP_ID="notifying",
    )
    db.init_app(app)
    rt.init_app(app, db=db)
    with app.app_context():
        db.create_all()
        yield db, rt
        db.session.remove()
        app.extensions["nexora_rt"].runtime.close()
        db.engine.dispose()


def _telling(bench: Bench, db: SQLAlchemy, rt: NexoraRT) -> list[Comparison]:
    users = [f"user-{number}" for number in range(USERS)]
    rt.notifications.send(users[:10], "bounty_matched", DATA)  # warm
    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *about: statements.append(about[2]))
    seconds, counts = [], []
    for _ in range(bench.rounds(5)):
        progress(f"ours: one notification to {USERS} users")
        statements.clear()
        began = time.perf_counter()
        rt.notifications.send(users, "bounty_matched", DATA)
        seconds.append(time.perf_counter() - began)
        counts.append(len(statements))
    work = f"one notification to {USERS:,} users, PostgreSQL"
    return [
        Comparison("8", f"{work}, until it is committed", "s", SECONDS, Series.of(seconds)),
        Comparison("8", work, "statements", STATEMENTS, Series.of(counts)),
    ]


def _reading(bench: Bench, db: SQLAlchemy, rt: NexoraRT) -> list[Comparison]:
    stored = QUICK_STORED if bench.quick else STORED
    progress(f"filling in {stored} notifications")
    first = rt.notifications.send("reader", "bounty_matched", DATA).notification["id"]
    db.session.execute(text(_FILL), {"event": first, "count": stored + 1})
    db.session.execute(text("UPDATE nexora_rt_inbox SET version = :v"), {"v": stored + 1})
    db.session.commit()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE nexora_rt_notification"))
    plan = _plan_of(db, lambda: rt.notifications.unread_count("reader"))
    page = rt.notifications.list("reader", "unread", limit=20)
    cursor = rt.notifications.list("reader", limit=100)["nextCursor"]
    readers: dict[str, Callable[[], Any]] = {
        "count": lambda: rt.notifications.unread_count("reader"),
        "first page": lambda: rt.notifications.list("reader"),
        "a later page": lambda: rt.notifications.list("reader", cursor=cursor),
        "unread page": lambda: rt.notifications.list("reader", "unread"),
    }
    if "nexora_rt_notification_unread" not in plan or page["unread"] != 100:
        raise RuntimeError(f"the partial index is not used: {plan}")
    note = f"one user has {stored:,} stored notifications"
    return [
        Comparison(
            "8", f"{note}: {name}, p50", "ms", READING, Series.of([_p50(db, read)]),
            details={OURS: "plan: nexora_rt_notification_unread"} if name == "count" else {},
        )
        for name, read in readers.items()
    ]  # fmt: skip


def _plan_of(db: SQLAlchemy, read: Callable[[], Any]) -> str:
    """What PostgreSQL does for the statement that ``read`` executes."""
    seen: list[tuple[str, Any]] = []

    def remember(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        seen.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", remember)
    read()
    event.remove(db.engine, "before_cursor_execute", remember)
    statement, parameters = seen[-1]
    with db.engine.connect() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
        return "\n".join(row[0] for row in rows)


def _p50(db: SQLAlchemy, read: Callable[[], Any]) -> float:
    taken = []
    for _ in range(READS):
        began = time.perf_counter()
        read()
        db.session.rollback()
        taken.append((time.perf_counter() - began) * 1e3)
    return sorted(taken)[len(taken) // 2]
