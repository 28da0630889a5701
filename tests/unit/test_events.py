"""Positions, and the one door through which events come in."""

import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flask_nexora_rt import BadRequest, EventTooLarge, InvalidName
from flask_nexora_rt.events import (
    Event,
    Position,
    check_event_name,
    check_publishable,
    dump_json,
    make_event,
)

positions = st.builds(Position, st.integers(0, 10**15 - 1), st.integers(0, 10**19 - 1))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
    max_leaves=10,
)  # fmt: skip


# -- positions ---------------------------------------------------------------------------------


@given(positions)
@example(Position(0, 0))
def test_a_position_reads_back_from_its_text(position):
    assert Position.parse(str(position)) == position


@pytest.mark.parametrize(
    "text",
    [
        "", "-", "1", "1-", "-1", "1-2-3", "a-1", "1-a", " 1-2", "1-2 ", "1-2\n", "01-2", "1-02",
        "+1-2", "1.0-2", "1_0-2", "\u0661-2", "1-\u0662", "1\0-2", "1" * 16 + "-0", "1-" + "1" * 20,
        "1-2\r\nid: 9", "0x1-2", "--1", "1--2",
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_no_position_is_refused(text):
    with pytest.raises(BadRequest, match="position"):
        Position.parse(text)


def test_a_refusal_of_a_huge_position_stays_short():
    with pytest.raises(BadRequest) as refused:
        Position.parse("1" * 100_000)

    assert len(str(refused.value)) < 200


@given(positions, positions)
@example(Position(9, 0), Position(10, 0))
@example(Position(1, 9), Position(1, 10))
def test_positions_are_ordered_by_time_and_then_by_number(one, other):
    assert (one < other) == ((one.ms, one.seq) < (other.ms, other.seq))
    assert max(one, other) in (one, other)


@given(positions)
def test_nothing_fits_between_a_position_and_the_next(position):
    assert position.next() > position
    assert position.next() == Position(position.ms, position.seq + 1)


# -- names -------------------------------------------------------------------------------------

CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]


@pytest.mark.parametrize("char", [*CONTROLS, "\u2028", "\u2029", "\ud800"], ids=ascii)
@pytest.mark.parametrize("where", ["{}tick", "ti{}ck", "tick{}"])
def test_a_name_with_a_control_character_is_refused(char, where):
    with pytest.raises(InvalidName, match="control"):
        check_publishable(where.format(char))


@pytest.mark.parametrize("name", ["", "x" * 201, None, 7, b"tick", ["tick"]])
def test_a_name_is_text_of_1_to_200_characters(name):
    with pytest.raises(InvalidName, match="200"):
        check_publishable(name)


@pytest.mark.parametrize("name", ["x", "x" * 200, "message:new", "näme", "🎉", "a b", "client-x"])
def test_any_other_text_is_a_name(name):
    assert check_publishable(name) == name


@pytest.mark.parametrize(
    "name", ["error", "open", "pusher:x", "pusher_internal:x", "nexora:gap", "nexora:", "pusher:"]
)
def test_a_reserved_name_is_refused(name):
    with pytest.raises(InvalidName, match="reserved"):
        check_publishable(name)


@pytest.mark.parametrize("name", ["errors", "opened", "my:error", "pusher", "nexora", "x-pusher:y"])
def test_a_name_that_only_looks_reserved_is_free(name):
    assert check_publishable(name) == name


def test_our_own_events_pass_the_check_of_the_form():
    assert check_event_name("nexora:gap") == "nexora:gap"


# -- data --------------------------------------------------------------------------------------


@given(json_values)
@example("\ud800")
@example({"\udfff": "\u2028\r\n\0"})
def test_any_json_value_is_written_on_one_line_and_reads_back(value):
    text = dump_json(value)

    assert json.loads(text) == value
    assert b"\n" not in text
    assert b"\r" not in text
    assert b"\0" not in text


def test_text_is_written_as_it_is_and_not_escaped():
    assert dump_json("ü🎉\u2028") == '"ü🎉\u2028"'.encode()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("wrap", [lambda v: v, lambda v: [v], lambda v: {"a": ["\ud800", v]}])
def test_a_number_that_json_does_not_have_is_refused(value, wrap):
    with pytest.raises(BadRequest, match="JSON"):
        dump_json(wrap(value))


def circular():
    value = []
    value.append(value)
    return value


def deep():
    value = None
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [object(), {1, 2}, b"x", {(1, 2): 3}, circular(), deep(), 10**5000],
    ids=["object", "set", "bytes", "tuple key", "circular", "deep", "huge number"],
)  # fmt: skip
def test_what_is_no_json_is_refused(value):
    with pytest.raises(BadRequest, match="cannot be written as JSON"):
        dump_json(value)


def test_the_hosts_json_provider_is_asked_about_other_types():
    assert dump_json({"at": {1}}, default=sorted) == b'{"at":[1]}'
    assert dump_json(["\ud800", {1}], default=sorted) == b'["\\ud800",[1]]'


# -- events ------------------------------------------------------------------------------------


def test_an_event_goes_to_each_of_its_channels_once():
    event = make_event(["a", "b", "a"], "tick", 1, limit=100)

    assert event.channels == ("a", "b")


def test_one_channel_may_be_given_as_text():
    assert make_event("room-1", "tick", 1, limit=100).channels == ("room-1",)


@pytest.mark.parametrize("channels", [[], ()])
def test_an_event_without_a_channel_is_refused(channels):
    with pytest.raises(BadRequest, match="at least one channel"):
        make_event(channels, "tick", 1, limit=100)


@pytest.mark.parametrize("channels", [[""], "a b", ["ok", "not ok"], [None], ["a", 5], [["a"]]])
def test_an_event_for_a_name_outside_the_grammar_is_refused(channels):
    with pytest.raises(InvalidName):
        make_event(channels, "tick", 1, limit=100)


@pytest.mark.parametrize("name", ["pusher:x", "error", "a\nb", "", None])
def test_an_event_whose_name_cannot_be_published_is_refused(name):
    with pytest.raises(InvalidName):
        make_event("a", name, 1, limit=100)


@pytest.mark.parametrize("text", ["x" * 98, "ü" * 49], ids=["ascii", "two bytes each"])
def test_an_event_may_be_as_large_as_the_limit(text):
    assert len(make_event("a", "tick", text, limit=100).data) == 100


@pytest.mark.parametrize("text", ["x" * 99, "ü" * 49 + "x"], ids=["ascii", "two bytes each"])
def test_a_larger_event_is_refused_with_the_limit_and_its_size(text):
    with pytest.raises(EventTooLarge, match=r"101 bytes.*limit is 100 .*MAX_EVENT_BYTES"):
        make_event("a", "tick", text, limit=100)


def test_an_event_keeps_whom_it_excludes_and_what_replay_shows():
    event = make_event("a", "tick", 1, limit=100, exclude="1.2", key="k", replay={"n": 2})

    assert (event.exclude, event.key, event.replay) == ("1.2", "k", b'{"n":2}')
    assert make_event("a", "tick", 1, limit=100, key="k", replay=b"").replay == b""
    with pytest.raises(EventTooLarge):
        make_event("a", "tick", 1, limit=100, key="k", replay="x" * 200)


# -- parts -------------------------------------------------------------------------------------

objects = st.dictionaries(st.text(), st.integers() | st.text(), max_size=4)


@given(objects, objects)
@example({}, {})
@example({"a": 1}, {"a": 2})
def test_a_channel_receives_the_shared_object_with_its_own_part_over_it(shared, part):
    event = Event(("a", "b"), "tick", dump_json(shared), parts={"a": dump_json(part)})

    assert json.loads(event.data_for("a")) == {**shared, **part}
    assert json.loads(event.data_for("b")) == shared


def test_an_event_without_parts_is_the_same_for_every_channel():
    event = Event(("a", "b"), "tick", b"[1]")

    assert event.data_for("a") == event.data_for("b") == b"[1]"


def test_the_size_grows_with_everything_that_is_kept():
    plain = Event(("a",), "tick", b"1")
    larger = [
        Event(("a",), "tick", b"1" * 1001),
        Event(("a",), "tick", b"1", replay=b"1" * 1000),
        Event(("a",), "tick", b"1", parts={"a": b"1" * 1000}),
        Event(tuple(f"c-{n}" for n in range(100)), "tick", b"1"),
    ]

    assert [event for event in larger if event.size < plain.size + 1000] == []
