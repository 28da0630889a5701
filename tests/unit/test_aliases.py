"""Further names of events, and channels that mirror others."""

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_nexora_rt import InvalidName, NexoraRT, PatternError
from flask_nexora_rt.aliases import Alias, Aliases
from flask_nexora_rt.channels import Pattern
from flask_nexora_rt.events import Entry, Event, Position
from flask_nexora_rt.fanout import Topics, replay_blocks
from flask_nexora_rt.mirrors import Mirror, Mirrors
from flask_nexora_rt.sse import CODECS
from tests.unit.recorder import Recorder

PREVIOUS = Position(99, 0)


def aliases(*declared) -> Aliases:
    made = Aliases()
    for pattern, *rest in declared:
        made.add(Alias(Pattern(pattern), *rest))
    return made


def entries(*events: tuple[str, str]) -> list[Entry]:
    return [
        Entry(Position(101 + n, 0), Event(tuple(channels.split()), name, b'{"n":%d}' % n))
        for n, (channels, name) in enumerate(events)
    ]


def told(known: Aliases, stream: Recorder, batch: list[Entry]) -> list[tuple[str, object, str]]:
    """What the stream is sent, as (name, data, id)."""
    topics = Topics(known)
    topics.add(stream, stream.channels)
    for _, data in topics.plan(batch, PREVIOUS):
        stream.push(data)
    return [(event.name, event.payload, event.id) for event in stream.events]


def test_an_event_is_told_under_both_names_and_only_the_last_block_moves_the_cursor():
    known = aliases(("room-{id}", "message:new", "new-message"))

    assert told(known, Recorder("room-1"), entries(("room-1", "message:new"))) == [
        ("new-message", {"n": 0}, "99-0"),
        ("message:new", {"n": 0}, "101-0"),
    ]


def test_other_events_and_other_channels_have_one_name():
    known = aliases(("room-{id}", "message:new", "new-message"))
    batch = entries(("room-1", "message:edit"), ("hall-1", "message:new"))

    names = [name for name, _, _ in told(known, Recorder("room-1", "hall-1"), batch)]
    assert names == ["message:edit", "message:new"]


def test_a_shape_gets_the_ids_of_the_channel_and_may_say_no():
    known = aliases(
        ("room-{id}", "tick", "tock", lambda data, id: {"room": id, **data} if data["n"] else None)
    )

    batch = entries(("room-a=20b", "tick"), ("room-a=20b", "tick"))
    stream = told(known, Recorder("room-a=20b"), batch)
    assert [(name, data) for name, data, _ in stream] == [
        ("tick", {"n": 0}),
        ("tock", {"room": "a b", "n": 1}),
        ("tick", {"n": 1}),
    ]


def test_a_shape_that_raises_costs_its_alias_alone(caplog):
    known = aliases(("room-{id}", "tick", "tock", lambda data, id: data["missing"]))

    with caplog.at_level(logging.ERROR):
        blocks = told(known, Recorder("room-1"), entries(("room-1", "tick")))
    assert [name for name, _, _ in blocks] == ["tick"]
    assert "tock for tick" in caplog.text


@pytest.mark.parametrize("codec", CODECS)
def test_a_replay_has_the_aliases_of_the_live_batch(codec):
    known = aliases(("room-{id}", "tick", "tock"))
    batch = entries(("room-1", "tick"), ("room-1", "other"), ("room-1", "tick"))
    stream = Recorder("room-1", codec=codec)
    told(known, stream, batch)

    assert replay_blocks(batch, PREVIOUS, ("room-1",), CODECS[codec], known) == stream.pieces[0]


@given(st.lists(st.sampled_from([("a-1", "tick"), ("a-1 b-1", "tick"), ("b-1", "x")]), max_size=6))
def test_a_cut_at_any_block_loses_no_name(events):
    known = aliases(("a-{id}", "tick", "tock"), ("b-{id}", "tick", "tack"))
    batch = entries(*events)
    blocks = told(known, Recorder("a-1", "b-1"), batch)

    for at, (_, _, cursor) in enumerate(blocks):
        unread = {data["n"] for _, data, _ in blocks[at + 1 :]}
        replayed = {e.position.ms - 101 for e in batch if e.position > Position.parse(cursor)}
        assert unread <= replayed


def test_what_cannot_be_an_alias_is_refused_when_it_is_declared():
    rt = NexoraRT()
    with pytest.raises(InvalidName, match="reserved"):
        rt.alias("room-{id}", "tick", "pusher:tick")
    with pytest.raises(InvalidName, match="itself"):
        rt.alias("room-{id}", "tick", "tick")
    with pytest.raises(PatternError, match=r"must take \(data, id\)"):
        rt.alias("room-{id}", "tick", "tock", lambda data, room: data)
    with pytest.raises(PatternError, match=r"must take \(id\)"):
        rt.mirror("room-{id}", lambda room: None)


def test_a_mirror_is_another_channel_of_the_same_event():
    mirrors = Mirrors()
    mirrors.add(Mirror(Pattern("room-{id}"), lambda id: None if id == "0" else f"house-{id}"))

    assert list(mirrors.with_mirrors("room-1")) == ["room-1", "house-1"]
    assert list(mirrors.with_mirrors(["x", "room-0", "room-2"])) == [
        "x", "room-0", "room-2", "house-2",
    ]  # fmt: skip
    with pytest.raises(InvalidName):
        mirrors.with_mirrors(["no name"])


def test_what_is_triggered_on_a_channel_is_triggered_on_its_mirror(make_host):
    rt = NexoraRT()
    for pattern in ("room-{id}", "house-{id}"):
        rt.channel(pattern)(lambda user, id: True)
    rt.mirror("room-{id}", lambda id: f"house-{id}")
    host = make_host(rt)

    with host.stream("alice", "house-1") as house, host.stream("alice", "room-1") as room:
        host.trigger("room-1", "tick", {"n": 1})
        host.trigger("house-1", "tock", {"n": 2})
        host.trigger("room-1", "tick", {"n": 3})
        assert [(e.name, e.payload["n"]) for e in house.take(3)] == [
            ("tick", 1), ("tock", 2), ("tick", 3),
        ]  # fmt: skip
        assert [e.payload["n"] for e in room.take(2)] == [1, 3]


def test_a_channel_taken_later_is_replayed_under_both_names(make_host):
    rt = NexoraRT()
    rt.channel("room-{id}")(lambda user, id: True)
    rt.alias("room-{id}", "tick", "tock")
    host = make_host(rt)
    before = host.trigger("room-1", "tick", {"n": 0})
    client = host.client("alice")

    with host.kit.stream(client, "room-2") as reader:
        socket_id = reader.take_control("pusher:connection_established").payload["socket_id"]
        host.trigger("room-1", "tick", {"n": 1})
        host.settle()
        body = {"socket_id": socket_id, "channels": ["room-1"], "last_event_id": before}
        answer = client.post("/api/realtime/subscribe", json=body)
        assert json.loads(answer.text)["subscribed"] == ["room-1"]
        assert [(e.name, e.payload["n"]) for e in reader.take(2)] == [("tock", 1), ("tick", 1)]
