"""`GET /realtime/stream`, as the contract has it."""

import json
import re
from urllib.parse import quote

import pytest

from flask_nexora_rt.event_stream import EventStreamParser
from tests.unit.host import AUTH, STREAM, Host, assert_error, closing, events_of, retry_of

ESTABLISHED = "pusher:connection_established"
SUCCEEDED = "pusher:subscription_succeeded"
REFUSED = "pusher:subscription_error"


def url(*channels: str, **query: str) -> str:
    pairs = [("channels", ",".join(channels)), *query.items()]
    return f"{STREAM}?" + "&".join(f"{name}={quote(value)}" for name, value in pairs)


def ticket(host: Host, user_id: str, *channels: str) -> str:
    answer = host.client(user_id).post(AUTH, json={"channels": list(channels)})
    return answer.get_json()["ticket"]


# -- how it begins -----------------------------------------------------------------------------


def test_the_first_block_says_who_you_are_and_what_you_hold(host):
    head = host.trigger("room-1")
    with host.stream("alice", "room-1", "public-2") as reader:
        hello = reader.take_control(ESTABLISHED)

    assert set(hello.json()) == {"data"}
    told = hello.payload
    assert re.fullmatch(r"\d+\.\d+", told.pop("socket_id"))
    assert isinstance(told.pop("activity_timeout"), int)
    assert told == {
        "user_id": "alice",
        "channels": ["room-1", "public-2"],
        "recovered": False,
        "replayed": 0,
    }
    assert hello.id == head


def test_the_first_block_is_the_first(host):
    with closing(host.client("alice").get(url("room-1"))) as answer:
        first = next(iter(answer.response))

    assert EventStreamParser().feed(first)[0].name == ESTABLISHED


def test_the_socket_id_is_the_callers_own(host):
    with host.stream("alice", "room-1") as reader:
        socket_id = reader.take_control(ESTABLISHED).payload["socket_id"]

    assert host.state.socket_ids.is_owner(socket_id, "alice")
    assert not host.state.socket_ids.is_owner(socket_id, "bob")


@pytest.mark.parametrize("heartbeat", [1, 15, 60])
def test_the_activity_timeout_leaves_time_for_two_heartbeats(make_host, heartbeat):
    host = make_host(NEXORA_RT_HEARTBEAT=heartbeat)
    with host.stream("alice", "room-1") as reader:
        timeout = reader.take_control(ESTABLISHED).payload["activity_timeout"]

    assert isinstance(timeout, int)
    assert 2 * heartbeat < timeout <= 3 * heartbeat


def test_a_stream_may_be_read_by_nobody_in_particular(host):
    with host.stream(None, "public-1") as reader:
        hello = reader.take_control(ESTABLISHED)

    assert hello.payload["user_id"] is None
    assert hello.payload["channels"] == ["public-1"]


def test_the_headers_keep_proxies_and_caches_out_of_the_way(host):
    with closing(host.client("alice").get(url("room-1"))) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["X-Accel-Buffering"] == "no"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Content-Length" not in answer.headers


def test_what_the_host_adds_to_every_answer_is_on_streams_too(host):
    @host.app.after_request
    def mark(response):
        response.headers["X-Mine"] = "yes"
        return response

    with closing(host.client("alice").get(url("room-1"))) as answer:
        assert answer.headers["X-Mine"] == "yes"


def test_a_head_request_opens_no_stream(host):
    answer = host.client("alice").head(url("room-1"))

    assert answer.status_code == 200
    assert answer.mimetype == "text/event-stream"
    assert len(host.hub) == 0


@pytest.mark.parametrize("user_id, status", [(None, 401), ("mallory", 403)])
def test_a_head_request_is_authorised_like_any_other(host, user_id, status):
    assert host.client(user_id).head(url("room-1")).status_code == status


def test_a_stream_that_is_left_is_gone_from_the_hub(host):
    with host.stream("alice", "room-1") as reader:
        reader.take_control(ESTABLISHED)
        assert len(host.hub) == 1

    assert len(host.hub) == 0


# -- which channels ----------------------------------------------------------------------------


def granted(answer) -> list[str]:
    with closing(answer):
        first = next(iter(answer.response))
    return EventStreamParser().feed(first)[0].payload["channels"]


@pytest.mark.parametrize(
    "query, channels",
    [
        ("channels=room-1,public-2", ["room-1", "public-2"]),
        ("channel=room-1&channel=public-2", ["room-1", "public-2"]),
        ("channels=room-1&channel=public-2", ["room-1", "public-2"]),
        ("channels=room-1,room-1&channel=room-1", ["room-1"]),
        ("channels=,room-1,,", ["room-1"]),
        ("channel=room-1%2Cb", ["room-1,b"]),
        ("channels=room-a=20b", ["room-a=20b"]),
    ],
)
def test_channels_are_asked_for_in_one_list_or_one_by_one(host, query, channels):
    assert granted(host.client("alice").get(f"{STREAM}?{query}")) == channels


def test_each_channel_is_asked_about_once(host):
    granted(host.client("alice").get(f"{STREAM}?channels=room-1,room-1&channel=room-1"))

    assert host.asked == ["room-1"]


def test_each_channel_is_answered_in_the_order_of_the_request(host):
    with host.stream("alice", "room-1", "unknown-1", "public-1", "presence-1") as reader:
        told = [reader.take_control(name) for name in (SUCCEEDED, REFUSED, SUCCEEDED, SUCCEEDED)]

    assert [event.channel for event in told] == ["room-1", "unknown-1", "public-1", "presence-1"]
    assert told[0].json() == {"channel": "room-1", "data": {}}


@pytest.mark.parametrize(
    "user_id, channel, data",
    [
        (None, "room-1", {"status": 401, "error": "Unauthorized"}),
        (None, "unknown-1", {"status": 401, "error": "Unauthorized"}),
        ("mallory", "room-1", {"status": 403, "error": "Forbidden"}),
        ("mallory", "unknown-1", {"status": 403, "error": "Forbidden"}),
        ("mallory", "broken-1", {"status": 500, "error": "Internal Server Error"}),
    ],
)
def test_a_refusal_beside_a_grant_is_told_in_the_stream(host, user_id, channel, data):
    with host.stream(user_id, channel, "public-1") as reader:
        hello = reader.take_control(ESTABLISHED)
        refused = reader.take_control(REFUSED)

    assert refused.json() == {"channel": channel, "data": data}
    assert hello.payload["channels"] == ["public-1"]


def test_a_refused_channel_brings_no_events(host):
    with host.stream("mallory", "room-1", "public-1") as reader:
        host.trigger("room-1", data="secret")
        host.trigger(["room-1", "public-1"], data="for all")

        [event] = reader.take(1)
    assert (event.channel, event.payload) == ("public-1", "for all")


@pytest.mark.parametrize(
    "user_id, channels, status, error",
    [
        (None, ["room-1"], 401, "Unauthorized"),
        (None, ["unknown-1"], 401, "Unauthorized"),
        (None, ["room-1", "unknown-1", "broken-1"], 401, "Unauthorized"),
        (None, [], 401, "Unauthorized"),
        ("mallory", ["room-1"], 403, "Forbidden"),
        ("mallory", ["unknown-1"], 403, "Forbidden"),
        ("mallory", ["room-1", "room-2"], 403, "Forbidden"),
    ],
)
def test_when_all_is_refused_so_is_the_stream(host, user_id, channels, status, error):
    answer = host.client(user_id).get(url(*channels))

    assert_error(answer, status)
    assert answer.get_json()["error"] == error
    assert "LookupError" not in answer.text
    assert "a secret of the host" not in answer.text


def test_who_is_signed_in_may_have_a_stream_of_nothing(host):
    for query in ("", "?channels="):
        assert granted(host.client("mallory").get(STREAM + query)) == []


# -- what is wrong with a request --------------------------------------------------------------


@pytest.mark.parametrize(
    "query, said",
    [
        ("channels=room 1", "not a channel name"),
        ("channel=room-1&channel=", "not a channel name"),
        (f"channels={'x' * 165}", "164"),
        ("channels=room-1&format=xml", "'envelope'"),
        ("channels=room-1&last_event_id=abc", "position"),
        ("channels=room-1&last_event_id=1-2-3", "position"),
        ("channel=" + "&channel=".join(f"room-{n}" for n in range(101)), "101 channels"),
    ],
)
def test_a_malformed_request_is_a_400(host, query, said):
    assert_error(host.client("alice").get(f"{STREAM}?{query}"), 400, said)
    assert len(host.hub) == 0


def test_as_many_channels_as_allowed_are_allowed(make_host):
    host = make_host(NEXORA_RT_MAX_CHANNELS=3)

    assert len(granted(host.client("alice").get(url("room-1", "room-2", "room-3")))) == 3
    assert_error(
        host.client("alice").get(url("room-1", "room-2", "room-3", "room-4")), 400, "3 allowed"
    )


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_another_method_is_a_405_that_names_the_right_ones(host, method):
    answer = host.client("alice").open(url("room-1"), method=method)

    assert_error(answer, 405)
    assert "GET" in answer.headers["Allow"]


# -- events ------------------------------------------------------------------------------------


def test_an_event_comes_as_the_contract_writes_it(host):
    with closing(host.client("alice").get(url("room-1"))) as answer:
        chunks = iter(answer.response)
        next(chunks)
        position = host.trigger("room-1", "message:new", {"text": "hi\r\n", "n": [1, None]})
        block = next(chunks)

    id_line, name_line, data_line, *rest = block.decode().split("\n")
    assert id_line == f"id: {position}"
    assert name_line == "event: message:new"
    assert json.loads(data_line.removeprefix("data: ")) == {
        "channel": "room-1",
        "data": {"text": "hi\r\n", "n": [1, None]},
    }
    assert rest == ["", ""]


def test_an_envelope_holds_the_name_inside(host):
    with host.stream("alice", "room-1", "room-2", "unknown-1", format="envelope") as reader:
        host.trigger("room-1", "message:new", {"text": "hi"})
        events = reader.take(5)

    assert {event.name for event in events} == {"message"}
    bodies = [event.json() for event in events]
    assert [body["event"] for body in bodies] == [
        ESTABLISHED, SUCCEEDED, SUCCEEDED, REFUSED, "message:new"
    ]  # fmt: skip
    assert bodies[-1] == {"event": "message:new", "channel": "room-1", "data": {"text": "hi"}}
    assert set(bodies[0]) == {"event", "data"}


def test_named_is_the_other_format(host):
    with host.stream("alice", "room-1", format="named") as reader:
        host.trigger("room-1", "message:new")

        assert reader.take(1)[0].name == "message:new"


def test_events_come_in_the_order_of_the_log_whatever_their_channels(host):
    with host.stream("alice", "room-2", "room-1", "public-1") as reader:
        reader.take_control(ESTABLISHED)
        for n in range(30):
            host.trigger(["room-1", "public-1", "room-2"][n % 3], data=n)

        assert [event.payload for event in reader.take(30)] == list(range(30))


# -- resuming ----------------------------------------------------------------------------------


@pytest.fixture
def positions(host) -> list[str]:
    """Four events on room-1, with one elsewhere after each."""
    made = []
    for n in range(4):
        made.append(host.trigger("room-1", data=n))
        host.trigger("room-9", data="elsewhere")
    return made


def test_a_browser_resumes_by_its_header(host, positions):
    with host.stream("alice", "room-1", last_event_id=positions[1]) as reader:
        hello = reader.take_control(ESTABLISHED)

        assert [event.payload for event in reader.take(2)] == [2, 3]
    assert (hello.payload["recovered"], hello.payload["replayed"]) == (True, 2)


def replayed(host: Host, cursor: str, header: str | None) -> list:
    """The payloads that are replayed for this `last_event_id=` and this header."""
    headers = {} if header is None else {"Last-Event-ID": header}
    answer = host.client("alice").get(url("room-1", last_event_id=cursor), headers=headers)
    with closing(answer):
        blocks = iter(answer.response)
        events = EventStreamParser().feed(next(blocks) + next(blocks))
    return [event.payload for event in events if event.name == "tick"]


def test_a_new_page_resumes_by_the_query(host, positions):
    assert replayed(host, positions[1], header=None) == [2, 3]


def test_the_header_wins_over_the_query(host, positions):
    assert replayed(host, positions[0], header=positions[2]) == [3]


def test_an_empty_header_leaves_it_to_the_query(host, positions):
    assert replayed(host, positions[2], header="") == [3]


def test_until_the_replay_the_blocks_carry_the_browsers_own_cursor(host, positions):
    with host.stream("alice", "room-1", last_event_id=positions[1]) as reader:
        told = [reader.take_control(name) for name in (ESTABLISHED, SUCCEEDED)]

    assert [event.id for event in told] == [positions[1]] * 2


def test_who_has_seen_everything_resumes_with_nothing(host, positions):
    with host.stream("alice", "room-1", last_event_id=host.head) as reader:
        hello = reader.take_control(ESTABLISHED)
        host.trigger("room-1", data="new")

        assert reader.take(1)[0].payload == "new"
    assert (hello.payload["recovered"], hello.payload["replayed"]) == (True, 0)


def test_a_resume_replays_the_sockets_own_events_too(host):
    """Its connection broke: nobody knows whether it has shown them."""
    start = host.head
    host.trigger("room-1", data="mine", socket_id="1.2")

    with host.stream("alice", "room-1", last_event_id=start) as reader:
        assert reader.take(1)[0].payload == "mine"


def test_a_resume_asks_the_authorizers_again(host, positions):
    with host.stream("alice", "room-1") as reader:
        reader.take_control(SUCCEEDED)
    host.members.remove("alice")

    answer = host.client("alice").get(url("room-1"), headers={"Last-Event-ID": positions[0]})

    assert_error(answer, 403)
    assert host.asked == ["room-1", "room-1"]


def test_a_replay_shows_only_what_one_may_hold_now(host, positions):
    host.trigger("public-1", data="for all")
    host.members.remove("alice")

    with host.stream("alice", "room-1", "public-1", last_event_id=positions[0]) as reader:
        assert reader.take_control(REFUSED).channel == "room-1"
        assert reader.take(1)[0].payload == "for all"


def test_a_resume_over_a_cut_loses_and_doubles_nothing(host):
    seen, last_event_id = [], host.head
    for n in range(60):
        host.trigger("room-1" if n % 2 else "public-1", data=n)
        if n % 7 == 6:
            with host.stream("alice", "room-1", "public-1", last_event_id=last_event_id) as reader:
                events = reader.take(7 if n % 21 else 1)
            seen += [event.payload for event in events]
            last_event_id = events[-1].id
    with host.stream("alice", "room-1", "public-1", last_event_id=last_event_id) as reader:
        seen += [event.payload for event in reader.take(60 - len(seen))]

    assert seen == list(range(60))


# -- gaps --------------------------------------------------------------------------------------


def test_what_cannot_be_replayed_is_told_and_then_life_goes_on(host, positions):
    host.kit.expire_history()
    head = host.head

    with host.stream("alice", "room-1", "public-1", last_event_id=positions[0]) as reader:
        hello = reader.take_control(ESTABLISHED)
        gap = reader.take_control("nexora:gap")
        host.trigger("room-1", data="live")
        [event] = reader.take(1)

    assert (hello.payload["recovered"], hello.payload["replayed"]) == (False, 0)
    assert hello.id == positions[0]
    assert gap.json() == {
        "data": {
            "channels": ["room-1", "public-1"],
            "reason": "expired",
            "since": positions[0],
            "oldest": head,
        }
    }
    assert gap.id == head
    assert event.payload == "live"


def test_a_gap_names_only_what_one_holds(host, positions):
    host.kit.expire_history()

    with host.stream("alice", "room-1", "unknown-1", last_event_id=positions[0]) as reader:
        assert reader.take_control("nexora:gap").payload["channels"] == ["room-1"]


@pytest.mark.parametrize(
    "cursor, reason", [("1-0", "reset"), ("0-0", "reset"), ("999999999999999-0", "future")]
)
def test_a_cursor_of_another_log_is_a_gap(host, cursor, reason):
    host.trigger("room-1")

    with host.stream("alice", "room-1", last_event_id=cursor) as reader:
        gap = reader.take_control("nexora:gap")

    assert gap.payload["reason"] == reason
    assert gap.payload["since"] == cursor


def test_who_resumes_from_a_gap_has_no_second_one(host, positions):
    host.kit.expire_history()
    with host.stream("alice", "room-1", last_event_id=positions[0]) as reader:
        gap = reader.take_control("nexora:gap")

    with host.stream("alice", "room-1", last_event_id=gap.id) as reader:
        assert reader.take_control(ESTABLISHED).payload["recovered"]


def test_who_is_cut_before_the_gap_was_told_is_told_again(host, positions):
    host.kit.expire_history()
    with host.stream("alice", "room-1", last_event_id=positions[0]) as reader:
        cut_here = reader.take_control(SUCCEEDED).id

    with host.stream("alice", "room-1", last_event_id=cut_here) as reader:
        assert reader.take_control("nexora:gap")


def test_what_becomes_of_streams_is_counted(host, positions):
    with host.stream("alice", "room-1"), host.stream("bob", "room-1", last_event_id=host.head):
        pass
    host.kit.expire_history()
    with host.stream("alice", "room-1", last_event_id=positions[0]):
        pass

    counters = host.hub.counters
    assert (counters.connections, counters.replays, counters.gaps) == (3, 1, 1)


# -- tickets -----------------------------------------------------------------------------------


def test_a_ticket_saves_asking_again(host):
    mine = ticket(host, "alice", "room-1", "room-2")
    host.asked.clear()

    with host.stream("alice", "room-1", "room-2", ticket=mine) as reader:
        hello = reader.take_control(ESTABLISHED)

    assert hello.payload["channels"] == ["room-1", "room-2"]
    assert host.asked == []


def test_a_ticket_says_nothing_about_other_channels(host):
    mine = ticket(host, "alice", "room-1")
    host.asked.clear()

    with host.stream("alice", "room-1", "room-2", "unknown-1", ticket=mine) as reader:
        assert reader.take_control(ESTABLISHED).payload["channels"] == ["room-1", "room-2"]

    assert host.asked == ["room-2"]


def test_a_ticket_does_not_stand_in_on_a_resume(host):
    mine = ticket(host, "alice", "room-1")
    host.members.remove("alice")

    answer = host.client("alice").get(
        url("room-1", ticket=mine), headers={"Last-Event-ID": host.head}
    )

    assert_error(answer, 403)


def test_an_old_ticket_in_the_url_does_not_hinder_a_resume(host):
    """A browser reconnects to the URL it was given, for ever."""
    mine = ticket(host, "alice", "room-1")
    host.kit.clock.advance(3600)

    with host.stream("alice", "room-1", ticket=mine, last_event_id=host.head) as reader:
        assert reader.take_control(ESTABLISHED).payload["recovered"]


def test_a_ticket_ends_with_its_time(host):
    mine = ticket(host, "alice", "room-1")
    host.kit.clock.advance(61)

    assert_error(host.client("alice").get(url("room-1", ticket=mine)), 403, "expired")


@pytest.mark.parametrize("user_id", ["bob", None])
def test_a_ticket_of_somebody_else_is_refused(host, user_id):
    mine = ticket(host, "alice", "room-1")

    assert_error(
        host.client(user_id).get(url("room-1", "public-1", ticket=mine)), 403, "somebody else"
    )


def test_a_ticket_that_is_none_is_refused(host):
    assert_error(host.client("alice").get(url("room-1", ticket="x.y")), 403, "not valid")


def test_identity_comes_from_the_session_and_not_from_the_ticket(host):
    mine = ticket(host, "alice", "room-1")

    with host.stream("alice", "room-1", ticket=mine) as reader:
        assert reader.take_control(ESTABLISHED).payload["user_id"] == "alice"


# -- overload ----------------------------------------------------------------------------------


def assert_come_back(answer, cursor: str | None) -> None:
    """200, a retry, the end: any other status stops an EventSource for good."""
    assert answer.status_code == 200
    assert answer.mimetype == "text/event-stream"
    assert retry_of(answer) >= 500
    assert events_of(answer) == []
    parser = EventStreamParser()
    parser.feed(answer.data)
    assert parser.last_event_id == (cursor or "")


@pytest.mark.parametrize(
    "limits",
    [{"NEXORA_RT_MAX_STREAMS": 2}, {"NEXORA_RT_MAX_STREAMS_PER_USER": 2}],
    ids=["worker", "user"],
)
@pytest.mark.parametrize("resuming", [False, True])
def test_a_stream_too_many_is_sent_away_for_a_while(make_host, limits, resuming):
    host = make_host(**limits)
    host.trigger("room-1")
    client = host.client("alice")
    readers = [host.stream("alice", "room-1") for _ in range(2)]
    headers = {"Last-Event-ID": host.head} if resuming else {}

    answer = client.get(url("room-1"), headers=headers)

    # Who has no cursor yet is given one, so that nothing is missed while it waits.
    assert_come_back(answer, None if resuming else host.head)
    readers.pop().close()
    with closing(client.get(url("room-1"))) as answer:
        assert EventStreamParser().feed(next(iter(answer.response)))[0].name == ESTABLISHED
    readers.pop().close()


def test_one_users_streams_leave_room_for_another_user(make_host):
    host = make_host(NEXORA_RT_MAX_STREAMS_PER_USER=1)
    with host.stream("alice", "room-1"), host.stream("bob", "room-1") as reader:
        assert reader.take_control(ESTABLISHED)


def test_anonymous_streams_are_not_counted(make_host):
    host = make_host(NEXORA_RT_MAX_STREAMS_PER_USER=1)
    with host.stream(None, "public-1"), host.stream(None, "public-1") as reader:
        assert reader.take_control(ESTABLISHED)


def test_a_draining_worker_says_goodbye_and_sends_newcomers_away(host):
    with host.stream("alice", "room-1") as reader:
        position = host.trigger("room-1", data="last")
        reader.take(1)
        host.state.runtime.drain()
        goodbye = reader.take_control("nexora:closing")

        assert reader.wait_ended()
    assert goodbye.json() == {"data": {}}
    assert goodbye.id == position
    assert reader.parser.retry_ms >= 500
    assert_come_back(host.client("alice").get(url("room-1")), host.head)


def test_a_stream_is_sent_away_for_a_while_when_the_broker_is_down(make_host, monkeypatch):
    monkeypatch.setattr("flask_nexora_rt.hub._START_SECONDS", 0.1)
    host = make_host(NEXORA_RT_URL="redis://127.0.0.1:1", NEXORA_RT_PUBLISH_TIMEOUT=0.1)

    assert_come_back(host.client("alice").get(url("room-1")), None)


def test_a_refusal_comes_before_an_overload(make_host):
    host = make_host(NEXORA_RT_MAX_STREAMS=1)
    with host.stream("alice", "room-1"):
        assert_error(host.client("mallory").get(url("room-1")), 403)


# -- time --------------------------------------------------------------------------------------


def test_a_quiet_stream_is_pinged_with_the_position_it_may_resume_from(host):
    with host.stream("alice", "room-1") as reader:
        reader.take_control(SUCCEEDED)
        position = host.trigger("room-9")
        host.settle()
        host.kit.advance(15)

        ping = reader.take_control("nexora:ping")
    assert ping.json() == {"data": {}}
    assert ping.id == position


def test_an_old_stream_ends_and_is_authorised_again(host):
    with host.stream("alice", "room-1") as reader:
        position = host.trigger("room-1")
        reader.take(1)
        host.kit.advance(601 + 15)

        assert reader.wait_ended()
    assert reader.parser.retry_ms is not None
    assert reader.last_event_id == position
    host.members.remove("alice")
    answer = host.client("alice").get(url("room-1"), headers={"Last-Event-ID": position})
    assert_error(answer, 403)
