"""`POST /realtime/auth` and its alias `/pusher/auth`, as the contract has them."""

import json

import pytest
from pusher import Pusher

from tests.unit.host import AUTH, SECRET, assert_error

SOCKET = "1234.5678"
PATHS = [AUTH, "/pusher/auth"]


@pytest.fixture
def pusher() -> Pusher:
    """The `pusher` package with our key and secret: what it signs, its clients accept."""
    return Pusher("1", "nexora", SECRET)


@pytest.fixture
def post(host):
    """Posts as a user: `post("alice", json={...})`."""

    def send(user_id, path=AUTH, **request):
        return host.client(user_id).post(path, **request)

    return send


def one(channel: str, socket_id: str = SOCKET) -> dict[str, str]:
    return {"socket_id": socket_id, "channel_name": channel}


# -- one channel -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("form", ["data", "json"])
def test_a_channel_is_signed_as_pusher_signs_it(post, pusher, path, form):
    answer = post("alice", path, **{form: one("room-1")})

    assert answer.status_code == 200
    assert answer.get_json() == pusher.authenticate("room-1", SOCKET)


@pytest.mark.parametrize("form", ["data", "json"])
@pytest.mark.parametrize(
    "channel, info", [("presence-1", {"name": "Alice"}), ("team-1", {"position": "left"})]
)
def test_a_presence_channel_is_signed_with_who_it_is(post, pusher, form, channel, info):
    answer = post("alice", **{form: one(channel)}).get_json()

    member = json.loads(answer["channel_data"])
    assert member == {"user_id": "alice", "user_info": info}
    signed = pusher.authenticate(f"presence-{channel}", SOCKET, member)
    assert set(answer) == set(signed)


def test_the_signature_of_a_presence_channel_covers_the_text_that_is_sent(post, pusher):
    answer = post("alice", json=one("presence-1")).get_json()

    theirs = pusher.authenticate("presence-1", SOCKET, json.loads(answer["channel_data"]))
    assert answer["auth"] == theirs["auth"]


def test_a_user_of_a_presence_channel_may_have_no_info(host):
    host.rt.channel("presence-plain-{id}")(lambda user, id: True)

    answer = host.client("alice").post(AUTH, json=one("presence-plain-1")).get_json()

    assert json.loads(answer["channel_data"]) == {"user_id": "alice", "user_info": {}}


def test_a_channel_without_the_private_prefix_is_authorised_all_the_same(post, host):
    assert_error(post("mallory", json=one("room-1")), 403)
    assert host.asked == ["room-1"]


@pytest.mark.parametrize("user_id", [None, "mallory"])
def test_a_public_channel_is_signed_for_everybody(post, pusher, user_id):
    answer = post(user_id, json=one("public-1"))

    assert answer.get_json() == pusher.authenticate("public-1", SOCKET)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("form", ["data", "json"])
@pytest.mark.parametrize(
    "user_id, channel, status, error",
    [
        (None, "room-1", 401, "Unauthorized"),
        (None, "unknown-1", 401, "Unauthorized"),
        ("mallory", "room-1", 403, "Forbidden"),
        ("mallory", "unknown-1", 403, "Forbidden"),
        ("alice", "broken-1", 500, "Internal Server Error"),
    ],
)
def test_what_one_may_not_hold_is_not_signed(post, path, form, user_id, channel, status, error):
    answer = post(user_id, path, **{form: one(channel)})

    assert_error(answer, status)
    assert answer.get_json() == {"error": error}


def test_an_authorizer_that_fails_tells_the_caller_nothing(post, caplog):
    answer = post("alice", json=one("broken-1"))

    assert "secret of the host" not in answer.text
    assert "secret of the host" in caplog.text


def test_no_answer_is_kept_by_a_cache(post):
    for channel in ("room-1", "unknown-1"):
        assert post("alice", json=one(channel)).headers["Cache-Control"] == "no-store"


# -- whose socket ------------------------------------------------------------------------------


def socket_of(host, user_id: str | None) -> str:
    with host.stream(user_id, "public-1") as reader:
        return reader.take_control("pusher:connection_established").payload["socket_id"]


@pytest.mark.parametrize("user_id", ["alice", None])
def test_ones_own_stream_may_be_signed_for(host, post, pusher, user_id):
    socket_id = socket_of(host, user_id)

    answer = post(user_id, json=one("public-2", socket_id))

    assert answer.get_json() == pusher.authenticate("public-2", socket_id)


@pytest.mark.parametrize("owner, caller", [("alice", "bob"), ("alice", None), (None, "alice")])
@pytest.mark.parametrize("body", [one("public-1"), {"channels": ["public-1"]}])
def test_the_stream_of_somebody_else_may_not(host, post, owner, caller, body):
    answer = post(caller, json={**body, "socket_id": socket_of(host, owner)})

    assert_error(answer, 403, "another connection")


def test_the_owner_is_checked_before_the_host_is_asked(host, post):
    post("bob", json=one("room-1", socket_of(host, "alice")))

    assert host.asked == []


# -- many channels -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_many_channels_are_answered_in_one_call(post, pusher, path):
    channels = ["room-1", "unknown-1", "public-2", "presence-3", "broken-1"]

    answer = post("alice", path, json={"channels": channels, "socket_id": SOCKET}).get_json()

    assert set(answer) == {"channels", "refused", "ticket", "expiresIn"}
    assert answer["refused"] == {"unknown-1": 403, "broken-1": 500}
    assert set(answer["channels"]) == {"room-1", "public-2", "presence-3"}
    assert answer["channels"]["room-1"] == pusher.authenticate("room-1", SOCKET)
    assert set(answer["channels"]["presence-3"]) == {"auth", "channel_data"}
    assert answer["expiresIn"] == 60


def test_without_a_socket_there_is_nothing_to_sign_but_the_ticket(post):
    answer = post("alice", json={"channels": ["room-1", "presence-1"]}).get_json()

    assert answer["channels"] == {"room-1": {}, "presence-1": {}}
    assert answer["ticket"]


def test_a_channel_named_twice_is_asked_about_once(post, host):
    answer = post("alice", json={"channels": ["room-1", "room-1"]}).get_json()

    assert list(answer["channels"]) == ["room-1"]
    assert host.asked == ["room-1"]


def test_the_ticket_holds_what_was_granted_and_nothing_else(post, host):
    channels = ["room-1", "unknown-1", "presence-1"]
    ticket = post("alice", json={"channels": channels}).get_json()["ticket"]

    granted, _ = host.state.tickets.read(ticket, "alice")
    assert granted == {"room-1": None, "presence-1": {"name": "Alice"}}


@pytest.mark.parametrize("user_id", [None, "mallory"])
def test_who_may_have_some_is_told_what_is_refused(post, user_id):
    answer = post(user_id, json={"channels": ["public-1", "room-1"]}).get_json()

    assert list(answer["channels"]) == ["public-1"]
    assert answer["refused"] == {"room-1": 401 if user_id is None else 403}


@pytest.mark.parametrize(
    "user_id, status", [(None, 401), ("mallory", 403)], ids=["anonymous", "signed in"]
)
def test_who_may_have_none_is_refused(post, user_id, status):
    assert_error(post(user_id, json={"channels": ["room-1", "unknown-1"]}), status)


def test_a_ticket_lasts_as_long_as_it_says(make_host):
    host = make_host(NEXORA_RT_TICKET_SECONDS=7)
    answer = host.client("alice").post(AUTH, json={"channels": ["room-1"]}).get_json()

    assert answer["expiresIn"] == 7
    host.kit.clock.advance(6.9)
    assert host.state.tickets.read(answer["ticket"], "alice")


# -- what is wrong with a request --------------------------------------------------------------


@pytest.mark.parametrize("form", ["data", "json"])
@pytest.mark.parametrize(
    "body, fields",
    [
        ({"socket_id": SOCKET}, {"channel_name"}),
        ({"channel_name": "room-1"}, {"socket_id"}),
        ({"socket_id": "", "channel_name": ""}, {"socket_id", "channel_name"}),
        (one("not ok"), {"channel_name"}),
        (one("x" * 165), {"channel_name"}),
        (one("room-1", "1234"), {"socket_id"}),
        (one("room-1", "1.2:room-2"), {"socket_id"}),
        (one("room-1", "1" * 1000), {"socket_id"}),
    ],
)
def test_a_bad_field_is_a_422_that_names_it(post, form, body, fields):
    answer = post("alice", **{form: body})

    assert_error(answer, 422)
    assert set(answer.get_json()["fields"]) == fields


@pytest.mark.parametrize(
    "body, field",
    [
        ({"channels": []}, "channels"),
        ({"channels": "room-1"}, "channels"),
        ({"channels": {"room-1": 1}}, "channels"),
        ({"channels": None}, "channels"),
        ({"channels": ["room-1", "not ok"]}, "channels.1"),
        ({"channels": ["room-1", 5]}, "channels.1"),
        ({"channels": ["room-1"], "socket_id": 1.2}, "socket_id"),
        ({"socket_id": 1.2, "channel_name": "room-1"}, "socket_id"),
        ({"socket_id": SOCKET, "channel_name": ["room-1"]}, "channel_name"),
        ({"socket_id": None, "channel_name": "room-1"}, "socket_id"),
    ],
)
def test_a_field_of_the_wrong_type_is_a_422_that_names_it(post, body, field):
    answer = post("alice", json=body)

    assert_error(answer, 422)
    assert list(answer.get_json()["fields"]) == [field]


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"data": b""},
        {"data": b"{", "content_type": "application/json"},
        {"data": b"null", "content_type": "application/json"},
        {"data": b'{"socket_id": "1.2"', "content_type": "application/json"},
        {"data": b"\xff\xfe\xfd", "content_type": "application/json"},
        {"data": b'{"channels": ["room-1"]}', "content_type": "text/plain"},
        {"json": ["room-1"]},
        {"json": "room-1"},
        {"json": 5},
    ],
    ids=repr,
)
def test_a_body_that_is_no_json_object_is_a_400(post, request_):
    assert_error(post("alice", **request_), 400, "JSON")


def test_more_channels_than_allowed_are_a_400_that_says_how_many(post):
    answer = post("alice", json={"channels": [f"room-{n}" for n in range(101)]})

    assert_error(answer, 400, "101", "100")


def test_as_many_channels_as_allowed_are_allowed(post):
    answer = post("alice", json={"channels": [f"room-{n}" for n in range(100)]})

    assert len(answer.get_json()["channels"]) == 100


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
def test_another_method_is_a_405_that_names_the_right_one(host, path, method):
    answer = host.client("alice").open(path, method=method)

    assert answer.status_code == 405
    assert answer.mimetype == "application/json"
    assert "POST" in answer.headers["Allow"]


def test_the_alias_is_outside_the_prefix(make_host):
    host = make_host(NEXORA_RT_URL_PREFIX="/deep/down")

    for path in ("/pusher/auth", "/deep/down/realtime/auth"):
        assert host.client("alice").post(path, json=one("room-1")).status_code == 200
