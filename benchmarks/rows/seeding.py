"""The demo's data: ``flask demo seed`` with a crowd, on both databases."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support.postgres_server import PostgresServer
from tests.support.servers import ROOT, environment

from ..bench import Bench, progress
from ..comparison import Budget, Comparison, Series
from .attempts import why

USERS = 10_000
BUDGET = Budget(60, unit="s")
SEED = [sys.executable, "-m", "flask", "--app", "example_app", "demo", "seed", "--users"]


def run(bench: Bench) -> list[Comparison]:
    """The whole command, from a database without tables; the budget is absolute."""
    return [_row(bench, "SQLite"), _row(bench, "PostgreSQL")]


def _row(bench: Bench, database: str) -> Comparison:
    work = f"flask demo seed --users {USERS}, {database}"
    try:
        seconds = Series.of(_seed(database, USERS) for _ in range(bench.rounds(1)))
    except Exception as error:  # noqa: BLE001 - a row that could not run says why
        progress(why(error))
        return Comparison("demo", work, "s", BUDGET, None, note=why(error))
    return Comparison("demo", work, "s", BUDGET, seconds)


def _seed(database: str, users: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        if database == "SQLite":
            return _time(f"sqlite:///{folder}/demo.sqlite3", folder, users)
        with PostgresServer() as server:
            return _time(server.create_database(), folder, users)


def _time(url: str, folder: str, users: int) -> float:
    progress(f"seeding {users} users: {url.partition(':')[0]}")
    own = {"DEMO_DATABASE_URI": url, "DEMO_INSTANCE_PATH": folder, "TMPDIR": folder}
    began = time.perf_counter()
    subprocess.run(
        [*SEED, str(users)], cwd=Path(ROOT), env=environment(own), check=True, capture_output=True
    )
    return time.perf_counter() - began
