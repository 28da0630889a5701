"""What messages promise when the host, the log or the other members do the unexpected."""

import threading

import pytest
from sqlalchemy import event, inspect

from flask_nexora_rt.errors import Conflict, EventTooLarge
from flask_nexora_rt.testing import sign_in
from tests.contract.test_messages import database_url, host, names, published  # noqa: F401

TOO_LARGE = "€" * 4000


def contents(host):  # noqa: F811
    return [one["content"] for one in host.rt.messages.history("guild-1")["messages"]]


def statements(host):  # noqa: F811
    """What is executed from now on, without the relay's own."""
    seen = []

    def note(connection, cursor, statement, *_):
        if "nexora_rt_outbox" not in statement:
            seen.append(statement)

    event.listen(host.db.engine, "before_cursor_execute", note)
    return seen


def test_what_is_refused_in_a_hosts_transaction_is_not_half_saved_by_its_commit(host):  # noqa: F811
    host.rt.messages.send("guild-1", "before", "alice", commit=False)
    with pytest.raises(EventTooLarge):
        host.rt.messages.send("guild-1", TOO_LARGE, "alice", commit=False)
    host.rt.messages.send("guild-1", "after", "alice", commit=False)
    host.db.session.commit()

    assert contents(host) == ["before", "after"]
    assert [one["seq"] for one in host.rt.messages.history("guild-1")["messages"]] == [1, 2]
    assert names(host, 2) == ["message:new"] * 2


def test_a_rollback_takes_back_what_came_first_in_the_transaction(host):  # noqa: F811
    host.rt.messages.send("guild-1", "taken back", "alice", commit=False)
    host.db.session.rollback()

    assert contents(host) == []


def test_the_relay_outlives_an_error_that_nobody_expected(host, caplog):  # noqa: F811
    append = host.log.append

    def fail_once(events):
        host.log.append = append
        raise RuntimeError("a fault")

    host.log.append = fail_once
    host.rt.messages.send("guild-1", "first", "alice")
    host.rt.messages.send("guild-1", "second", "alice")

    assert names(host, 2) == ["message:new"] * 2
    assert "a fault" in caplog.text


def test_a_receipt_says_where_it_stands_and_not_what_was_asked(host):  # noqa: F811
    for number in range(3):
        host.rt.messages.send("guild-1", f"{number}", "alice")

    assert host.rt.messages.mark_read("guild-1", "bob", 2) == 2
    assert host.rt.messages.mark_read("guild-1", "bob", 1) == 2


def test_a_page_asks_the_host_once_about_each_sender(host):  # noqa: F811
    asked = []
    host.rt.user_info(lambda user: asked.append(user) or {"name": user})
    for sender in ("alice", "bob", "alice"):
        host.rt.messages.send("guild-1", "hello", sender)
    asked.clear()
    host.rt.messages.history("guild-1")

    assert sorted(asked) == ["alice", "bob"]


def test_unread_counts_of_many_conversations_are_one_statement(host):  # noqa: F811
    for number in range(5):
        host.rt.messages.send(f"guild-{number}", "hi @bob", "alice")
    seen = statements(host)
    counts = host.rt.messages.unread("bob")

    assert counts == {f"guild-{n}": {"unread": 1, "mentions": 1} for n in range(5)}
    assert len(seen) == 1


@pytest.mark.parametrize("table", ["reaction", "message_revision", "mention"])
def test_what_hangs_on_a_message_is_found_by_its_id(host, table):  # noqa: F811
    key = inspect(host.db.engine).get_pk_constraint(f"nexora_rt_{table}")

    assert key["constrained_columns"][0] == "message_id"


def test_a_thousand_reactions_are_counted_and_still_fit(host):  # noqa: F811
    message = host.rt.messages.send("guild-1", "popular", "alice").message
    for number in range(1000):
        host.rt.messages.react(message["id"], "👍", f"user-{number:031d}", commit=False)
    host.db.session.commit()
    left = host.rt.messages.unreact(message["id"], "👍", f"user-{0:031d}")

    assert left["👍"]["count"] == 999
    assert left["👍"]["userIds"][0] == f"user-{1:031d}"
    assert 90 < len(left["👍"]["userIds"]) <= 100
    assert host.rt.messages.history("guild-1")["messages"][0]["reactions"] == left
    assert host.rt.messages.edit(message["id"], "very popular", "alice")["reactions"] == left


def test_one_member_cannot_use_up_a_messages_room_for_reactions(host):  # noqa: F811
    message = host.rt.messages.send("guild-1", "hello", "alice").message
    for number in range(20):
        host.rt.messages.react(message["id"], "€" * 60 + f"{number}", "mallory")
    with pytest.raises(Conflict, match="20 different"):
        host.rt.messages.react(message["id"], "one more", "mallory")

    host.rt.messages.react(message["id"], "€" * 60 + "7", "bob")
    assert len(host.rt.messages.edit(message["id"], "hello!", "alice")["reactions"]) == 20


def popular(host, content):  # noqa: F811
    """A message with as many and as long reactions as it can have; its id."""
    message = host.rt.messages.send("guild-1", content, "alice").message
    for number in range(100):
        key, user = f"{'€' * 60}{number % 20}", f"{number:036d}"
        host.rt.messages.react(message["id"], key, user, commit=False)
    host.db.session.commit()
    return message["id"]


def test_no_number_of_reactions_keeps_a_message_from_being_edited(host):  # noqa: F811
    message_id = popular(host, "a" * 4000)
    edited = host.rt.messages.edit(message_id, "b" * 4000, "alice")

    totals = edited["reactions"]
    assert (edited["content"], len(totals)) == ("b" * 4000, 20)
    edit, reactions = published(host, 103)[-2:]
    assert (edit.name, reactions.name) == ("message:edit", "message:reaction")
    assert edit.data == edit.replay
    assert host.app.json.loads(edit.data) == {**edited, "reactions": {}}
    assert host.app.json.loads(reactions.data)["reactions"] == totals


def test_an_edit_whose_text_alone_is_too_large_changes_nothing(host):  # noqa: F811
    message_id = popular(host, "short")
    with pytest.raises(EventTooLarge):
        host.rt.messages.edit(message_id, TOO_LARGE, "alice")

    assert host.rt.messages.get(message_id)["content"] == "short"
    assert names(host, 101) == ["message:new", *["message:reaction"] * 100]


def test_a_small_event_tells_how_many_have_reacted_if_not_who(host):  # noqa: F811
    message = host.rt.messages.send("guild-1", "popular", "alice").message
    host.state.settings = host.state.settings.model_copy(update={"max_event_bytes": 1000})
    for number in range(30):
        totals = host.rt.messages.react(message["id"], "+1", f"{number:036d}")

    assert len(totals["+1"]["userIds"]) == 30
    last = host.app.json.loads(published(host, 31)[-1].data)
    assert last["reactions"] == {"+1": {"count": 30, "userIds": []}}


def test_what_members_read_is_kept_by_no_cache(host):  # noqa: F811
    alice = sign_in(host.app.test_client(), "alice")
    for path in ("messages?conversationId=guild-1", "messages/unread", "notifications"):
        assert alice.get(f"/api/{path}").headers["Cache-Control"] == "private, no-store"


def test_an_id_that_no_database_takes_is_not_found(host):  # noqa: F811
    alice = sign_in(host.app.test_client(), "alice")
    answers = [
        alice.get("/api/attachments/a%00b"),
        alice.delete("/api/messages/a%00b"),
        alice.put("/api/messages/a%00b/reactions/x"),
        alice.patch("/api/messages/a%00b", json={"content": "x"}),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4


def test_a_rollback_after_a_savepoint_of_the_hosts_own_saves_nothing(host):  # noqa: F811
    with host.db.session.begin_nested():
        host.rt.messages.send("guild-1", "taken back", "alice", commit=False)
    host.db.session.rollback()

    host.rt.messages.send("guild-1", "kept", "alice")
    stored = host.rt.messages.history("guild-1")["messages"]
    assert [(one["seq"], one["content"]) for one in stored] == [(1, "kept")]


def test_what_is_committed_just_before_the_relay_ends_is_published(host, monkeypatch):  # noqa: F811
    outbox = host.app.extensions["nexora_rt"].outbox
    turn, looked, go_on = outbox._turn, threading.Event(), threading.Event()

    def turn_and_wait():
        found = turn()
        if not found and threading.current_thread() is outbox._thread:
            looked.set()
            go_on.wait(20)
        return found

    monkeypatch.setattr(outbox, "_turn", turn_and_wait)
    host.rt.messages.send("guild-1", "first", "alice")
    # In a database of one connection whoever commits publishes, and there is no thread.
    assert outbox._thread is None or looked.wait(20)
    host.rt.messages.send("guild-1", "second", "alice")
    threading.Timer(0.2, go_on.set).start()
    outbox.stop(20)

    assert names(host, 2) == ["message:new"] * 2


def test_who_changes_too_much_has_to_wait_but_can_delete(host):  # noqa: F811
    message = host.rt.messages.send("guild-1", "hello", "alice").message
    host.state.settings = host.state.settings.model_copy(update={"change_rate": 1})
    alice = sign_in(host.app.test_client(), "alice")
    path = f"/api/messages/{message['id']}"
    reactions = [alice.put(f"{path}/reactions/{number}").status_code for number in range(10)]
    refused = [
        alice.delete(f"{path}/reactions/1"),
        alice.put(f"{path}/reactions/x"),
        alice.patch(path, json={"content": "changed"}),
        alice.post("/api/messages/read", json={"conversationId": "guild-1", "upToSeq": 1}),
    ]

    assert reactions == [200] * 10
    assert [answer.status_code for answer in refused] == [429] * 4
    assert {answer.headers["Retry-After"] for answer in refused} == {"10"}
    assert alice.delete(path).status_code == 200
