"""Ways in which a client could hurt the others, or keep what was taken from it."""

import time

import pytest

from flask_nexora_rt import PatternError
from flask_nexora_rt.channels import ChannelRegistry, Pattern, Rule
from tests.unit.host import STREAM

AUTH = "/api/realtime/auth"


def test_a_ticket_does_not_outlive_a_revocation(host):
    allowed = {"alice"}

    @host.rt.channel("club-{id}")
    def may_enter(user, id):
        return user.id in allowed

    alice = host.client("alice")
    ticket = alice.post(AUTH, json={"channels": ["club-1"]}).json["ticket"]
    assert alice.head(f"{STREAM}?channels=club-1&ticket={ticket}").status_code == 200
    allowed.clear()
    assert alice.head(f"{STREAM}?channels=club-1&ticket={ticket}").status_code == 200

    with host.app.app_context():
        position = host.rt.trigger("public-1", "tick", 1)
        host.rt.revoke("alice", "club-1")
    hub = host.app.extensions["nexora_rt"].runtime.hub
    for _ in range(100):
        if hub.position > tuple(map(int, position["position"].split("-"))):
            break
        time.sleep(0.02)

    assert alice.head(f"{STREAM}?channels=club-1&ticket={ticket}").status_code == 403


@pytest.mark.parametrize("placeholders", [3, 5, 8])
def test_no_channel_name_makes_a_pattern_backtrack(placeholders):
    """It takes minutes when the regex is asked first."""
    text = "x-" + "-".join(f"{{p{n}}}" for n in range(placeholders)) + "-end"
    pattern = Pattern(text)

    assert pattern.match("x-" + "-" * 155) is None
    assert pattern.match("x-" + "-".join("a" * placeholders) + "-end") is not None


def test_a_pattern_without_a_match_is_none_and_not_an_error():
    registry = ChannelRegistry()
    registry.add(Rule(Pattern("a-{x}-{y}"), lambda user, x, y: True))
    assert registry.find("b-1-2") is None
    with pytest.raises(PatternError):
        registry.add(Rule(Pattern("a-{y}-{x}"), lambda user, x, y: True))


def test_an_authorizer_that_breaks_does_not_end_an_event_source_for_good(host):
    answer = host.client("alice").get(f"{STREAM}?channels=broken-1")

    assert answer.status_code == 200
    assert answer.data.startswith(b"retry: ")


def test_a_user_that_cannot_be_loaded_does_not_end_an_event_source_for_good(host):
    def load(user_id):
        raise OSError("the database is away")

    client = host.client("alice")
    host.app.login_manager.user_loader(load)

    answer = client.get(f"{STREAM}?channels=room-1")

    assert answer.status_code == 200
    assert answer.data.startswith(b"retry: ")


def test_a_header_that_cannot_be_written_leaves_no_stream_behind(host):
    @host.app.after_request
    def spoil(response):
        response.headers["X-Name"] = "\u20ac"
        return response

    client = host.client("alice")
    for _ in range(3):
        with pytest.raises(UnicodeEncodeError):
            client.get(f"{STREAM}?channels=room-1")

    assert len(host.app.extensions["nexora_rt"].runtime.hub) == 0
