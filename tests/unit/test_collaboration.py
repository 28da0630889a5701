"""The collaboration app: its names, and who is told what of threads, comments and activities."""

import json

import pytest

from flask_nexora_rt import BadRequest, NexoraRT, NotServable
from flask_nexora_rt.events import check_publishable
from flask_nexora_rt.presets import collaboration
from flask_nexora_rt.presets.collaboration import Collaboration, Events
from flask_nexora_rt.testing import Kit, make_app, sign_in
from tests.e2e.hosts.collaboration import create_app

ORG, THREAD = collaboration.org("acme"), collaboration.thread(7)


class Office:
    """The host on `memory://`."""

    def __init__(self, **options):
        self.app = create_app(TESTING=True, **options)
        self.kit = Kit(self.app)

    def client(self, user):
        return sign_in(self.app.test_client(), user)

    def stream(self, user, *channels, **options):
        return self.kit.stream(self.client(user), *channels, **options)

    def comment(self, user, content, conversation=THREAD):
        body = {"conversationId": conversation, "content": content}
        return self.client(user).post("/api/messages", json=body).get_json()["message"]

    def do(self, method, *args, commit=True, **rest):
        """Call a method of the preset inside a transaction of the host."""
        with self.app.app_context():
            done = getattr(self.app.collab, method)(*args, **rest)
            if commit:
                self.app.db.session.commit()
            return done


@pytest.fixture
def make_office():
    offices = []

    def make(**options):
        offices.append(Office(**options))
        return offices[-1]

    yield make
    for office in offices:
        office.kit.close()


@pytest.fixture
def office(make_office):
    return make_office()


def test_the_events_are_named_as_the_seed_names_them():
    assert [event.value for event in Events] == [
        "thread:updated", "thread:status_changed", "comment:created", "comment:updated",
        "comment:deleted", "item:added", "activity:new",
    ]  # fmt: skip
    assert all(check_publishable(event) for event in Events)


def test_a_channel_is_built_as_the_seed_writes_it():
    assert collaboration.org("a b") == "private-org-a=20b"
    assert collaboration.thread("t-1") == "presence-thread-t-1"


@pytest.mark.parametrize(
    "user, channel, status",
    [
        ("ann", ORG, 200),
        ("zoe", ORG, 403),
        ("ann", collaboration.org("other"), 403),
        ("ann", THREAD, 200),
        ("cid", THREAD, 403),
        ("ben", collaboration.thread(8), 403),
    ],
)
def test_who_may_hold_what(office, user, channel, status):
    response = office.client(user).get(f"/api/realtime/stream?channels={channel}")
    response.close()
    assert response.status_code == status


def test_what_happens_to_a_thread_is_told_to_its_readers_in_the_seeds_shape(office):
    with office.stream("ben", THREAD) as reader:
        office.do("thread_updated", 7, title="New", revision=2)
        office.do("thread_status_changed", 7, "open", "done")
        office.do("item_added", 7, {"id": "i-1"})
        seen = reader.take(3)

    told = [(event.name, dict(event.payload)) for event in seen]
    assert all(body.pop("timestamp").endswith("Z") for _, body in told)
    assert told == [
        ("thread:updated", {"threadId": "7", "title": "New", "revision": 2}),
        ("thread:status_changed", {"threadId": "7", "oldStatus": "open", "newStatus": "done"}),
        ("item:added", {"threadId": "7", "item": {"id": "i-1"}}),
    ]


def test_a_rollback_tells_nothing(office):
    with office.stream("ben", THREAD) as reader:
        office.do("thread_updated", 7, title="Never", commit=False)
        office.do("thread_updated", 7, title="New")
        assert reader.take(1)[0].payload["title"] == "New"


@pytest.mark.parametrize("changes", [{}, {"status": "done"}, {"threadId": "8"}, {"timestamp": "x"}])
def test_an_update_needs_changes_and_a_status_has_its_own_event(office, changes):
    with pytest.raises(BadRequest):
        office.do("thread_updated", 7, **changes)


def test_a_comment_is_a_message_told_in_the_seeds_words(office):
    with office.stream("ben", THREAD) as reader:
        message = office.comment("ann", "Frist")
        ann = office.client("ann")
        edit = {"content": "First", "expectedRevision": 1}
        edited = ann.patch(f"/api/messages/{message['id']}", json=edit).get_json()["message"]
        gone = ann.delete(f"/api/messages/{message['id']}").get_json()["message"]
        created, new, updated, _, deleted, _ = reader.take(6)

    assert (created.name, new.name) == ("comment:created", "message:new")
    assert created.payload["threadId"] == "7"
    assert created.payload["timestamp"] == message["createdAt"]
    comment = created.payload["comment"]
    assert (comment["id"], comment["content"], comment["authorId"], comment["createdAt"]) == (
        message["id"], "Frist", "ann", message["createdAt"],
    )  # fmt: skip
    assert (updated.name, updated.payload["comment"]["content"]) == ("comment:updated", "First")
    assert updated.payload["timestamp"] == edited["editedAt"]
    assert deleted.name == "comment:deleted"
    assert deleted.payload == {
        "threadId": "7", "commentId": message["id"], "timestamp": gone["deletedAt"],
    }  # fmt: skip


def test_replay_has_the_last_text_of_a_comment_and_nothing_of_a_deleted_one(office):
    with office.stream("ben", THREAD) as reader:
        start = reader.take_control("pusher:connection_established").id
        kept, gone = office.comment("ann", "frist"), office.comment("ann", "secret")
        ann = office.client("ann")
        ann.patch(f"/api/messages/{kept['id']}", json={"content": "first"})
        ann.patch(f"/api/messages/{gone['id']}", json={"content": "still secret"})
        ann.delete(f"/api/messages/{gone['id']}")
        office.comment("ann", "end")
        # Two names each: the worker has read all of it.
        reader.take(12)

    with office.stream("ben", THREAD, last_event_id=start) as late:
        replayed = late.take(4)
    texts = [(e.name, e.payload.get("comment", e.payload)["content"]) for e in replayed]
    assert texts == [
        ("comment:created", "first"), ("message:new", "first"),
        ("comment:created", "end"), ("message:new", "end"),
    ]  # fmt: skip


def test_the_organisation_is_told_activities_alone(office):
    with office.stream("cid", ORG) as reader:
        office.comment("ann", "for readers of the thread only")
        office.do("thread_updated", 7, title="Secret")
        office.do("record_activity", "acme", {"what": "something"})
        assert [event.name for event in reader.take(1)] == ["activity:new"]


def test_where_all_may_read_all_the_organisation_is_told_everything_as_in_the_seed(make_office):
    office = make_office(org_wide=True)
    with office.stream("cid", ORG) as reader:
        start = reader.take_control("pusher:connection_established").id
        office.do("thread_updated", 7, title="New")
        message = office.comment("ann", "frist")
        assert [event.name for event in reader.take(3)] == [
            "thread:updated", "comment:created", "message:new",
        ]  # fmt: skip
        office.client("ann").patch(f"/api/messages/{message['id']}", json={"content": "first"})
        reader.take(2)
    with office.stream("cid", ORG, last_event_id=start) as late:
        _, created, _ = late.take(3)
    assert (created.channel, created.name) == (ORG, "comment:created")
    assert created.payload["comment"]["content"] == "first"
    assert created.payload["threadId"] == "7"


def test_what_the_host_says_to_the_organisation_is_no_comment(make_office):
    office = make_office(org_wide=True)
    with office.stream("cid", ORG) as reader:
        office.kit.trigger(ORG, "message:new", {"conversationId": ORG, "createdAt": "now"})
        office.do("record_activity", "acme", {})
        assert [event.name for event in reader.take(2)] == ["message:new", "activity:new"]


def test_an_activity_is_stored_and_told_alike(office):
    with office.stream("cid", ORG) as reader:
        done = office.do("record_activity", "acme", {"by": "ann", "what": "x"})
        [event] = reader.take(1)
    feed = office.client("cid").get("/api/activity").get_json()

    assert done["activity"] == {"id": "1", "by": "ann", "what": "x", "seq": 1}
    assert done["timestamp"].endswith("Z")
    assert event.payload == done
    assert feed["activities"] == [done]
    with office.stream("cid", ORG, last_event_id=feed["position"]) as reader:
        office.do("record_activity", "acme", {"id": "mine"})
        assert reader.take(1)[0].payload["activity"] == {"id": "mine", "seq": 2}


def test_activities_need_a_database():
    rt = NexoraRT()
    collab = Collaboration(rt, may_see_org=lambda user, org_id: True, may_see_thread=_nobody)
    app = make_app(rt)
    with app.app_context():
        with pytest.raises(NotServable, match="db=db"):
            collab.record_activity("acme", {})
        with pytest.raises(NotServable, match="db=db"):
            collab.activity_feed("acme")
    app.extensions["nexora_rt"].runtime.close()


def _nobody(user, thread_id):
    return False


def test_a_stale_edit_of_a_thread_is_a_conflict_and_tells_nothing(office):
    ann, edit = office.client("ann"), {"title": "Mine", "revision": 1}
    with office.stream("ben", THREAD) as reader:
        assert ann.patch("/api/threads/7", json=edit).status_code == 200
        assert ann.patch("/api/threads/7", json={**edit, "title": "Late"}).status_code == 409
        ann.patch("/api/threads/7", json={"title": "Next", "revision": 2})
        assert [json.dumps(event.payload["title"]) for event in reader.take(2)] == [
            '"Mine"', '"Next"',
        ]  # fmt: skip
