"""Transactions that write to several conversations, side by side. Only PostgreSQL locks rows."""

import sqlite3
import threading

import pytest
from sqlalchemy.exc import OperationalError

from flask_nexora_rt.errors import InvalidName
from flask_nexora_rt.testing import sign_in
from flask_nexora_rt.transaction import is_lost_race
from tests.contract.test_messages import host  # noqa: F401

AB, BA = ("guild-a", "guild-b"), ("guild-b", "guild-a")


@pytest.fixture
def database_url(postgres_url):
    return postgres_url


def side_by_side(function, *arguments):
    """What a function returns for each of these, each in a thread of its own."""
    found = {}

    def run(one):
        found[one] = function(one)

    threads = [threading.Thread(target=run, args=(one,)) for one in arguments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found[one] for one in arguments]


def test_who_takes_all_conversations_first_waits_for_nobody_in_a_ring(host):  # noqa: F811
    def write(order):
        with host.app.app_context():
            for turn in range(20):
                host.rt.messages.lock(order)
                for conversation in order:
                    host.rt.messages.send(conversation, f"{turn}", "alice", commit=False)
                host.db.session.commit()
        return "done"

    assert side_by_side(write, AB, BA) == ["done", "done"]
    for conversation in AB:
        stored = host.rt.messages.history(conversation, limit=100)["messages"]
        assert [one["seq"] for one in stored] == list(range(1, 41))


def test_taking_a_conversation_writes_nothing(host):  # noqa: F811
    host.rt.messages.lock(["guild-a"])
    host.rt.messages.lock([])
    host.db.session.commit()

    assert host.rt.messages.history("guild-a")["messages"] == []
    assert host.rt.messages.send("guild-a", "hello", "alice").message["seq"] == 1
    with pytest.raises(InvalidName):
        host.rt.messages.lock(["guild-a", "no name"])


def test_of_two_requests_in_each_others_way_one_is_to_be_repeated(host):  # noqa: F811
    meeting, waits = threading.Barrier(2), [1, 2]

    @host.rt.message_sent
    def tell_the_other(message):
        if message["content"] != "copy":
            if waits:
                waits.pop()
                meeting.wait(20)
            other = dict([AB, BA])[message["conversationId"]]
            host.rt.messages.send(other, "copy", "alice", commit=False)

    def post(conversation):
        client = sign_in(host.app.test_client(), "alice")
        body = {"conversationId": conversation, "content": "hello", "clientId": "c-1"}
        return client.post("/api/messages", json=body)

    for conversation in AB:
        host.rt.messages.send(conversation, "copy", "bob")
    answers = side_by_side(post, *AB)
    assert sorted(answer.status_code for answer in answers) == [201, 503]
    [refused] = [answer for answer in answers if answer.status_code == 503]
    assert refused.headers["Retry-After"] == "2"
    assert refused.json["error"] == "Temporarily unavailable"

    assert sorted(post(conversation).status_code for conversation in AB) == [200, 201]
    for conversation in AB:
        stored = host.rt.messages.history(conversation)["messages"]
        assert sorted(one["content"] for one in stored) == ["copy", "copy", "hello"]


@pytest.fixture
def sqlite_busy(tmp_path):
    """What SQLite says to who waits for a writer in vain."""
    writer, other = (sqlite3.connect(tmp_path / "busy.db", timeout=0) for _ in range(2))
    writer.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError) as found:
        other.execute("BEGIN IMMEDIATE")
    writer.close()
    other.close()
    return found.value


def test_only_who_was_in_the_way_of_others_is_told_to_try_again(sqlite_busy):
    gone = sqlite3.OperationalError("no such table")

    assert is_lost_race(OperationalError("SELECT 1", None, sqlite_busy))
    assert not is_lost_race(OperationalError("SELECT 1", None, gone))
