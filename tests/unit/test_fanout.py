"""Who is sent what of a batch, and under which position."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_nexora_rt.events import Entry, Event, Position
from flask_nexora_rt.fanout import Topics, exclude_user, replay_blocks
from flask_nexora_rt.sse import CODECS
from tests.unit.recorder import Recorder

PREVIOUS = Position(99, 0)


def entries(*channels_of_each: str, **rest: str | None) -> list[Entry]:
    """Entries 1, 2, ... on these channels (`"a b"` is two), at positions 101-0, 102-0, ..."""
    return [
        Entry(Position(101 + n, 0), Event(tuple(names.split()), "tick", b"%d" % (n + 1), **rest))
        for n, names in enumerate(channels_of_each)
    ]


def topics(*streams: Recorder) -> Topics:
    made = Topics()
    for stream in streams:
        made.add(stream, stream.channels)
    return made


def sent(streams: list[Recorder], batch: list[Entry], previous: Position = PREVIOUS) -> None:
    for receivers, data in topics(*streams).plan(batch, previous):
        for stream in receivers:
            stream.push(data)


def read(stream: Recorder) -> list[tuple[str, int, str]]:
    """Each block as (channel, number, id)."""
    return [(e.channel, e.payload, e.id) for e in stream.events]


def test_a_stream_is_sent_the_events_of_its_channels_only():
    one, other, none = Recorder("a"), Recorder("b"), Recorder("c")

    sent([one, other, none], entries("a", "b", "a"))

    assert [number for _, number, _ in read(one)] == [1, 3]
    assert [number for _, number, _ in read(other)] == [2]
    assert none.pieces == []


def test_several_channels_of_one_batch_keep_the_order_of_the_log():
    stream = Recorder("c", "a", "b")

    sent([stream], entries("b", "a", "c", "a", "x", "b"))

    assert read(stream) == [
        ("b", 1, "101-0"),
        ("a", 2, "102-0"),
        ("c", 3, "103-0"),
        ("a", 4, "104-0"),
        ("b", 6, "106-0"),
    ]


def test_a_batch_is_one_piece_for_each_stream():
    stream = Recorder("a", "b")

    sent([stream], entries("a", "b", "a b"))

    assert len(stream.pieces) == 1


def test_an_entry_on_two_of_ones_channels_is_two_blocks_and_the_last_has_its_position():
    stream = Recorder("a", "b")

    sent([stream], entries("a", "a b", "b"))

    assert read(stream) == [
        ("a", 1, "101-0"),
        ("a", 2, "101-0"),
        ("b", 2, "102-0"),
        ("b", 3, "103-0"),
    ]


def test_the_first_of_two_blocks_at_the_start_of_a_batch_has_the_position_before_it():
    stream = Recorder("a", "b", "c")

    sent([stream], entries("a b c"))

    assert read(stream) == [("a", 1, "99-0"), ("b", 1, "99-0"), ("c", 1, "101-0")]


def test_an_entry_on_two_channels_is_one_block_for_who_holds_one_of_them():
    one, other = Recorder("a"), Recorder("b")

    sent([one, other], entries("a b"))

    assert read(one) == [("a", 1, "101-0")]
    assert read(other) == [("b", 1, "101-0")]


def test_an_excluded_socket_is_left_out_and_nobody_else_is():
    sender, other = Recorder("a", "b", socket_id="1.9"), Recorder("a", "b")
    batch = [*entries("a"), *entries("x", "a b", exclude="1.9")[1:], *entries("", "", "b")[2:]]

    sent([sender, other], batch)

    assert read(sender) == [("a", 1, "101-0"), ("b", 3, "103-0")]
    assert [number for _, number, _ in read(other)] == [1, 2, 2, 3]


def test_who_is_excluded_from_everything_is_sent_nothing_to_read():
    sender = Recorder("a", socket_id="1.9")

    sent([sender], entries("a", exclude="1.9"))

    assert sender.pieces == []


def test_a_user_can_be_left_out_with_all_streams():
    mine = [Recorder("a", user_id="7"), Recorder("a", "b", user_id="7")]
    others = [Recorder("a", user_id="77"), Recorder("a"), Recorder("a", socket_id="7.7")]

    sent([*mine, *others], entries("a", exclude=exclude_user("7")))

    assert [stream.pieces for stream in mine] == [[], []]
    assert [len(stream.pieces) for stream in others] == [1, 1, 1]


def test_to_leave_a_user_out_never_means_those_who_are_nobody():
    nobody = Recorder("a")

    sent([nobody], entries("a", exclude=exclude_user("None")))

    assert read(nobody) == [("a", 1, "101-0")]


def test_streams_that_hold_the_same_touched_channels_share_one_piece():
    streams = [Recorder("a", "b"), Recorder("b", "a"), Recorder("a", "b", "untouched")]

    sent(streams, entries("a", "b"))

    assert streams[0].pieces[0] is streams[1].pieces[0] is streams[2].pieces[0]


def test_a_stream_whose_socket_is_excluded_elsewhere_shares_as_well():
    streams = [Recorder("a", socket_id="1.7"), Recorder("a", socket_id="1.8")]

    sent(streams, entries("a", exclude="1.9"))

    assert streams[0].pieces[0] is streams[1].pieces[0]


def test_each_codec_has_blocks_of_its_own():
    named, envelope = Recorder("a"), Recorder("a", codec="envelope")

    sent([named, envelope], entries("a"))

    assert [event.name for event in named.events] == ["tick"]
    assert [event.name for event in envelope.events] == ["message"]
    assert envelope.events[0].json() == {"event": "tick", "channel": "a", "data": 1}


def test_an_envelope_says_where_its_event_stands_whatever_its_block_is_called():
    both = Recorder("a", "b", codec="envelope")
    made = topics(both)
    [entry] = entries("a b")

    plans = made.plan([entry], PREVIOUS), made.plan([entry], entry.position, logged=False)
    for [(_, data)] in plans:
        both.push(data)

    told = [(event.id, event.json().get("position", event.id)) for event in both.events]
    assert told[:2] == [("99-0", "101-0"), ("101-0", "101-0")]
    # What is in no log stands nowhere.
    assert [position for _, position in told[2:]] == [None, None]


def test_a_replay_to_a_late_subscriber_carries_the_streams_id_and_the_events_place():
    [entry] = entries("a")

    late, at = Recorder("a", codec="envelope"), Position(200, 0)

    late.push(replay_blocks([entry], at, ["a"], CODECS["envelope"], at=at))

    [event] = late.events
    assert (event.id, event.json()["position"]) == ("200-0", "101-0")


def test_a_removed_stream_is_sent_nothing():
    gone, other = Recorder("a", "b"), Recorder("a")
    made = topics(gone, other)

    made.remove(gone, gone.channels)
    made.remove(gone, gone.channels)

    assert [streams for streams, _ in made.plan(entries("a", "b"), PREVIOUS)] == [[other]]


def test_the_last_stream_of_a_kind_that_leaves_takes_nobody_along():
    gone, other = Recorder("a", codec="envelope"), Recorder("a")
    made = topics(gone, other)

    made.remove(gone, ["a"])

    assert [streams for streams, _ in made.plan(entries("a"), PREVIOUS)] == [[other]]


def test_a_stream_can_let_go_of_one_channel_and_keep_another():
    stream = Recorder("a", "b")
    made = topics(stream)

    made.remove(stream, ["a"])

    [(_, data)] = made.plan(entries("a", "b"), PREVIOUS)
    stream.push(data)
    assert read(stream) == [("b", 2, "102-0")]


def test_channels_that_nobody_holds_any_more_take_no_memory():
    made, stream = Topics(), Recorder()

    def come_and_go(numbers: range) -> int:
        for number in numbers:
            made.add(stream, [f"channel-{number}"])
            made.remove(stream, [f"channel-{number}"])
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    before = come_and_go(range(100))
    after = come_and_go(range(100, 2000))
    tracemalloc.stop()

    assert after - before < 20_000


def test_what_is_sent_is_counted():
    made = topics(Recorder("a"), Recorder("a", "b"), Recorder("c", codec="envelope"))

    plan = [*made.plan(entries("a", "b", "x"), PREVIOUS), *made.plan(entries("c"), PREVIOUS)]

    assert made.deliveries == 2 + 1 + 1
    assert made.bytes == sum(len(streams) * len(data) for streams, data in plan)


def test_a_batch_that_concerns_nobody_is_no_plan():
    assert topics(Recorder("a")).plan(entries("b"), PREVIOUS) == []
    assert topics().plan(entries("b"), PREVIOUS) == []
    assert topics(Recorder("a")).plan([], PREVIOUS) == []


CHANNELS = st.sets(st.sampled_from("abc"), min_size=1)


@given(st.lists(CHANNELS, max_size=8), CHANNELS)
def test_a_cut_at_any_block_loses_nothing(batch, held):
    """Resuming from the id read last gives all that was not read."""
    made = entries(*(" ".join(sorted(names)) for names in batch))
    stream = Recorder(*sorted(held))
    sent([stream], made)
    blocks = read(stream)
    expected = [(c, n + 1) for n, names in enumerate(batch) for c in sorted(names & held)]

    assert [(channel, number) for channel, number, _ in blocks] == expected
    for at, (_, _, cursor) in enumerate(blocks):
        unread = {number for _, number, _ in blocks[at + 1 :]}
        replayed = {e.position.ms - 100 for e in made if e.position > Position.parse(cursor)}
        assert unread <= replayed


@pytest.mark.parametrize("codec", CODECS)
def test_a_replay_is_written_as_the_live_batch_was(codec):
    batch = entries("a", "a b", "c", "b", exclude=None)
    stream = Recorder("a", "b", codec=codec)
    sent([stream], batch)

    assert replay_blocks(batch, PREVIOUS, ("a", "b"), CODECS[codec]) == stream.pieces[0]


def test_a_replay_shows_an_excluded_event_as_its_sender_may_have_lost_it():
    [entry] = entries("a", exclude="1.9")

    assert b"data" in replay_blocks([entry], PREVIOUS, ["a"], CODECS["named"])
