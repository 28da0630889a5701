"""Pusher's signatures, socket ids and tickets."""

import hashlib
import hmac
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pusher import Pusher

from flask_nexora_rt import BadRequest, Forbidden
from flask_nexora_rt.events import Position
from flask_nexora_rt.signing import SocketIds, Tickets, channel_signature, check_socket_id, sign
from flask_nexora_rt.testing import Clock
from tests.unit.host import Host

# Pusher Channels documentation, "Auth signatures".
KEY, SECRET, SOCKET = "278d425bdf160c739803", "7ad3773142a6692b25b8", "1234.1234"

channel_names = st.text(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-=@,.;", min_size=1, max_size=80
)
socket_ids = st.builds("{}.{}".format, st.integers(0, 2**48), st.integers(0, 2**63))
user_ids = st.none() | st.text()


# -- signatures --------------------------------------------------------------------------------


def test_the_vector_of_a_private_channel():
    assert channel_signature(KEY, SECRET, SOCKET, "private-foobar") == (
        f"{KEY}:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"
    )


@pytest.mark.parametrize(
    "name, signature",
    [
        ("Mr. Channels", "31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80"),
        # Pusher's page prints this value beside "Mr. Channels": the page is stale, not the value.
        ("Mr. Pusher", "afaed3695da2ffd16931f457e338e6c9f2921fa133ce7dac49f529792be6304c"),
    ],
)
def test_the_vector_of_a_presence_channel(name, signature):
    data = json.dumps({"user_id": 10, "user_info": {"name": name}}, separators=(",", ":"))

    assert channel_signature(KEY, SECRET, SOCKET, "presence-foobar", data) == f"{KEY}:{signature}"


HTTP_CALL = (
    "POST\n/apps/3/events\nauth_key=278d425bdf160c739803&auth_timestamp=1353088179&"
    "auth_version=1.0&body_md5=ec365a775a4cd0599faeb73354201b6f"
)


@pytest.mark.parametrize(
    "text, signature",
    [
        (
            '1234.1234::user::{"id":"12345"}',
            "4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba",
        ),
        (HTTP_CALL, "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c"),
    ],
    ids=["sign-in", "HTTP API"],
)
def test_the_vectors_of_other_signed_texts(text, signature):
    assert sign(SECRET, text) == signature


@given(st.text(), st.text())
def test_a_signature_is_the_hmac_of_the_text(secret, text):
    expected = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()

    assert sign(secret, text) == expected


@pytest.fixture(scope="module")
def pair():
    """Our app and the `pusher` package with the same key and secret."""
    host = Host(NEXORA_RT_KEY="our-key", NEXORA_RT_SECRET="a secret both sides know")
    yield host, Pusher("1", "our-key", "a secret both sides know")
    host.kit.close()


@given(channel_names, socket_ids)
def test_pusher_signs_a_private_channel_alike(pair, channel, socket_id):
    host, pusher = pair
    with host.app.app_context():
        ours = host.rt.authenticate(f"private-{channel}", socket_id)

    assert ours == pusher.authenticate(f"private-{channel}", socket_id)


@given(
    channel_names,
    socket_ids,
    st.text(min_size=1),
    st.dictionaries(st.text(), st.text() | st.integers()),
)
def test_pusher_signs_a_presence_channel_alike(pair, channel, socket_id, user_id, info):
    host, pusher = pair
    member = {"user_id": user_id, "user_info": info}
    with host.app.app_context():
        ours = host.rt.authenticate(f"presence-{channel}", socket_id, member)

    theirs = pusher.authenticate(f"presence-{channel}", socket_id, member)
    assert ours["auth"] == theirs["auth"]
    assert json.loads(ours["channel_data"]) == json.loads(theirs["channel_data"]) == member


# -- socket ids --------------------------------------------------------------------------------


@given(st.integers(0, 2**48 - 1), user_ids)
def test_a_socket_id_is_two_integers_as_pushers_clients_demand(worker, user_id):
    socket_id = SocketIds(SECRET).make(worker, user_id)

    assert re.compile(r"\A\d+\.\d+\Z").search(socket_id)
    assert socket_id.split(".")[0] == str(worker)
    assert check_socket_id(socket_id) == socket_id


@given(st.integers(0, 2**48 - 1), user_ids)
def test_ones_own_socket_id_passes_at_every_worker(worker, user_id):
    socket_id = SocketIds(SECRET).make(worker, user_id)
    elsewhere = SocketIds(SECRET)

    elsewhere.require_owner(socket_id, user_id)
    assert elsewhere.is_owner(socket_id, user_id)


@given(user_ids, user_ids)
def test_a_socket_id_belongs_to_one_user(user_id, other):
    ids = SocketIds(SECRET)

    assert ids.is_owner(ids.make(1, user_id), other) == (user_id == other)


@pytest.mark.parametrize(
    "owner, other",
    [(None, "anonymous"), (None, "None"), ("None", None), ("1", "11"), ("a", None), ("", "a")],
)
def test_a_foreign_socket_id_is_refused(owner, other):
    ids = SocketIds(SECRET)

    with pytest.raises(Forbidden):
        ids.require_owner(ids.make(1, owner), other)


@given(st.integers(0, 2**48 - 1), st.integers(0, 95))
def test_a_socket_id_with_a_changed_bit_is_refused(worker, bit):
    ids = SocketIds(SECRET)
    first, second = ids.make(worker, "alice").split(".")

    with pytest.raises(Forbidden):
        ids.require_owner(f"{first}.{int(second) ^ 1 << bit}", "alice")


def test_a_socket_id_of_another_worker_cannot_be_made_up():
    ids = SocketIds(SECRET)
    second = ids.make(1, "alice").split(".")[1]

    with pytest.raises(Forbidden):
        ids.require_owner(f"2.{second}", "alice")


def test_a_socket_id_of_another_app_is_refused():
    with pytest.raises(Forbidden):
        SocketIds(SECRET).require_owner(SocketIds("another secret").make(1, "alice"), "alice")


@given(socket_ids)
def test_the_short_ids_of_another_service_pass_and_are_nobodys(socket_id):
    ids = SocketIds(SECRET)

    ids.require_owner(socket_id, "alice")
    assert not ids.is_owner(socket_id, "alice")


def test_two_streams_never_share_a_socket_id():
    ids = SocketIds(SECRET)

    assert len({ids.make(1, "alice") for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    "value",
    [
        "", ".", "1.", ".1", "1", "1.2.3", "a.b", "-1.2", "1.2\n", " 1.2", "1,2", "1.2\0", "0x1.2",
        "\u0661.\u0662", "1" * 21 + ".1", "1." + "1" * 41, None, 1.2, ["1.2"], b"1.2",
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_no_socket_id_is_refused(value):
    with pytest.raises(BadRequest, match="socket_id"):
        check_socket_id(value)


# -- tickets -----------------------------------------------------------------------------------

SINCE = Position(1_700_000_000_000, 3)


@pytest.fixture
def clock() -> Clock:
    return Clock(1_700_000_000)


@pytest.fixture
def tickets(clock) -> Tickets:
    return Tickets(SECRET, 60, clock)


GRANTED = {"room-1": None, "presence-1": {"name": "Zoë"}}


@pytest.mark.parametrize("user_id", ["alice", None, "ü", ""])
def test_a_ticket_gives_back_what_was_granted(tickets, user_id):
    assert tickets.read(tickets.make(user_id, GRANTED, SINCE), user_id) == (GRANTED, SINCE)


def test_a_ticket_can_stand_in_a_url(tickets):
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", tickets.make("alice", GRANTED, SINCE))


def test_a_ticket_lasts_its_lifetime_and_no_longer(tickets, clock):
    ticket = tickets.make("alice", GRANTED, SINCE)

    clock.advance(59.9)
    assert tickets.read(ticket, "alice") == (GRANTED, SINCE)
    clock.advance(0.2)
    with pytest.raises(Forbidden, match="expired"):
        tickets.read(ticket, "alice")


@pytest.mark.parametrize("owner, reader", [("alice", "bob"), ("alice", None), (None, "alice")])
def test_a_ticket_is_of_no_use_to_somebody_else(tickets, owner, reader):
    with pytest.raises(Forbidden, match="somebody else"):
        tickets.read(tickets.make(owner, GRANTED, SINCE), reader)


def test_a_ticket_of_another_app_is_refused(tickets, clock):
    foreign = Tickets("another secret", 60, clock).make("alice", GRANTED, SINCE)

    with pytest.raises(Forbidden, match="not valid"):
        tickets.read(foreign, "alice")


@given(st.data())
def test_a_ticket_with_a_changed_character_is_refused(data):
    tickets = Tickets(SECRET, 60, Clock(1_700_000_000))
    ticket = tickets.make("alice", GRANTED, SINCE)
    # The last character of a base64 text holds bits that nobody reads.
    at = data.draw(st.integers(0, len(ticket) - 2))
    char = data.draw(st.sampled_from("abcXYZ019-_.").filter(lambda c: c != ticket[at]))

    with pytest.raises(Forbidden, match="not valid"):
        tickets.read(ticket[:at] + char + ticket[at + 1 :], "alice")


@given(st.text())
def test_any_other_text_is_no_ticket(text):
    with pytest.raises(Forbidden, match="not valid"):
        Tickets(SECRET, 60, Clock()).read(text, "alice")
