"""A user id that the tables cannot keep is refused by name, on every database."""

import io

import pytest

from flask_nexora_rt.errors import InvalidFields
from flask_nexora_rt.testing import sign_in
from tests.contract.test_messages import database_url, host  # noqa: F401

LONG, LONGEST = "u" * 129, "u" * 128


@pytest.mark.parametrize("no_id", [LONG, "a\0b", "half \ud800", ""])
def test_who_has_no_usable_id_can_write_nothing(host, no_id):  # noqa: F811
    message = host.rt.messages.send("guild-1", "hello", "alice").message
    for write in (
        lambda: host.rt.messages.send("guild-1", "hello", no_id),
        lambda: host.rt.messages.react(message["id"], "x", no_id),
        lambda: host.rt.messages.unreact(message["id"], "x", no_id),
        lambda: host.rt.messages.delete(message["id"], no_id),
        lambda: host.rt.messages.mark_read("guild-1", no_id, 1),
        lambda: host.rt.attachments.upload("guild-1", io.BytesIO(b"text"), "a.txt", no_id),
        lambda: host.rt.notifications.mark_all_read(no_id),
        lambda: host.rt.notifications.mark_read(no_id, "f" * 32),
        lambda: host.rt.notifications.set_preferences(no_id, {}),
    ):
        with pytest.raises(InvalidFields):
            write()

    assert host.rt.messages.get(message["id"]) == message


def test_what_is_refused_over_http_says_why(host):  # noqa: F811
    client = sign_in(host.app.test_client(), LONG)
    body = {"conversationId": "guild-1", "content": "hello"}
    answers = [
        client.post("/api/messages", json=body),
        client.post("/api/messages/read", json={"conversationId": "guild-1", "upToSeq": 0}),
        client.post("/api/notifications/seen"),
        client.put("/api/notifications/preferences", json={}),
    ]

    assert [answer.status_code for answer in answers] == [422] * 4
    assert [list(answer.json["fields"]) for answer in answers] == [["senderId"], *[["userId"]] * 3]
    assert "1 to 128 characters" in answers[0].json["fields"]["senderId"]


def test_the_longest_id_can_do_all_of_it(host):  # noqa: F811
    message = host.rt.messages.send("guild-1", "hello", LONGEST).message
    host.rt.messages.react(message["id"], "x", LONGEST)
    host.rt.messages.mark_read("guild-1", LONGEST, 1)
    host.rt.notifications.send(LONGEST, "platform_announcement", {"title": "t", "message": "m"})

    assert host.rt.notifications.mark_all_read(LONGEST)["unread"] == 0
    assert host.rt.messages.delete(message["id"], LONGEST)["deletedAt"]


def test_a_hook_that_gives_such_an_id_leaves_nothing_half_saved(host):  # noqa: F811
    host.rt.conversation_members(lambda conversation: ["alice", LONG])
    with pytest.raises(InvalidFields, match="fields"):
        host.rt.messages.send("guild-1", "hello", "alice")

    assert host.rt.messages.history("guild-1")["messages"] == []
