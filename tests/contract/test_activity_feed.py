"""What the feed of activities promises, on every database."""

import threading
from types import SimpleNamespace

import pytest
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import func, select

from flask_nexora_rt import BadRequest, EventTooLarge, InvalidName, NexoraRT
from flask_nexora_rt.presets.collaboration import Collaboration
from flask_nexora_rt.testing import make_app


@pytest.fixture(params=["sqlite", "postgresql"])
def host(request, tmp_path):
    url = f"sqlite:///{tmp_path}/feed.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    rt, db = NexoraRT(), SQLAlchemy()
    collab = Collaboration(rt, may_see_org=lambda user, org_id: True, may_see_thread=_may_see)
    app = make_app(rt, db=db, SQLALCHEMY_DATABASE_URI=url)
    state = app.extensions["nexora_rt"]
    with app.app_context():
        db.create_all()
        yield SimpleNamespace(
            app=app, rt=rt, db=db, collab=collab, state=state, log=state.runtime.log
        )
        db.session.remove()
        state.outbox.stop()
        db.drop_all()
        db.engine.dispose()
    state.runtime.close()


def _may_see(user, thread_id):
    return True


def numbers(host, org="acme"):
    return [entry["activity"]["n"] for entry in host.collab.activity_feed(org)["activities"]]


def rows(host):
    return host.db.session.scalar(select(func.count()).select_from(host.state.models.activity))


def told(host, count):
    """The activities that the log has, once there are so many."""
    for _ in range(250):
        found = host.log.range(host.log.bounds().reset, 10_000)
        if len(found) >= count:
            break
        threading.Event().wait(0.02)
    return [host.app.json.loads(entry.event.data)["activity"] for entry in found]


def test_the_newest_fifty_of_each_organisation_are_kept_newest_first(host):
    host.collab.record_activity("other", {"n": "kept"})
    for n in range(60):
        host.collab.record_activity("acme", {"n": n})

    assert numbers(host) == list(range(59, 9, -1))
    assert numbers(host, "other") == ["kept"]
    assert rows(host) == 51
    assert len(host.collab.activity_feed("acme", limit=3)["activities"]) == 3
    assert len(host.collab.activity_feed("acme", limit=1000)["activities"]) == 50


def test_who_records_at_once_is_told_of_in_the_order_of_the_feed(host):
    def record(who):
        with host.app.app_context():
            for n in range(15):
                host.collab.record_activity("acme", {"n": f"{who}-{n}"})

    threads = [threading.Thread(target=record, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    activities = told(host, 60)
    assert [activity["seq"] for activity in activities] == list(range(1, 61))
    assert numbers(host) == [activity["n"] for activity in activities[:9:-1]]


def test_an_activity_lives_and_dies_with_the_hosts_transaction(host):
    host.collab.record_activity("acme", {"n": "never"}, commit=False)
    host.db.session.rollback()
    host.collab.record_activity("acme", {"n": "kept"}, commit=False)
    host.db.session.commit()

    assert told(host, 1) == [{"id": "1", "n": "kept", "seq": 1}]
    assert numbers(host) == ["kept"]


@pytest.mark.parametrize(
    "org, activity, error",
    [
        ("acme", {"n": "x" * 20_000}, EventTooLarge),
        ("acme", {"n": object()}, BadRequest),
        ("", {"n": 1}, InvalidName),
        ("x" * 153, {"n": 1}, InvalidName),
    ],
)
def test_a_bad_activity_leaves_nothing_behind(host, org, activity, error):
    with pytest.raises(error):
        host.collab.record_activity(org, activity)
    host.collab.record_activity("x" * 152, {"n": "good"})

    assert [activity["n"] for activity in told(host, 1)] == ["good"]
    assert rows(host) == 1


def test_what_a_comment_causes_is_saved_with_it_once_or_not_at_all(host):
    @host.rt.message_sent
    def record(message):
        host.collab.record_activity("acme", {"n": message["content"]}, commit=False)
        if message["content"] == "too much":
            raise BadRequest("said by the host")

    host.rt.messages.send("presence-thread-1", "first", "ann", "c-1")
    host.rt.messages.send("presence-thread-1", "first", "ann", "c-1")
    with pytest.raises(BadRequest, match="said by the host"):
        host.rt.messages.send("presence-thread-1", "too much", "ann")

    assert numbers(host) == ["first"]
    assert [
        one["content"] for one in host.rt.messages.history("presence-thread-1")["messages"]
    ] == ["first"]
