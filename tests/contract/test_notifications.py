"""What notifications promise, on every database."""

import json
import threading
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from flask_sqlalchemy import SQLAlchemy
from pydantic import BaseModel
from sqlalchemy import event as sql_event
from sqlalchemy import func, select, text

from flask_nexora_rt import NexoraRT
from flask_nexora_rt.errors import (
    BadRequest,
    ConfigurationError,
    Conflict,
    EventTooLarge,
    InvalidFields,
    NotFound,
)
from flask_nexora_rt.notifications import Notice
from flask_nexora_rt.testing import Clock, make_app

BOUNTY = {"bountyTitle": "Northern chart", "guildName": "Mapmakers"}


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path}/n.db"


@pytest.fixture
def host(database_url, redis_url, app_id):
    rt, db = NexoraRT(), SQLAlchemy()
    app = make_app(
        rt,
        db=db,
        SQLALCHEMY_DATABASE_URI=database_url,
        NEXORA_RT_URL=redis_url,
        NEXORA_RT_APP_ID=app_id,
    )
    state = app.extensions["nexora_rt"]
    state.clock = clock = Clock()
    with app.app_context():
        db.create_all()
        yield SimpleNamespace(
            app=app,
            rt=rt,
            db=db,
            state=state,
            clock=clock,
            log=state.runtime.log,
            notifications=rt.notifications,
            models=state.models,
        )
        db.session.remove()
        state.outbox.stop()
        db.drop_all()
        db.engine.dispose()
    state.runtime.close()


def published(host, count):
    """The first `count` events of the log, once they are there."""
    start = host.log.bounds().reset
    for _ in range(300):
        entries = host.log.range(start, 10_000)
        if len(entries) >= count:
            break
        threading.Event().wait(0.02)
    return [entry.event for entry in host.log.range(start, 10_000)]


def told(host, user, count):
    """The payloads that a user's channel has received."""
    channel = f"private-user-{user}"
    events = [event for event in published(host, count) if channel in event.channels]
    return [(event.name, json.loads(event.data_for(channel))) for event in events]


def send(host, users="alice", kind="bounty_matched", data=BOUNTY, **options):
    return host.notifications.send(users, kind, data, **options)


def test_a_notification_is_saved_rendered_and_sent(host):
    sent = send(host, actor="bob")

    page = host.notifications.list("alice")
    [listed] = page["notifications"]
    assert listed["title"] == "Bounty Matched!"
    assert listed["message"] == 'Your bounty "Northern chart" has been matched with Mapmakers'
    assert (listed["type"], listed["category"], listed["level"]) == (
        "bounty_matched",
        "bounty",
        "success",
    )
    assert (listed["read"], listed["readAt"], listed["groupCount"]) == (False, None, 1)
    assert (listed["data"], listed["actorId"]) == (BOUNTY, "bob")
    assert listed["createdAt"].endswith("Z")
    assert (page["unread"], page["unseen"], page["version"]) == (1, 1, 1)
    assert (page["nextCursor"], sent.user_ids, sent.duplicate) == (None, ["alice"], False)
    [(name, payload)] = told(host, "alice", 1)
    assert name == "notification:new"
    assert payload == {**listed, "unread": 1, "unseen": 1, "version": 1}


def test_many_are_told_in_a_few_statements_and_entries(host):
    statements = []
    sql_event.listen(
        host.db.engine, "before_cursor_execute", lambda *a: statements.append(a[2]), named=False
    )
    users = [f"user-{n}" for n in range(10_000)]

    sent = send(host, users, dedupe_key="everybody")
    count = len(statements)
    again = send(host, [*users, "late"], dedupe_key="everybody")

    assert (len(sent.user_ids), count <= 40) == (10_000, True)
    assert (again.user_ids, again.duplicate) == (["late"], True)
    events = published(host, 11)
    assert len(events) == 11
    assert sum(len(event.channels) for event in events) == 10_001
    assert sum(event.size for event in events) < 3_000_000
    rows = host.models.notification
    assert host.db.session.scalar(select(func.count()).select_from(rows)) == 10_001
    assert host.notifications.unread_count("user-77") == {"unread": 1, "unseen": 1, "version": 1}


def test_reading_and_seeing_are_idempotent_and_versions_rise(host):
    first = send(host).notification["id"]
    second = send(host).notification["id"]

    assert host.notifications.mark_seen("alice") == {"unread": 2, "unseen": 0, "version": 3}
    assert host.notifications.mark_seen("alice") == {"unread": 2, "unseen": 0, "version": 3}
    assert host.notifications.mark_read("alice", first)["unread"] == 1
    assert host.notifications.mark_read("alice", first)["version"] == 4
    assert host.notifications.mark_unread("alice", first)["unread"] == 2
    assert host.notifications.mark_all_read("alice", up_to=first)["unread"] == 1
    assert host.notifications.delete("alice", second) == {"unread": 0, "unseen": 0, "version": 7}
    assert host.notifications.delete("alice", second)["version"] == 7
    assert host.notifications.clear("alice")["version"] == 8
    assert host.notifications.list("alice")["notifications"] == []
    seen = told(host, "alice", 8)
    assert [name for name, _ in seen] == [
        "notification:new",
        "notification:new",
        "notification:read",
        "notification:read",
        "notification:read",
        "notification:read",
        "notification:clear",
        "notification:clear",
    ]
    assert [payload["version"] for _, payload in seen] == list(range(1, 9))


def test_what_comes_during_mark_all_read_stays_unread(host):
    seen_by_user = send(host).notification["id"]
    send(host)

    assert host.notifications.mark_all_read("alice", up_to=seen_by_user)["unread"] == 1


def test_read_at_keeps_the_time_it_was_seen(host):
    one = send(host).notification["id"]
    host.notifications.mark_seen("alice")
    seen = host.notifications.list("alice")["notifications"][0]["seenAt"]
    host.clock.advance(60)

    host.notifications.mark_read("alice", one)

    listed = host.notifications.list("alice", "read")["notifications"][0]
    assert (listed["seenAt"], listed["read"]) == (seen, True)
    assert listed["readAt"] > seen


def test_nobody_reaches_the_notifications_of_others(host):
    mine = send(host, "alice").notification["id"]
    send(host, "bob")

    for change in (
        host.notifications.mark_read,
        host.notifications.mark_unread,
        host.notifications.archive,
        host.notifications.delete,
    ):
        with pytest.raises(NotFound):
            change("mallory", mine)
    with pytest.raises(NotFound):
        host.notifications.mark_all_read("mallory", up_to=mine)
    host.notifications.clear("mallory")
    assert host.notifications.list("mallory")["notifications"] == []
    assert host.notifications.unread_count("alice")["unread"] == 1


def test_archived_ones_are_listed_apart_and_not_counted(host):
    one = send(host).notification["id"]

    host.notifications.archive("alice", one)

    assert host.notifications.list("alice")["notifications"] == []
    assert [n["id"] for n in host.notifications.list("alice", "archived")["notifications"]] == [one]
    assert host.notifications.unread_count("alice")["unread"] == 0


def test_pages_follow_each_other_while_new_ones_come(host):
    sent = [send(host).notification["id"] for _ in range(7)]
    page = host.notifications.list("alice", limit=3)
    send(host)
    seen = page["notifications"]

    while page["nextCursor"]:
        page = host.notifications.list("alice", cursor=page["nextCursor"], limit=3)
        seen += page["notifications"]

    assert [n["id"] for n in seen] == sent[::-1]
    with pytest.raises(BadRequest):
        host.notifications.list("alice", cursor="1; DROP TABLE")
    with pytest.raises(BadRequest):
        host.notifications.list("alice", state="lost")


def test_counts_stop_at_a_hundred(host):
    for _ in range(103):
        send(host, commit=False)
    host.db.session.commit()

    assert host.notifications.unread_count("alice")["unread"] == 100


def test_expired_ones_are_gone_at_once_and_purged_later(host):
    send(host, expires_in=60)
    send(host)
    host.clock.advance(61)

    assert host.notifications.unread_count("alice")["unread"] == 1
    assert len(host.notifications.list("alice")["notifications"]) == 1
    assert host.notifications.purge(keep_seconds=10) == 2  # the row, and its event


def test_who_has_an_expired_one_is_told_the_new_counts_when_it_is_purged(host):
    gone = send(host, ["alice", "bob"], expires_in=60).notification["id"]
    send(host)
    host.clock.advance(61)
    host.notifications.purge(keep_seconds=3600)

    for user, left in (("alice", 1), ("bob", 0)):
        name, told_last = told(host, user, 3)[-1]
        counts = host.notifications.unread_count(user)
        assert (name, told_last["action"]) == ("notification:clear", "expired")
        assert (told_last["userId"], told_last["ids"]) == (user, [gone])
        assert {key: told_last[key] for key in counts} == counts
        assert (counts["unread"], counts["unseen"]) == (left, left)
    assert host.notifications.unread_count("alice")["version"] == 3


@pytest.mark.parametrize("done", ["mark_read", "delete", "archive"])
def test_what_counted_no_more_when_it_expired_is_told_to_nobody(host, done):
    one = send(host, expires_in=60).notification["id"]
    getattr(host.notifications, done)("alice", one)
    host.clock.advance(61)
    host.notifications.purge(keep_seconds=3600)

    assert len(told(host, "alice", 2)) == 2
    assert host.notifications.unread_count("alice")["version"] == 2
    assert host.db.session.scalar(select(func.count(host.models.notification.id))) == 0


def test_very_many_that_expire_together_are_told_in_small_events(host):
    for _ in range(250):
        host.notifications.send("alice", "bounty_matched", BOUNTY, expires_in=60, commit=False)
    host.db.session.commit()
    host.clock.advance(61)
    host.notifications.purge(keep_seconds=3600)

    cleared = [event for name, event in told(host, "alice", 253) if name == "notification:clear"]
    assert [len(event["ids"]) for event in cleared] == [100, 100, 50]
    assert [event["version"] for event in cleared] == [251, 252, 253]


def test_a_purge_keeps_what_remembers_that_a_user_was_told(host):
    one = send(host, dedupe_key="once").notification["id"]
    host.notifications.delete("alice", one)

    host.notifications.purge(keep_seconds=3600)
    assert send(host, dedupe_key="once").user_ids == []
    host.clock.advance(3601)
    host.notifications.purge(keep_seconds=3600)
    assert send(host, dedupe_key="once").user_ids == ["alice"]


def test_a_dedupe_key_tells_everybody_once_whatever_happened_since(host):
    one = send(host, ["alice", "bob"], dedupe_key="d-1").notification["id"]
    host.notifications.delete("alice", one)

    again = send(
        host, ["alice", "bob", "carol"], data={**BOUNTY, "guildName": "X"}, dedupe_key="d-1"
    )

    assert again.user_ids == ["carol"]
    assert again.notification["message"].endswith("Mapmakers")
    with pytest.raises(Conflict):
        send(host, dedupe_key="d-1", fingerprint="something else")


def test_a_group_is_one_unread_notification_that_moves_up(host):
    def say(text, conversation="dm-a-b", **options):
        data = {"senderName": "Bob", "preview": text, "conversationId": conversation}
        return send(host, "alice", "message_received", data, **options)

    first = say("one").notification["id"]
    send(host)
    say("two", dedupe_key="m-2")
    say("other", conversation="dm-a-c")

    listed = host.notifications.list("alice")["notifications"]
    assert [n["groupCount"] for n in listed] == [1, 2, 1]
    assert (listed[1]["id"], listed[1]["message"]) == (first, "2 new messages from Bob")
    assert listed[1]["data"]["preview"] == "two"
    assert host.notifications.unread_count("alice")["unread"] == 3
    assert say("two", dedupe_key="m-2").user_ids == []
    payload = told(host, "alice", 4)[2][1]
    assert (payload["id"], payload["groupCount"]) == (first, 2)
    assert payload["message"] == "2 new messages from Bob"

    host.notifications.mark_read("alice", first)
    assert say("three").notification["id"] in {
        n["id"] for n in host.notifications.list("alice", "unread")["notifications"]
    }
    host.clock.advance(3601)
    say("much later")
    assert host.notifications.unread_count("alice")["unread"] == 4


def test_what_is_muted_is_not_told_but_critical_is(host):
    host.notifications.set_preferences(
        "alice", {"global": False, "categories": {"guild": True}, "types": {"mention": False}}
    )

    assert send(host).user_ids == []
    assert send(host, kind="guild_invite", data={"guildName": "X"}).user_ids == ["alice"]
    assert send(host, kind="mention", data={"senderName": "B"}).user_ids == []
    announced = {"title": "Tonight", "message": "We move house"}
    assert send(host, ["alice", "bob"], "platform_announcement", announced).user_ids == [
        "alice",
        "bob",
    ]
    assert host.notifications.preferences("alice") == {
        "global": False,
        "categories": {"guild": True},
        "types": {"mention": False},
    }
    assert host.notifications.preferences("bob")["global"] is True


@pytest.mark.parametrize(
    "said",
    [
        {"types": {"platform_announcement": False}},
        {"types": {"nothing": True}},
        {"categories": {"nothing": True}},
        {"global": "no"},
        {"loud": True},
        {"types": ["mention"]},
    ],
)
def test_preferences_that_make_no_sense_change_nothing(host, said):
    host.notifications.set_preferences("alice", {"types": {"mention": False}})

    with pytest.raises(InvalidFields):
        host.notifications.set_preferences("alice", said)

    assert host.notifications.preferences("alice")["types"] == {"mention": False}


@pytest.mark.parametrize(
    "users, kind, data, error",
    [
        ("alice", "unheard_of", {}, InvalidFields),
        ("alice", "bounty_matched", {"bountyTitle": "x"}, InvalidFields),
        ("alice", "bounty_matched", {**BOUNTY, "more": 1}, InvalidFields),
        ("alice", "bounty_matched", {**BOUNTY, "bountyTitle": "x" * 1_000_000}, EventTooLarge),
        ("alice", "bounty_matched", {**BOUNTY, "bountyTitle": object()}, BadRequest),
        ("alice", "bounty_matched", ["x"], InvalidFields),
        ([], "bounty_matched", BOUNTY, InvalidFields),
        (["alice", ""], "bounty_matched", BOUNTY, InvalidFields),
        (["x" * 200], "bounty_matched", BOUNTY, InvalidFields),
        (None, "bounty_matched", BOUNTY, InvalidFields),
        (
            "alice",
            "platform_announcement",
            {"title": "t", "message": "m", "url": "javascript:alert(1)"},
            InvalidFields,
        ),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_is_stored(host, users, kind, data, error):
    with pytest.raises(error):
        send(host, users, kind, data, commit=False)

    host.db.session.commit()
    assert host.db.session.scalar(select(func.count()).select_from(host.models.inbox)) == 0
    assert published(host, 0) == []


def test_a_rollback_of_the_host_takes_everything_back(host):
    send(host, commit=False)
    host.db.session.rollback()
    send(host)

    assert host.notifications.unread_count("alice") == {"unread": 1, "unseen": 1, "version": 1}
    assert len(told(host, "alice", 1)) == 1


def test_a_host_has_types_of_its_own(host):
    @host.notifications.type(
        "quest",
        title={"en": "Quest", "de": "Aufgabe"},
        message={"en": "{{ name }} waits", "de": "{{ name }} wartet"},
        url="/quests/{{ name }}",
        category="quest",
    )
    class Quest(BaseModel):
        name: str
        steps: int = 1

    host.notifications.locale(lambda user: "de-AT" if user == "alice" else None)
    send(host, ["alice", "bob"], "quest", {"name": "Drachen & mehr"})

    german = host.notifications.list("alice")["notifications"][0]
    assert (german["title"], german["message"]) == ("Aufgabe", "Drachen & mehr wartet")
    assert german["url"] == "/quests/Drachen%20%26%20mehr"
    assert host.notifications.list("bob")["notifications"][0]["title"] == "Quest"
    assert host.notifications.list("bob", locale="de")["notifications"][0]["title"] == "Aufgabe"
    assert told(host, "alice", 2)[0][1]["title"] == "Aufgabe"
    assert told(host, "bob", 2)[0][1]["title"] == "Quest"
    with pytest.raises(InvalidFields):
        send(host, "alice", "quest", {"name": "x", "steps": "many"})


def test_a_type_that_has_gone_still_shows_what_it_said(host):
    host.notifications.type("fleeting", title="Hello {{ name }}", message="Bye")
    send(host, "alice", "fleeting", {"name": "you"})
    del host.state.declared.notifications.types._types["fleeting"]

    assert host.notifications.list("alice")["notifications"][0]["title"] == "Hello you"


@pytest.mark.parametrize(
    "broken",
    [
        {"title": "{{ x.__class__.__mro__ }}", "message": "m"},
        {"title": "{{ x", "message": "m"},
        {"title": "{{ y }}", "message": "m", "params": ["x"]},
        {"title": "t", "message": "m", "level": "loud"},
        {"title": {}, "message": "m"},
        {"title": "t", "message": "m", "icon": "x" * 65},
        {"title": "t", "message": "m", "category": "x" * 65},
        {"title": "t", "message": "m", "ttl": "a day"},
        {"title": "t", "message": "m", "ttl": 0},
        {"title": "t", "message": "m", "group_key": "g", "group_seconds": -1},
        {"title": "{{ count }}", "message": "m", "params": ["count"]},
    ],
)
def test_a_type_that_cannot_work_is_refused_when_it_is_declared(broken):
    with pytest.raises(ConfigurationError):
        NexoraRT().notifications.type("broken", **broken)


def test_a_template_that_reaches_for_objects_at_send_stores_nothing(host):
    host.notifications.type(
        "sly", title="{{ x[0].__class__ if x is not string else x }}", message="m"
    )

    with pytest.raises(ConfigurationError):
        send(host, "alice", "sly", {"x": [1]})

    assert host.notifications.list("alice")["notifications"] == []


def test_several_notices_are_one_transaction(host):
    notices = [
        Notice(["bob", "alice"], "guild_invite", {"guildName": "X"}),
        Notice("alice", "rank_changed", {"newRank": "Master", "increased": False}),
    ]

    host.notifications.send_all(notices)

    assert [n["message"] for n in host.notifications.list("alice")["notifications"]] == [
        "Your rank is now Master",
        "You are invited to join X",
    ]
    with pytest.raises(InvalidFields):
        host.notifications.send_all([notices[0], Notice("alice", "nothing")])
    assert host.notifications.unread_count("bob")["unread"] == 1


def test_many_at_once_leave_counts_that_equal_the_table(host):
    errors = []

    def work(number):
        with host.app.app_context():
            try:
                for n in range(8):
                    if (number + n) % 4 == 0:
                        host.notifications.mark_all_read("alice")
                    elif (number + n) % 4 == 1:
                        host.notifications.mark_seen("alice")
                    else:
                        users = ["alice", "bob"] if number % 2 else ["bob", "alice"]
                        send(host, users)
            except Exception as error:  # noqa: BLE001 - shown below
                errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    counts = host.notifications.unread_count("alice")
    unread = host.notifications.list("alice", "unread", limit=100)["notifications"]
    assert counts["unread"] == len(unread)
    seen = told(host, "alice", 24)
    for _ in range(100):
        if seen[-1][1]["version"] == counts["version"]:
            break
        threading.Event().wait(0.05)
        seen = told(host, "alice", 24)
    versions = [payload["version"] for _, payload in seen]
    assert versions == sorted(set(versions))
    assert {k: seen[-1][1][k] for k in counts} == counts


def test_times_are_utc_on_every_database(host):
    send(host, expires_in=60)

    listed = host.notifications.list("alice")["notifications"][0]
    expected = datetime.fromtimestamp(host.clock(), UTC) + timedelta(seconds=60)
    assert listed["expiresAt"] == expected.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.fixture
def chat(host):
    """The host, with members, `@names` and DMs."""
    rt = host.rt
    rt.channel("guild-{id}")(lambda user, id: True)
    rt.channel("dm-{a:part}-{b:part}")(lambda user, a, b: True)
    rt.conversation_members(
        lambda conversation: ["alice", "bob", "carol"] if conversation[0] == "g" else []
    )
    rt.mentioned_users(lambda conversation, names: names)
    rt.user_info(lambda user: {"name": user.title(), "image": None})
    return host


def heard(host, user):
    page = host.notifications.list(user)["notifications"]
    return [(one["type"], one["message"]) for one in page]


def test_who_is_mentioned_is_notified_once_also_by_an_edit(chat):
    send = chat.rt.messages.send
    message = send("guild-1", "@bob look, @mallory and @alice too", "alice").message

    assert heard(chat, "bob") == [("mention", "Alice has mentioned you")]
    assert heard(chat, "mallory") == heard(chat, "alice") == heard(chat, "carol") == []
    chat.rt.messages.edit(message["id"], "@bob and @carol look", "alice")
    assert heard(chat, "bob") == [("mention", "Alice has mentioned you")]
    assert heard(chat, "carol") == [("mention", "Alice has mentioned you")]
    listed = chat.notifications.list("bob")["notifications"][0]
    assert listed["data"]["messageId"] == message["id"]
    assert "look" not in str(listed)


def test_a_dm_notifies_its_other_side_and_groups(chat):
    send = chat.rt.messages.send
    for n in range(3):
        send("dm-alice-bob", f"hello {n}", "alice", client_id=f"c-{n}")
    send("dm-alice-bob", "hello 2", "alice", client_id="c-2")
    send("dm-alice-bob", "well, @alice", "bob")

    assert heard(chat, "bob") == [("message_received", "3 new messages from Alice")]
    assert heard(chat, "alice") == [("mention", "Bob has mentioned you")]


def test_a_message_that_is_taken_back_takes_its_notification_with_it(chat):
    chat.rt.messages.send("guild-1", "@bob", "alice", commit=False)
    chat.db.session.rollback()

    assert heard(chat, "bob") == []


# -- what a review has found ----------------------------------------------------------------------


JOINED = {"guildName": "Mapmakers", "memberName": "Bea"}
NO_IDS = ["", "\0", "a\0b", "\ud800", "x" * 5000, "é"]


@pytest.mark.parametrize("no_id", NO_IDS, ids=ascii)
def test_what_is_no_id_is_not_found_like_any_other(host, no_id):
    for change in (host.notifications.mark_read, host.notifications.mark_all_read):
        with pytest.raises(NotFound):
            change("alice", no_id)


@pytest.mark.parametrize("wrong", ["", "a\0b", "\ud800", "x" * 500], ids=ascii)
@pytest.mark.parametrize("name", ["dedupe_key", "actor"])
def test_a_key_or_an_actor_that_cannot_be_kept_is_refused(host, name, wrong):
    with pytest.raises(InvalidFields):
        send(host, **{name: wrong})

    assert host.db.session.scalar(select(func.count(host.models.notification_event.id))) == 0


def test_a_key_tells_what_it_told_first_also_when_another_type_is_sent_under_it(host):
    send(host, "alice", dedupe_key="once")

    again = send(host, "bob", "guild_member_joined", JOINED, dedupe_key="once")

    [to_alice] = host.notifications.list("alice")["notifications"]
    [to_bob] = host.notifications.list("bob")["notifications"]
    texts = ("type", "title", "message", "data")
    assert [to_bob[name] for name in texts] == [to_alice[name] for name in texts]
    assert [again.notification[name] for name in texts] == [to_alice[name] for name in texts]
    [(_, live)] = told(host, "bob", 2)
    assert [live[name] for name in texts] == [to_alice[name] for name in texts]


def test_who_was_told_under_a_key_is_not_told_again_when_it_has_expired_and_was_purged(host):
    send(host, dedupe_key="once", expires_in=10)
    host.clock.advance(60)
    host.notifications.purge(keep_seconds=3600)

    assert send(host, dedupe_key="once", expires_in=10).user_ids == []

    host.clock.advance(7200)
    host.notifications.purge(keep_seconds=3600)
    assert host.db.session.scalar(select(func.count(host.models.notification.id))) == 0
    assert send(host, dedupe_key="once").user_ids == ["alice"]


def test_an_expired_notification_takes_nobody_into_its_group(host):
    send(host, "alice", "guild_member_joined", JOINED, expires_in=10)
    host.clock.advance(60)

    send(host, "alice", "guild_member_joined", JOINED)

    [listed] = host.notifications.list("alice")["notifications"]
    assert (listed["groupCount"], listed["expiresAt"]) == (1, None)


def test_sends_of_several_keys_in_any_order_never_wait_for_each_other_in_a_ring(host):
    failed, barrier = [], threading.Barrier(3)

    def one_of(*told):
        with host.app.app_context():
            for turn in range(10):
                notices = [
                    Notice(user, "bounty_matched", BOUNTY, f"{key}{turn}") for user, key in told
                ]
                barrier.wait()
                try:
                    host.notifications.send_all(notices)
                except Exception as error:  # noqa: BLE001 - counted
                    failed.append(error)

    sends = [[("u1", "k"), ("u2", "l")], [("u3", "l"), ("u1", "k")], [("u2", "k")]]
    threads = [threading.Thread(target=one_of, args=told) for told in sends]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert host.notifications.unread_count("u1")["unread"] == 10
    assert host.notifications.unread_count("u2")["unread"] == 20


def test_a_purge_leaves_what_somebody_changes_meanwhile(host):
    if host.db.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    send(host, "alice", "guild_member_joined", JOINED, expires_in=10)
    send(host, "bob", expires_in=10)
    rows = host.models.notification.__table__
    host.clock.advance(60)
    with host.db.engine.begin() as other:
        other.execute(rows.update().where(rows.c.user_id == "alice").values(group_count=2))
        host.db.session.execute(text("SET LOCAL lock_timeout = '2s'"))

        assert host.notifications.purge(keep_seconds=3600) == 1

    assert list(host.db.session.scalars(select(rows.c.user_id))) == ["alice"]


def test_the_same_call_again_tells_nobody_and_answers_the_same(host):
    first = send(host, ["alice", "bob"], dedupe_key="k", fingerprint="f")
    host.clock.advance(60)

    again = send(host, ["alice", "bob", "carol"], dedupe_key="k", fingerprint="f")

    assert (again.notification, again.user_ids) == (first.notification, first.user_ids)
    assert again.duplicate
    assert host.notifications.unread_count("carol")["unread"] == 0


def test_a_text_that_fails_in_one_language_is_found_before_anything_is_saved(host):
    texts = {"en": "{{ x }}", "de": "{{ x.missing.deeper }}"}
    host.notifications.type("odd", title=texts, message="m")
    host.notifications.locale({"alice": "en", "bob": "de"}.get)

    with pytest.raises(InvalidFields):
        send(host, ["alice", "bob"], "odd", {"x": "1"}, commit=False)

    host.db.session.commit()
    assert host.notifications.list("alice")["notifications"] == []


def test_user_ids_may_be_numbers(host):
    send(host, 7)

    assert host.notifications.unread_count(7) == host.notifications.unread_count("7")
    assert host.notifications.mark_all_read(7)["unread"] == 0


def test_a_function_gives_a_type_its_parameters_and_their_defaults(host):
    @host.notifications.type(
        "linked", title="{{ page }}", message="m", url="{{ address|link }}", group_key="{{ page }}"
    )
    def linked(address, page="pages"):
        """What a host writes."""

    send(host, "alice", "linked", {"address": "https://example.com/a?b=c"})

    listed = host.notifications.list("alice")["notifications"][0]
    assert (listed["title"], listed["url"]) == ("pages", "https://example.com/a?b=c")
