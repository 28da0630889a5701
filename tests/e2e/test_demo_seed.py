"""`flask demo seed`: data through the extension, the same however often it runs."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import MetaData, Table, create_engine, func, select, text

from tests.support.servers import ROOT, environment

FLASK = [sys.executable, "-m", "flask", "--app", "example_app"]
CROWD = ("--users", "60", "--seed", "7")
DATED = {"last_active", "at", "created_at", "until"}
# What the generator writes; the ids of notifications are the extension's, and new each time.
GENERATED = (
    "user",
    "guild",
    "membership",
    "bounty",
    "dispute",
    "tribunal",
    "activity",
    "generation",
)


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def database(request, tmp_path):
    if request.param == "SQLite":
        return f"sqlite:///{tmp_path / 'demo.sqlite3'}"
    return request.getfixturevalue("postgres_url")


class Crowd(NamedTuple):
    """A database with generated people, and what the command printed of them."""

    url: str
    folder: Path
    printed: str


def flask(database, folder, *command):
    # A temporary folder of its own: memory:// is locked there, and a demo may be running.
    own = {"DEMO_INSTANCE_PATH": str(folder), "TMPDIR": str(folder)}
    env = environment({**own, "DEMO_DATABASE_URI": database})
    return subprocess.run([*FLASK, *command], cwd=ROOT, env=env, capture_output=True, text=True)


def seed(database, folder, *options):
    done = flask(database, folder, "demo", "seed", *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_job(database, folder, name):
    """A run beside the schedule; what it returned."""
    done = flask(database, folder, "nexora-rt", "jobs", "run", name, "--force")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def ask(database, query, **values):
    engine = create_engine(database)
    with engine.connect() as connection:
        found = connection.execute(text(query), values).all()
    engine.dispose()
    return found


def generated(database):
    """What the seed decides: everything but dates, of the people that were generated."""
    engine, metadata = create_engine(database), MetaData()
    found = {}
    with engine.connect() as connection:
        for name in GENERATED:
            table = Table(name, metadata, autoload_with=engine)
            kept = [c for c in table.c if c.name not in DATED]
            kept = [c for c in kept if c.name != "password_hash"]  # salted, of the named people
            found[name] = sorted(map(repr, connection.execute(select(*kept))))
    said = "SELECT conversation_id, seq, sender_id, content FROM nexora_rt_message"
    found["messages"] = sorted(map(repr, ask(database, said)))
    told = (
        "SELECT n.user_id, e.type, e.message FROM nexora_rt_notification n"
        " JOIN nexora_rt_notification_event e ON e.id = n.event_id"
    )
    found["told"] = sorted(map(repr, ask(database, told)))
    engine.dispose()
    return found


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


def test_a_database_of_an_earlier_version_is_left_alone(tmp_path):
    database = f"sqlite:///{tmp_path / 'demo.sqlite3'}"
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE dispute (id INTEGER PRIMARY KEY)"))
    engine.dispose()

    refused = flask(database, tmp_path, "demo", "seed")

    assert refused.returncode == 1
    assert "was made by an earlier version of the demo: remove it" in refused.stderr
    assert list(contents(database)) == ["dispute"]


@pytest.fixture(scope="module", params=["SQLite", "PostgreSQL"])
def crowd(request, tmp_path_factory):
    """A database with sixty generated people, for this file's tests: url, folder, printed."""
    folder = tmp_path_factory.mktemp("crowd")
    if request.param == "SQLite":
        url = f"sqlite:///{folder / 'demo.sqlite3'}"
        yield Crowd(url, folder, seed(url, folder, *CROWD))
        return
    server = request.getfixturevalue("postgres_server")
    url = server.create_database()
    yield Crowd(url, folder, seed(url, folder, *CROWD))
    server.drop_database(url)


class TestGenerator:
    """People, guilds, bounties and 30 days of what they did."""

    def test_a_second_run_changes_nothing_and_another_crowd_is_refused(self, crowd):
        database, tmp_path, printed = crowd
        first = contents(database)

        assert seed(database, tmp_path, *CROWD) == printed
        assert contents(database) == first
        assert len(first["user"]) == 67
        assert len(first["bounty"]) == 5 + 12
        assert first["nexora_rt_outbox"] == []
        refused = flask(database, tmp_path, "demo", "seed", "--users", "61", "--seed", "7")
        assert refused.returncode == 1
        assert "has 60 generated users of seed 7 already" in refused.stderr
        assert contents(database) == first

    def test_the_same_seed_makes_the_same_data_and_another_one_does_not(self, tmp_path):
        urls = [f"sqlite:///{tmp_path / name}.sqlite3" for name in ("one", "two", "three")]
        for url, number in zip(urls, "778", strict=True):
            seed(url, tmp_path, "--users", "60", "--seed", number)
        one, two, three = map(generated, urls)

        assert one == two
        assert [name for name in one if one[name] == three[name]] == []

    def test_rows_that_follow_are_numbered_after_those_that_were_generated(self, crowd):
        engine, metadata = create_engine(crowd.url), MetaData()
        guilds = Table("guild", metadata, autoload_with=engine)
        new = guilds.insert().values(name="New", purpose="").returning(guilds.c.id)
        with engine.connect() as connection:
            added = connection.scalar(new)
            assert added == connection.scalar(select(func.max(guilds.c.id)))
            connection.rollback()
        engine.dispose()

    def test_all_of_it_is_in_the_thirty_days_before_midnight(self, crowd):
        spans = "SELECT min(at), max(at), (SELECT until FROM generation) FROM activity"
        ((first, last, until),) = ask(crowd.url, spans)
        first, last = (datetime.fromisoformat(str(at)).replace(tzinfo=UTC) for at in (first, last))
        midnight = datetime.fromisoformat(str(until)).replace(tzinfo=UTC)

        assert datetime.now(UTC) - midnight < timedelta(days=2)
        assert midnight - timedelta(days=30) <= first
        assert midnight - timedelta(days=2) <= last < midnight

    def test_the_oracle_finds_whom_it_has_to_and_tells_the_admins(self, crowd):
        database, tmp_path, printed = crowd
        planted = dict(re.findall(r"(citizen-\d+)   a burst of (\w+)", printed))
        assert sorted(planted.values()) == ["messages", "transfers", "votes"]

        result = run_job(database, tmp_path, "oracle")

        logins = {
            str(user_id): login for user_id, login in ask(database, 'SELECT id, login FROM "user"')
        }
        found = {logins[one["userId"]]: one["evidence"][0] for one in result["anomalies"]}
        assert {login: evidence["metric"] for login, evidence in found.items()} == planted
        assert all(evidence["value"] > 300 for evidence in found.values())
        assert 0 < result["platformHealth"] < 100
        told = ask(
            database,
            "SELECT n.user_id, e.message FROM nexora_rt_notification n"
            " JOIN nexora_rt_notification_event e ON e.id = n.event_id"
            " WHERE e.type = 'platform_announcement'",
        )
        health = f"{result['platformHealth']:g}"
        message = f"Oracle detected 3 critical anomalies. Platform health: {health} of 100"
        assert [(logins[user_id], said) for user_id, said in told] == [("grace", message)]

    def test_who_is_away_for_forty_days_loses_ten_points_once(self, crowd):
        database, tmp_path, _ = crowd

        def trust():
            return dict(ask(database, 'SELECT login, trust_score FROM "user"'))

        before = trust()
        runs = [run_job(database, tmp_path, "trust-decay") for _ in range(2)]
        lost = {
            login: before[login] - now for login, now in trust().items() if now != before[login]
        }

        assert [run["usersDecayed"] for run in runs] == [len(lost), 0]
        # Else midnight has come between the two commands, and it is the forty-first day.
        midnight = ask(database, "SELECT until FROM generation")[0][0]
        days = (datetime.now(UTC).date() - datetime.fromisoformat(str(midnight)).date()).days
        assert lost["citizen-1"] == 10 + days
        assert lost["frank"] == 30
        assert before["citizen-1"] == 760
