"""`flask demo seed`: data through the extension, the same however often it runs."""

import subprocess
import sys

import pytest
from sqlalchemy import MetaData, create_engine, select

from tests.support.servers import ROOT, environment

SEED = [sys.executable, "-m", "flask", "--app", "example_app", "demo", "seed"]


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def database(request, tmp_path):
    if request.param == "SQLite":
        return f"sqlite:///{tmp_path / 'demo.sqlite3'}"
    return request.getfixturevalue("postgres_url")


def seed(database, folder):
    # A temporary folder of its own: memory:// is locked there, and a demo may be running.
    own = {"DEMO_INSTANCE_PATH": str(folder), "TMPDIR": str(folder)}
    env = environment({**own, "DEMO_DATABASE_URI": database})
    done = subprocess.run(SEED, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    return done.stdout


def contents(database):
    """All rows of all tables."""
    engine, metadata = create_engine(database), MetaData()
    metadata.reflect(engine)
    with engine.connect() as connection:
        found = {
            name: sorted(map(repr, connection.execute(select(table))))
            for name, table in metadata.tables.items()
        }
    engine.dispose()
    return found


def test_running_twice_changes_nothing(database, tmp_path):
    printed = seed(database, tmp_path)
    first = contents(database)

    assert seed(database, tmp_path) == printed
    assert contents(database) == first
    assert "alice  demo" in printed
    assert len(first["nexora_rt_message"]) > 10
    assert first["nexora_rt_reaction"]
    assert first["nexora_rt_mention"]
    assert first["nexora_rt_notification"]
    assert len(first["bounty"]) == 5
    assert first["nexora_rt_outbox"] == []
