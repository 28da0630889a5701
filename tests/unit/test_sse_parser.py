"""The parser that judges our frames is itself exact (HTML standard, section 9.2.6)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.sse import EventStreamParser, ServerSentEvent

STOCK = b"data: YHOO\ndata: +2\ndata: 10\n\n"


def parse(*chunks: bytes) -> list[ServerSentEvent]:
    parser = EventStreamParser()
    return [event for chunk in chunks for event in parser.feed(chunk)]


def data_of(*chunks: bytes) -> list[str]:
    return [event.data for event in parse(*chunks)]


def test_data_lines_are_joined_with_newlines():
    assert parse(STOCK) == [ServerSentEvent("message", "YHOO\n+2\n10", "")]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_each_line_end_ends_a_line(end):
    assert data_of(end.join([b"data: a", b"data: b", b"", b""])) == ["a\nb"]


def test_mixed_line_ends_are_one_line_end_each():
    assert data_of(b"data: a\r\ndata: b\rdata: c\n\r\n") == ["a\nb\nc"]


def test_crlf_cut_between_its_bytes_is_one_line_end():
    assert data_of(b"data: a\r", b"\ndata: b\r", b"", b"\n\r", b"\n") == ["a\nb"]


def test_cr_ends_the_event_before_the_next_chunk_comes():
    parser = EventStreamParser()

    assert [event.data for event in parser.feed(b"data: a\r\r")] == ["a"]


def test_two_line_feeds_after_a_cr_are_a_crlf_and_an_empty_line():
    assert data_of(b"data: a\r", b"\n\n") == ["a"]


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
def test_nothing_else_ends_a_line(separator):
    assert data_of(f"data: a{separator}b\n\n".encode()) == [f"a{separator}b"]


def test_one_leading_byte_order_mark_is_dropped():
    assert data_of(b"\xef\xbb\xbfdata: a\n\n") == ["a"]


def test_byte_order_mark_in_pieces_is_dropped():
    assert data_of(b"\xef", b"\xbb", b"\xbfdata: a\n\n") == ["a"]


def test_second_byte_order_mark_is_part_of_the_field_name():
    assert data_of(b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n") == ["b"]


def test_broken_utf8_becomes_replacement_characters():
    assert data_of(b"data: a\xffb\n\n") == ["a\ufffdb"]


def test_character_cut_in_two_is_put_together():
    assert data_of(b"data: \xc3", b"\xa9\n\n") == ["\u00e9"]


def test_one_space_after_the_colon_is_removed():
    assert data_of(b"data:  a\n\ndata:b\n\ndata:\tc\n\n") == [" a", "b", "\tc"]


def test_only_the_first_colon_separates():
    assert data_of(b"data: a:b: c\n\n") == ["a:b: c"]


def test_field_without_colon_has_an_empty_value():
    assert data_of(b"data\n\n", b"data\ndata\n\n") == ["", "\n"]


def test_data_with_an_empty_value_is_an_event():
    assert data_of(b"data:\n\n") == [""]


def test_block_without_data_is_no_event():
    assert parse(b"event: ping\n\n") == []


def test_event_name_does_not_outlive_its_block():
    events = parse(b"event: ping\n\ndata: a\n\nevent: b\ndata: b\n\ndata: c\n\n")

    assert [event.name for event in events] == ["message", "b", "message"]


def test_empty_event_name_means_message():
    assert parse(b"event:\ndata: a\n\n")[0].name == "message"


def test_field_names_are_case_sensitive():
    assert parse(b"Data: a\nDATA: b\n\n") == []


def test_comments_are_no_events_but_are_seen():
    parser = EventStreamParser()

    assert parser.feed(b": hello\n:\n\n") == []
    assert parser.comments == ["hello", ""]


def test_id_sticks_until_it_changes():
    events = parse(b"id: 1\ndata: a\n\ndata: b\n\nid: 2\ndata: c\n\n")

    assert [event.id for event in events] == ["1", "1", "2"]


def test_id_without_data_moves_the_cursor_silently():
    parser = EventStreamParser()

    assert parser.feed(b"id: 7\n\n") == []
    assert parser.last_event_id == "7"


def test_id_counts_only_once_its_block_has_ended():
    parser = EventStreamParser()
    parser.feed(b"id: 7\ndata: a\n")

    assert parser.last_event_id == ""


def test_empty_id_resets_the_cursor():
    assert [event.id for event in parse(b"id: 1\ndata: a\n\nid\ndata: b\n\n")] == ["1", ""]


def test_id_with_nul_is_ignored():
    assert parse(b"id: 1\ndata: a\n\nid: 2\x003\ndata: b\n\n")[1].id == "1"


def test_id_of_the_connection_before_is_kept():
    parser = EventStreamParser("41-0")

    assert parser.feed(b"data: a\n\n")[0].id == "41-0"


@pytest.mark.parametrize(
    "value, expected",
    [
        ("3000", 3000),
        ("0", 0),
        ("", None),
        ("+1", None),
        ("1.5", None),
        ("1 ", None),
        ("\u0663", None),
    ],
)
def test_retry_is_ascii_digits_or_nothing(value, expected):
    parser = EventStreamParser()
    parser.feed(f"retry: {value}\n\n".encode())

    assert parser.retry_ms == expected


def test_unterminated_last_event_is_dropped():
    assert data_of(b"data: a\n\ndata: b\n") == ["a"]


def test_line_without_line_end_is_not_read():
    assert data_of(b"data: a\n\ndata: b") == ["a"]


@given(st.data())
def test_the_way_bytes_are_cut_changes_nothing(data):
    alphabet = st.sampled_from(
        [b"data:", b"id: 1", b"event:x", b" ", b"\r", b"\n", b"\r\n", b"\xef\xbb\xbf"]
    )
    stream = b"".join(data.draw(st.lists(alphabet | st.text().map(str.encode), max_size=40)))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=10)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

    assert parse(*pieces) == parse(stream)
