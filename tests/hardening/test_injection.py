"""Nothing that a name, an id or data holds can write a field or a block into a stream (CWE-93)."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flask_nexora_rt import InvalidName, NexoraRT
from flask_nexora_rt.channels import escape_part
from flask_nexora_rt.event_stream import EventStreamParser
from flask_nexora_rt.events import Position, make_event
from flask_nexora_rt.sse import CODECS
from tests.unit.host import AUTH, STREAM, closing

EVIL = [
    "tick\nid: 9-9",
    "tick\rdata: forged",
    "tick\r\n\r\nevent: forged\ndata: forged\n\n",
    "tick\0",
    "\n",
    "tick\u2028data: forged",
    "tick\x85data: forged",
    '", "data": "forged"}',
    'a"b\\',
]
text = (
    st.text(st.characters()) | st.sampled_from(EVIL) | st.lists(st.sampled_from(EVIL)).map("".join)
)
BEFORE, AFTER = Position(5, 0), Position(6, 0)


def blocks(codec: str, channel: str, name: str, data: object, **rest: str):
    """What is read of an event between two others; None when it cannot be published."""
    encode = CODECS[codec].encode
    plain = make_event("plain", "plain", 0, limit=100)
    try:
        event = make_event(channel, name, data, limit=1_000_000, **rest)
    except InvalidName:
        return None
    stream = (
        encode(BEFORE, plain, "plain")
        + encode(AFTER, event, event.channels[0])
        + encode(AFTER.next(), plain, "plain")
    )
    return EventStreamParser().feed(stream)


@pytest.mark.parametrize("codec", CODECS)
@given(text, text, text)
@example("room-1", "x\ry", "")
@example("room-1", " ", "\r\n\r\n")
def test_whatever_is_published_is_one_block_that_says_what_was_published(
    codec, channel, name, data
):
    for names in ((channel, name), ("room-1", name), (channel, "tick")):
        read = blocks(codec, *names, data)
        if read is None:
            continue
        _, event, _ = read
        body = event.json()
        assert (body["channel"], body["data"], event.id) == (names[0], data, str(AFTER))
        assert (event.name if codec == "named" else body["event"]) == names[1]


@pytest.mark.parametrize("name", EVIL[:7])
def test_a_name_that_could_write_fields_is_refused_at_publish(host, name):
    head = host.head

    for arguments in (("room-1", name), (name, "tick"), (["room-1", name], "tick")):
        with pytest.raises(InvalidName):
            host.trigger(*arguments)
        batch = [{"channel": arguments[0], "name": arguments[1], "data": 1}]
        with host.app.app_context(), pytest.raises(InvalidName):
            host.rt.trigger_batch(batch)

    assert host.head == head


@pytest.mark.parametrize("data", EVIL)
@pytest.mark.parametrize("form", ["named", "envelope"])
def test_evil_data_arrives_as_data(host, data, form):
    with host.stream("alice", "room-1", format=form) as reader:
        reader._take(2, 5, lambda event: True)
        host.trigger("room-1", "tick", {data: [data]})
        host.trigger("room-1", "tick", "after")

        first, second = reader._take(2, 5, lambda event: True)
    assert first.payload == {data: [data]}
    assert second.payload == "after"


@pytest.mark.parametrize("user_id", EVIL)
@pytest.mark.parametrize("form", ["named", "envelope"])
def test_an_evil_user_id_arrives_as_text(host, user_id, form):
    host.rt.user_id(lambda user: user_id)

    with closing(host.client("alice").get(f"{STREAM}?channels=room-1&format={form}")) as answer:
        hello, succeeded = EventStreamParser().feed(next(iter(answer.response)))

    assert hello.payload["user_id"] == user_id
    assert succeeded.channel == "room-1"


@pytest.mark.parametrize("info", EVIL)
def test_evil_user_info_is_signed_and_sent_as_text(host, info):
    rt: NexoraRT = host.rt
    rt.channel("presence-evil-{id}")(lambda user, id: {"name": info})
    body = {"socket_id": "1.2", "channel_name": "presence-evil-1"}

    answer = host.client("alice").post(AUTH, json=body)

    assert answer.status_code == 200
    assert "\n" not in answer.get_json()["channel_data"]


@given(text.filter(lambda value: value and value.isprintable()) | st.sampled_from(EVIL))
def test_an_escaped_id_cannot_leave_its_place_in_a_name(value):
    name = f"room-{escape_part(value)}"

    read = blocks("named", name, "tick", 1)

    assert read is None or read[1].channel == name


@pytest.mark.parametrize("evil", ["5-0\nid: 9-9", "5-0\r\n\r\nevent: x\n\n", "5-0\0"])
def test_a_cursor_is_never_written_back_as_it_came(host, evil):
    """In the query; a header cannot hold these."""
    answer = host.client("alice").get(
        STREAM, query_string={"channels": "room-1", "last_event_id": evil}
    )

    assert answer.status_code == 400
    assert "\n\n" not in answer.text


@pytest.mark.parametrize(
    "evil", ["<script>alert(1)</script>", '"><img src=x>', "a\r\nSet-Cookie: x"]
)
def test_what_an_error_repeats_is_no_page(host, evil):
    for query in ({"channels": evil}, {"channels": "room-1", "last_event_id": evil}):
        answer = host.client("alice").get(STREAM, query_string=query)

        assert answer.mimetype == "application/json"
        assert "Set-Cookie" not in answer.headers
