"""What messages promise, on every database."""

import threading
from types import SimpleNamespace

import pytest
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import func, select

from flask_nexora_rt import NexoraRT
from flask_nexora_rt.errors import Conflict, EventTooLarge, Forbidden, InvalidFields, NotFound
from flask_nexora_rt.testing import make_app


@pytest.fixture(params=["sqlite", "postgresql", "sqlite-memory"])
def database_url(request, tmp_path):
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    return "sqlite://" if request.param == "sqlite-memory" else f"sqlite:///{tmp_path}/m.db"


@pytest.fixture
def host(database_url, redis_url, app_id):
    rt, db = NexoraRT(), SQLAlchemy()
    rt.channel("guild-{id}")(lambda user, id: True)
    rt.conversation_members(lambda conversation: ["alice", "bob", "carol"])
    rt.mentioned_users(lambda conversation, names: [name for name in names if name != "nobody"])
    rt.message_moderator(lambda user, conversation: user == "moderator")
    rt.user_info(lambda user: {"name": user.title(), "image": None})
    app = make_app(
        rt,
        db=db,
        SQLALCHEMY_DATABASE_URI=database_url,
        NEXORA_RT_URL=redis_url,
        NEXORA_RT_APP_ID=app_id,
    )
    state = app.extensions["nexora_rt"]
    with app.app_context():
        db.create_all()
        yield SimpleNamespace(app=app, rt=rt, db=db, state=state, log=state.runtime.log)
        db.session.remove()
        state.outbox.stop()
        db.drop_all()
        db.engine.dispose()
    state.runtime.close()


def published(host, count, start=None):
    """The first `count` events of the log, once they are there; no more may come."""
    start = start or host.log.bounds().reset
    for _ in range(200):
        entries = host.log.range(start, 10_000)
        if len(entries) >= count:
            break
        threading.Event().wait(0.02)
    return [entry.event for entry in host.log.range(start, 10_000)]


def names(host, count):
    return [event.name for event in published(host, count)]


def test_a_message_is_saved_numbered_and_sent(host):
    first = host.rt.messages.send("guild-1", " hello \r\n there ", "alice").message
    second = host.rt.messages.send("guild-1", "again", "bob").message

    assert (first["seq"], second["seq"]) == (1, 2)
    assert first["content"] == "hello \n there"
    assert first["sender"] == {"name": "Alice", "image": None}
    assert first["createdAt"].endswith("Z")
    events = published(host, 2)
    assert [event.channels for event in events] == [("guild-1",), ("guild-1",)]
    assert host.app.json.loads(events[0].data) == first


def test_the_same_client_id_again_is_the_stored_message(host):
    sent = host.rt.messages.send("guild-1", "hello", "alice", "c-1")
    again = host.rt.messages.send("guild-1", "hello", "alice", "c-1")
    other = host.rt.messages.send("guild-1", "hello", "bob", "c-1")

    assert again == (sent.message, True)
    assert other.message["seq"] == 2
    with pytest.raises(Conflict):
        host.rt.messages.send("guild-1", "something else", "alice", "c-1")
    assert host.rt.messages.send("guild-1", "next", "alice").message["seq"] == 3
    assert names(host, 3) == ["message:new"] * 3


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_many_senders_leave_no_hole_and_the_log_has_their_order(host):
    def send(user):
        with host.app.app_context():
            for n in range(20):
                client = f"c-{n - n % 5 if n % 5 == 4 else n}"
                host.rt.messages.send("guild-1", client, user, client)

    senders = [threading.Thread(target=send, args=(f"user-{n}",)) for n in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()

    events = published(host, 64)
    seqs = [host.app.json.loads(event.data)["seq"] for event in events]
    assert seqs == list(range(1, 65))
    stored = host.rt.messages.history("guild-1", after_seq=0, limit=100)["messages"]
    assert [message["seq"] for message in stored] == seqs


def test_an_edit_keeps_its_place_and_replay_shows_the_new_text(host):
    message = host.rt.messages.send("guild-1", "helo", "alice").message
    edited = host.rt.messages.edit(message["id"], "hello", "alice", expected_revision=1)

    assert (edited["seq"], edited["revision"], edited["content"]) == (1, 2, "hello")
    new, edit = published(host, 2)
    assert (new.name, edit.name) == ("message:new", "message:edit")
    assert new.key == edit.key
    assert host.app.json.loads(edit.replay)["content"] == "hello"
    with pytest.raises(Conflict, match="revision 2"):
        host.rt.messages.edit(message["id"], "other", "alice", expected_revision=1)
    with pytest.raises(Forbidden):
        host.rt.messages.edit(message["id"], "other", "bob")
    assert host.rt.messages.edit(message["id"], "by others", "moderator")["revision"] == 3


def test_a_message_can_be_edited_for_so_long(host):
    message = host.rt.messages.send("guild-1", "hello", "alice").message
    now = host.state.clock
    host.state.clock = lambda: now() + 86_401

    with pytest.raises(Forbidden, match="86400 seconds"):
        host.rt.messages.edit(message["id"], "late", "alice")
    assert host.rt.messages.delete(message["id"], "alice")["deletedAt"]


def test_a_deleted_message_leaves_a_tombstone_and_nothing_to_replay(host):
    message = host.rt.messages.send("guild-1", "secret", "alice").message
    host.rt.messages.edit(message["id"], "more secret", "alice")
    host.rt.messages.react(message["id"], "+1", "bob")

    gone = host.rt.messages.delete(message["id"], "alice")
    again = host.rt.messages.delete(message["id"], "alice")

    assert gone == again
    assert (gone["content"], gone["reactions"], gone["seq"]) == ("", {}, 1)
    models = host.state.models
    for model in (models.revision, models.reaction, models.mention):
        assert host.db.session.scalar(select(func.count()).select_from(model)) == 0
    last = published(host, 4)[-1]
    assert (last.name, last.replay) == ("message:delete", b"")
    assert b"secret" not in last.data
    with pytest.raises(Conflict):
        host.rt.messages.react(message["id"], "+1", "bob")


def test_reactions_are_idempotent_and_carry_their_totals(host):
    message = host.rt.messages.send("guild-1", "hello", "alice").message

    host.rt.messages.react(message["id"], "👍", "bob")
    totals = host.rt.messages.react(message["id"], "👍", "bob")
    host.rt.messages.react(message["id"], "👍", "carol")
    left = host.rt.messages.unreact(message["id"], "👍", "bob")

    assert totals == {"👍": {"count": 1, "userIds": ["bob"]}}
    assert left == {"👍": {"count": 1, "userIds": ["carol"]}}
    assert names(host, 4) == ["message:new", *["message:reaction"] * 3]


def test_receipts_never_go_back_and_are_clamped(host):
    for n in range(3):
        host.rt.messages.send("guild-1", f"{n}", "alice")

    assert host.rt.messages.unread("bob") == {"guild-1": {"unread": 3, "mentions": 0}}
    assert host.rt.messages.mark_read("guild-1", "bob", 2) == 2
    assert host.rt.messages.unread("bob")["guild-1"]["unread"] == 1
    host.rt.messages.mark_read("guild-1", "bob", 1)
    assert host.rt.messages.unread("bob")["guild-1"]["unread"] == 1
    assert host.rt.messages.mark_read("guild-1", "bob", 99) == 3
    assert host.rt.messages.unread("bob")["guild-1"]["unread"] == 0
    assert host.rt.messages.unread("alice")["guild-1"]["unread"] == 0


def test_mentions_are_counted_for_members_only(host):
    host.rt.messages.send("guild-1", "hi @bob, @stranger and @nobody (not me@carol)", "alice")

    assert host.rt.messages.unread("bob")["guild-1"]["mentions"] == 1
    assert host.rt.messages.unread("carol")["guild-1"]["mentions"] == 0
    assert host.rt.messages.unread("stranger") == {}


def test_deleted_messages_are_not_unread(host):
    message = host.rt.messages.send("guild-1", "hi @bob", "alice").message
    host.rt.messages.delete(message["id"], "alice")

    assert host.rt.messages.unread("bob") == {"guild-1": {"unread": 0, "mentions": 0}}


def test_unread_counts_are_capped(host):
    for n in range(105):
        host.rt.messages.send("guild-1", f"{n}", "alice")

    assert host.rt.messages.unread("bob")["guild-1"]["unread"] == 100


def test_history_comes_in_pages_of_seq_order(host):
    for n in range(1, 8):
        host.rt.messages.send("guild-1", f"{n}", "alice")
    history = host.rt.messages.history

    def seqs(**where):
        page = history("guild-1", **where)
        return [message["seq"] for message in page["messages"]], page["hasMore"]

    assert seqs(limit=3) == ([5, 6, 7], True)
    assert seqs(limit=3, before_seq=5) == ([2, 3, 4], True)
    assert seqs(limit=3, before_seq=3) == ([1, 2], False)
    assert seqs(limit=3, after_seq=4) == ([5, 6, 7], False)
    assert seqs(limit=2, after_seq=0) == ([1, 2], True)


@pytest.mark.parametrize(
    "content", ["", "  \n ", "a\x00b", "a\x1bb", "x" * 4001, "half \ud800", None, 7]
)
def test_content_that_is_not_text_is_refused_and_takes_no_number(host, content):
    with pytest.raises(InvalidFields):
        host.rt.messages.send("guild-1", content, "alice")

    assert host.rt.messages.send("guild-1", "fine\n\ttext", "alice").message["seq"] == 1


def test_an_event_that_would_be_too_large_is_refused_before_anything_is_saved(host):
    with pytest.raises(EventTooLarge):
        host.rt.messages.send("guild-1", "€" * 4000, "alice")

    assert host.rt.messages.history("guild-1")["messages"] == []
    assert host.rt.messages.send("guild-1", "small", "alice").message["seq"] == 1
    assert names(host, 1) == ["message:new"]


def test_a_rollback_of_the_host_takes_message_and_event_with_it(host):
    host.rt.messages.send("guild-1", "kept", "alice")
    host.rt.messages.send("guild-1", "taken back", "alice", commit=False)
    host.db.session.rollback()
    host.rt.messages.send("guild-1", "next", "alice")

    events = published(host, 2)
    assert [host.app.json.loads(event.data)["content"] for event in events] == ["kept", "next"]
    assert [host.app.json.loads(event.data)["seq"] for event in events] == [1, 2]


def test_a_released_savepoint_publishes_nothing_until_the_outermost_commit(host):
    host.rt.messages.send("guild-1", "first", "alice", commit=False)
    with host.db.session.begin_nested():
        host.rt.publish_on_commit("guild-1", "inner", {"n": 1})
    threading.Event().wait(0.3)
    host.db.session.rollback()
    host.rt.publish_on_commit("guild-1", "kept", {"n": 2})
    host.db.session.commit()

    assert names(host, 1) == ["kept"]


def test_a_message_that_does_not_exist_is_not_found(host):
    with pytest.raises(NotFound):
        host.rt.messages.edit("nope", "x", "alice")


def test_the_tables_are_found_by_alembic_and_a_second_look_finds_nothing(host):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with host.db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, host.db.metadata) == []
    assert {name for name in host.db.metadata.tables if name.startswith("nexora_rt_")} == {
        f"nexora_rt_{name}"
        for name in (
            "outbox",
            "conversation",
            "message",
            "message_revision",
            "reaction",
            "receipt",
            "mention",
            "activity",
            "attachment",
            "notification",
            "notification_event",
            "notification_preference",
            "inbox",
            "job_run",
            "anomaly",
            "trust_decay",
            "trust_change",
        )
    }
