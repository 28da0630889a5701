"""What we write, a browser reads back: frames through the parser of the HTML standard."""

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flask_nexora_rt.event_stream import EventStreamParser, ServerSentEvent
from flask_nexora_rt.events import Event, Position, dump_json
from flask_nexora_rt.sse import CODECS, checkpoint, frame, retry
from tests.unit.test_events import json_values, positions

AWKWARD = ["", "\r", "\n", "\r\n", "\n\r", "\r\r", "\0", "\u2028", "\u2029", "\x85", "\x0b", "\x0c",
           "\x1c", "\ufeff", " ", "  a", ":", "data: x", "a\n\nb", "id: 9\n", "\ud800"]  # fmt: skip
any_text = st.text(st.characters()) | st.lists(st.sampled_from(AWKWARD)).map("".join)
names = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1)


def parse(stream: bytes, cuts: list[int] = ()) -> list[ServerSentEvent]:
    parser = EventStreamParser()
    ends = [*sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    pieces = [stream[a:b] for a, b in zip([0, *ends], ends, strict=False)]
    return [event for piece in pieces for event in parser.feed(piece)]


def as_received(text: str) -> str:
    """A receiver joins lines with LF; UTF-8 has no lone surrogates."""
    return re.sub("\r\n|\r", "\n", text).encode("utf-8", "replace").decode()


# -- raw text ----------------------------------------------------------------------------------


@given(any_text, st.lists(st.integers(0, 10_000), max_size=8))
@example("", [])
def test_any_text_comes_back_whatever_the_chunking(text, cuts):
    block = frame(text, event="tick", id="5-1")

    assert parse(block, cuts) == [ServerSentEvent("tick", as_received(text), "5-1")]


@pytest.mark.parametrize("text", AWKWARD, ids=ascii)
def test_each_awkward_text_comes_back_between_two_others(text):
    stream = frame("before") + frame(text) + frame("after")

    assert [event.data for event in parse(stream)] == ["before", as_received(text), "after"]


def test_a_frame_without_a_name_is_a_message_and_keeps_the_last_id():
    assert parse(frame("a", id="5-1") + frame("b")) == [
        ServerSentEvent("message", "a", "5-1"),
        ServerSentEvent("message", "b", "5-1"),
    ]


def test_an_empty_id_is_written():
    assert parse(frame("a", id="5-1") + frame("b", id=""))[1].id == ""


# -- codecs ------------------------------------------------------------------------------------


def read_back(codec: str, stream: bytes, cuts: list[int] = ()) -> list[tuple]:
    """Each block as (id, name, channel, data, user id), however the codec writes it."""
    blocks = []
    for event in parse(stream, cuts):
        body = event.json()
        name = event.name if codec == "named" else body.pop("event")
        assert codec == "named" or event.name == "message"
        rest = set(body) - {"channel", "data", "user_id", "position"}
        assert not rest
        blocks.append((event.id, name, body.get("channel"), body["data"], body.get("user_id")))
    return blocks


@pytest.mark.parametrize("codec", CODECS)
@given(
    positions, names, json_values, st.none() | st.text(st.characters()), st.lists(st.integers(0))
)
@example(Position(1, 0), " name", "\u2028", "\ud800", [7])
@example(Position(1, 0), "\ufeff", {"a": "\r\n"}, "", [])
def test_any_event_comes_back(codec, position, name, data, user_id, cuts):
    event = Event(("a", "b"), name, dump_json(data), user_id=user_id)

    block = CODECS[codec].encode(position, event, "b")

    assert read_back(codec, block, cuts) == [(str(position), name, "b", data, user_id)]


@pytest.mark.parametrize("codec", CODECS)
@given(positions, json_values, st.sampled_from([None, "room-1"]))
def test_any_control_block_comes_back(codec, position, data, channel):
    block = CODECS[codec].control(position, "nexora:gap", data, channel)

    assert read_back(codec, block) == [(str(position), "nexora:gap", channel, data, None)]


@pytest.mark.parametrize("codec", CODECS)
@given(st.lists(json_values, max_size=5), st.lists(st.integers(0, 100_000), max_size=8))
def test_blocks_that_are_joined_come_back_one_by_one(codec, values, cuts):
    blocks = [
        CODECS[codec].encode(Position(n, 0), Event(("a",), "tick", dump_json(value)), "a")
        for n, value in enumerate(values)
    ]

    expected = [(f"{n}-0", "tick", "a", value, None) for n, value in enumerate(values)]
    assert read_back(codec, b"".join(blocks), cuts) == expected


@pytest.mark.parametrize("codec", CODECS)
def test_a_block_of_the_connection_itself_names_no_channel(codec):
    [event] = parse(CODECS[codec].control(Position(1, 0), "nexora:ping", {}))

    assert "channel" not in event.json()


@pytest.mark.parametrize("codec", CODECS)
def test_a_block_is_one_line_of_json(codec):
    event = Event(("a",), "tick", dump_json("x\r\n\r\ny"))

    block = CODECS[codec].encode(Position(1, 0), event, "a")

    assert sum(line.startswith(b"data:") for line in block.splitlines()) == 1


@pytest.mark.parametrize("codec", CODECS)
def test_a_channel_reads_its_own_part(codec):
    event = Event(("a", "b"), "tick", b'{"x":1}', parts={"b": b'{"y":2}'})
    encode = CODECS[codec].encode

    blocks = encode(Position(1, 0), event, "a") + encode(Position(1, 0), event, "b")

    assert [block[3] for block in read_back(codec, blocks)] == [{"x": 1}, {"x": 1, "y": 2}]


def test_a_named_block_has_no_user_id_unless_somebody_sent_it():
    event = Event(("a",), "tick", b"1")

    [block] = parse(CODECS["named"].encode(Position(1, 0), event, "a"))

    assert json.loads(block.data) == {"channel": "a", "data": 1}


# -- silent blocks -----------------------------------------------------------------------------


def test_a_retry_sets_the_reconnection_time_and_is_no_event():
    parser = EventStreamParser()

    assert parser.feed(retry(1234)) == []
    assert parser.retry_ms == 1234


def test_a_checkpoint_moves_the_cursor_and_is_no_event():
    parser = EventStreamParser("1-0")

    assert parser.feed(checkpoint(Position(7, 3))) == []
    assert parser.last_event_id == "7-3"
