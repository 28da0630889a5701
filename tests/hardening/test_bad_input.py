"""Whatever is sent to our routes: an error of the contract, nothing published, and life goes on."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_nexora_rt.testing import User
from tests.unit.host import AUTH, STREAM, Host, assert_error, closing

SOCKET = "1.2"
ONE = {"socket_id": SOCKET, "channel_name": "room-1"}


@pytest.fixture
def host(make_host) -> Host:
    """As in production, an exception that nobody expected would be an answer."""
    return make_host(PROPAGATE_EXCEPTIONS=False)


@pytest.fixture(autouse=True)
def nothing_happens(host):
    """Nothing is published, no stream is left, and the next good request is served."""
    head = host.head
    yield
    assert host.head == head
    assert len(host.hub) == 0
    assert host.client("alice").post(AUTH, json=ONE).status_code == 200


def raw(body: bytes | str, content_type: str = "application/json") -> dict[str, object]:
    return {"data": body, "content_type": content_type}


# -- POST /realtime/auth -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        raw(b""),
        raw(b"{"),
        raw(b"\0"),
        raw(b"{'socket_id': '1.2'}"),
        raw(b"\xff\xff\xff"),
        raw(b'{"socket_id": "1.2", "channel_name": "room-1"} trailing'),
        raw(b"9" * 10_000),
        raw(b'{"n": ' + b"9" * 10_000 + b"}"),
        raw(b"[" * 100_000),
        raw(b'{"a":' * 100_000),
        raw(b"[1, 2]"),
        raw(b"true"),
        raw(b'"text"'),
        raw(json.dumps(ONE), "text/plain"),
        raw(json.dumps(ONE), ""),
        raw(b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        raw(b"x", "multipart/form-data"),
    ],
    ids=lambda sent: repr(sent["data"])[:30] + sent["content_type"],
)
def test_a_body_that_cannot_be_read_is_a_400(host, sent):
    assert_error(host.client("alice").post(AUTH, **sent), 400)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"socket_id": 1, "channel_name": 2},
        {"socket_id": SOCKET, "channel_name": True},
        {"socket_id": SOCKET, "channel_name": None},
        {"socket_id": SOCKET, "channel_name": {"a": "b"}},
        {"socket_id": SOCKET, "channel_name": "x" * 165},
        {"socket_id": SOCKET, "channel_name": "x" * 1_000_000},
        {"socket_id": SOCKET, "channel_name": "room-1\0"},
        {"socket_id": SOCKET, "channel_name": "room-1\nid: 1"},
        {"socket_id": SOCKET, "channel_name": "\ud800"},
        {"socket_id": "\ud800", "channel_name": "room-1"},
        {"socket_id": "1.2\n", "channel_name": "room-1"},
        {"socket_id": "9" * 1_000_000, "channel_name": "room-1"},
        {"socket_id": "1." + "9" * 41, "channel_name": "room-1"},
        {"channels": 5},
        {"channels": [[]]},
        {"channels": ["room-1", "\0"]},
        {"channels": [None] * 1000},
        {"channels": ["room-1"], "socket_id": []},
    ],
    ids=lambda body: repr(body)[:50],
)
def test_a_body_with_wrong_fields_is_a_422_that_names_them(host, body):
    answer = host.client("alice").post(AUTH, json=body)

    assert_error(answer, 422)
    assert answer.get_json()["fields"]
    assert len(answer.data) < 200_000


def test_a_name_over_the_limit_is_not_repeated_in_full(host):
    body = {"socket_id": SOCKET, "channel_name": "x" * 1_000_000}

    assert len(host.client("alice").post(AUTH, json=body).data) < 1000


def test_two_hundred_channels_are_too_many_to_sign(host):
    body = {"channels": [f"room-{n}" for n in range(200)]}

    assert_error(host.client("alice").post(AUTH, json=body), 400, "200", "100")


@pytest.mark.parametrize("channel", ["unknown-1", "private-x", "presence", "ROOM-1", "room_1"])
def test_an_unknown_channel_is_forbidden(host, channel):
    assert_error(host.client("alice").post(AUTH, json={**ONE, "channel_name": channel}), 403)


def test_a_foreign_socket_is_forbidden(host):
    socket_id = host.state.socket_ids.make(7, "bob")

    assert_error(host.client("alice").post(AUTH, json={**ONE, "socket_id": socket_id}), 403)


def test_a_socket_with_a_bad_signature_is_forbidden(host):
    worker, connection = host.state.socket_ids.make(7, "alice").split(".")
    forged = f"{worker}.{int(connection) ^ 1}"

    assert_error(host.client("alice").post(AUTH, json={**ONE, "socket_id": forged}), 403)


def test_a_body_over_the_hosts_own_limit_is_a_413_in_json(make_host):
    host = make_host(MAX_CONTENT_LENGTH=1000)

    for sent in ({"json": {**ONE, "more": "x" * 2000}}, {"data": {**ONE, "more": "x" * 2000}}):
        assert_error(host.client("alice").post(AUTH, **sent), 413)


def test_a_length_that_is_no_number_is_no_matter_for_a_trace(host):
    answer = host.client("alice").post(AUTH, json=ONE, environ_overrides={"CONTENT_LENGTH": "many"})

    assert_error(answer, 400)


# -- GET /realtime/stream ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "channels=%00",
        "channels=room-1%00",
        "channels=room-1%0Aid:%201",
        "channels=%ff%fe",
        "channels=%ED%A0%80",
        "channels=%zz",
        "channels=room 1",
        "channels=<script>",
        "channel=",
        "channels=" + "x" * 165,
        "channels=" + "x" * 1_000_000,
        "channels=" + ",".join(f"room-{n}" for n in range(200)),
        "channels=" + ",".join(f"r{n}" for n in range(20_000)),
        "&".join(f"channel=room-{n}" for n in range(200)),
        "channels=room-1&format=",
        "channels=room-1&format=%00",
        "channels=room-1&format=named%0A",
        "channels=room-1&last_event_id=garbage",
        "channels=room-1&last_event_id=1-0%0A",
        "channels=room-1&last_event_id=" + "9" * 1_000_000,
        "channels=room-1&last_event_id=-1--1",
    ],
    ids=lambda query: query[:40],
)
def test_a_malformed_query_is_a_400(host, query):
    answer = host.client("alice").get(f"{STREAM}?{query}")

    assert_error(answer, 400)
    assert len(answer.data) < 1000


@pytest.mark.parametrize(
    "text",
    ["garbage", "1", "1-", "-", "1-0 ", "\x00", "\xff", "0x1-0", "1-0, 2-0", "9" * 100_000,
     "99999999999999999999-0", "1-99999999999999999999", "null", "undefined", "<b>"],
    ids=lambda text: ascii(text)[:30],
)  # fmt: skip
def test_a_garbage_cursor_is_a_400(host, text):
    answer = host.client("alice").get(
        f"{STREAM}?channels=room-1", environ_overrides={"HTTP_LAST_EVENT_ID": text}
    )

    assert_error(answer, 400, "position")
    assert len(answer.data) < 1000


def test_the_largest_cursor_is_a_gap_and_not_a_failure(host):
    largest = "9" * 15 + "-" + "9" * 19

    with host.stream("alice", "room-1", last_event_id=largest) as reader:
        assert reader.take_control("nexora:gap").payload["reason"] == "future"


@pytest.mark.parametrize(
    "ticket", ["x", ".", "..", "a.b", "%00", "%ff", "é", "=", "e30.x", "x" * 1_000_000],
    ids=lambda ticket: ticket[:10],
)  # fmt: skip
def test_a_ticket_that_is_none_is_forbidden(host, ticket):
    answer = host.client("alice").get(f"{STREAM}?channels=room-1&ticket={ticket}")

    assert_error(answer, 403, "ticket")


def test_an_expired_ticket_is_forbidden(host):
    body = {"channels": ["room-1"]}
    ticket = host.client("alice").post(AUTH, json=body).get_json()["ticket"]
    host.kit.clock.advance(100)

    assert_error(
        host.client("alice").get(f"{STREAM}?channels=room-1&ticket={ticket}"), 403, "expired"
    )


def test_a_broken_session_is_nobody(host):
    client = host.client()
    client.set_cookie("session", "garbage.\x7f")

    assert_error(client.get(f"{STREAM}?channels=room-1"), 401)


# -- methods -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [AUTH, "/pusher/auth"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "TRACE", "BREW"])
def test_another_method_than_post_is_a_405(host, path, method):
    assert_error(host.client("alice").open(path, method=method), 405)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"])
def test_another_method_than_get_is_a_405(host, method):
    answer = host.client("alice").open(f"{STREAM}?channels=room-1", method=method)

    assert_error(answer, 405)


def test_a_host_that_fails_is_a_500_in_json_that_tells_nothing(host, caplog):
    @host.app.login_manager.user_loader
    def load(user_id):
        if user_id == "eve":
            raise LookupError("a secret of the host")
        return User(user_id)

    client = host.client("eve")
    answer = client.post(AUTH, json=ONE)
    assert_error(answer, 500)
    assert "secret of the host" not in answer.text
    # An EventSource would stop for good.
    assert client.get(f"{STREAM}?channels=room-1").data.startswith(b"retry: ")
    assert "secret of the host" in caplog.text


# -- anything at all ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fuzzed():
    host = Host(PROPAGATE_EXCEPTIONS=False)
    yield host
    host.kit.close()


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters())
    | st.sampled_from(["room-1", "public-1", "unknown", SOCKET]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["channels", "socket_id", "channel_name"]) | st.text(), inner, max_size=3
    ),
    max_leaves=6,
)  # fmt: skip


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(ONE | {"channels": 0}, ANYTHING)))
def test_any_json_is_answered_in_json_and_never_with_a_500(fuzzed, body):
    answer = fuzzed.client("alice").post(AUTH, json=body)

    assert answer.status_code in (200, 400, 403, 422)
    assert answer.mimetype == "application/json"


@given(st.binary(max_size=200), st.sampled_from(["application/json", "text/plain", "",
       "application/x-www-form-urlencoded", "multipart/form-data; boundary=a"]))  # fmt: skip
def test_any_bytes_are_answered_in_json_and_never_with_a_500(fuzzed, body, content_type):
    answer = fuzzed.client("alice").post(AUTH, data=body, content_type=content_type)

    assert_error(answer, answer.status_code)
    assert answer.status_code in (400, 413, 422)


@given(
    st.dictionaries(
        st.sampled_from(["channels", "channel", "format", "last_event_id", "ticket", "x"]),
        st.text() | st.sampled_from(["room-1", "public-1,unknown", "envelope", "1-0", ""]),
    ),
    st.none() | st.text(st.characters(max_codepoint=255, exclude_characters="\r\n")),
)
def test_any_query_is_a_stream_or_an_error_in_json(fuzzed, query, cursor):
    headers = {} if cursor is None else {"HTTP_LAST_EVENT_ID": cursor}
    client = fuzzed.client("alice")

    with closing(client.get(STREAM, query_string=query, environ_overrides=headers)) as answer:
        if answer.status_code == 200:
            assert answer.mimetype == "text/event-stream"
        else:
            assert_error(answer, answer.status_code)
            assert answer.status_code in (400, 403)


@pytest.mark.parametrize("path", [AUTH, "/api/realtime/subscribe", "/api/realtime/typing"])
def test_a_body_without_end_is_not_read_into_memory_for_anybody(host, path):
    """The host of these tests, as most, has set no MAX_CONTENT_LENGTH."""
    taken = 0

    class Endless(io.RawIOBase):
        def readable(self):
            return True

        def readinto(self, buffer):
            nonlocal taken
            if taken > 20_000_000:
                return 0
            taken += len(buffer)
            buffer[:] = b"x" * len(buffer)
            return len(buffer)

    environ = {"wsgi.input_terminated": True, "wsgi.input": Endless()}
    answer = host.client().post(path, content_type="application/json", environ_overrides=environ)

    assert_error(answer, 413, "the limit is")
    assert taken < 5_000_000


def test_a_body_that_says_it_is_too_large_is_not_read_at_all(host):
    answer = host.client("alice").post(AUTH, json={"channels": ["x" * 3_000_000]})

    assert_error(answer, 413, "3000", "the limit is")
