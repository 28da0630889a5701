"""The testing kit itself: what it says happens, happens, and a test with it cannot hang."""

import time

import pytest
from flask_login import current_user

from flask_nexora_rt import NexoraRT, publishing
from flask_nexora_rt.testing import Clock, Kit, StreamReader, make_app, rt_app, rt_kit, sign_in
from tests.unit.host import STREAM

__all__ = ["rt_app", "rt_kit"]

ESTABLISHED = "pusher:connection_established"


def trigger(app, channel: str, data: object, name: str = "tick") -> str:
    return publishing.trigger(app.extensions["nexora_rt"], channel, name, data)["position"]


@pytest.fixture
def alice(rt_app):
    return sign_in(rt_app.test_client(), "alice")


# -- the app -----------------------------------------------------------------------------------


def test_the_app_is_in_testing_and_in_memory(rt_app):
    assert rt_app.testing
    assert rt_app.extensions["nexora_rt"].settings.in_memory


def test_further_configuration_is_taken():
    app = make_app(NEXORA_RT_HEARTBEAT=3, SOMETHING="else")

    assert app.extensions["nexora_rt"].settings.heartbeat == 3
    assert app.config["SOMETHING"] == "else"


def test_an_extension_of_ones_own_is_taken():
    rt = NexoraRT()
    rt.channel("mine-{id}", public=True)

    assert make_app(rt).extensions["nexora_rt"].is_public("mine-1")


def test_two_apps_have_nothing_in_common():
    one, other = make_app(), make_app()

    assert one.config["SECRET_KEY"] != other.config["SECRET_KEY"]
    settings = [app.extensions["nexora_rt"].settings.secret for app in (one, other)]
    assert settings[0] != settings[1]


def test_anybody_can_be_signed_in(rt_app):
    rt_app.add_url_rule("/me", "me", lambda: str(current_user.get_id()))

    client = rt_app.test_client()
    assert client.get("/me").text == "None"
    assert sign_in(client, "zoë") is client
    assert client.get("/me").text == "zoë"
    assert sign_in(client, "bob").get("/me").text == "bob"


def test_the_app_has_a_public_and_a_private_kind_of_channel(rt_app, rt_kit, alice):
    with rt_kit.stream(rt_app.test_client(), "public-1", "room-1") as reader:
        assert reader.take_control(ESTABLISHED).payload["channels"] == ["public-1"]
    with rt_kit.stream(alice, "public-1", "room-1") as reader:
        assert reader.take_control(ESTABLISHED).payload["channels"] == ["public-1", "room-1"]


# -- the clock ---------------------------------------------------------------------------------


def test_the_clock_stands_still_until_it_is_moved():
    clock = Clock(100)

    assert (clock(), clock()) == (100, 100)
    clock.advance(1.5)
    assert clock() == 101.5


def test_the_clock_begins_now():
    assert abs(Clock()() - time.time()) < 5


def test_the_app_lives_by_the_clock_of_the_kit(rt_app):
    Kit(rt_app, Clock(1_000_000))

    assert trigger(rt_app, "room-1", 1) == "1000000000-1"


# -- the reader --------------------------------------------------------------------------------


def test_a_reader_takes_the_next_events_past_those_of_the_connection(rt_app, rt_kit, alice):
    with rt_kit.stream(alice, "room-1") as reader:
        for n in range(5):
            trigger(rt_app, "room-1", n)

        assert [event.payload for event in reader.take(2)] == [0, 1]
        assert [event.payload for event in reader.take(3)] == [2, 3, 4]


def test_a_reader_takes_an_event_of_the_connection_past_all_others(rt_app, rt_kit, alice):
    with rt_kit.stream(alice, "room-1") as reader:
        trigger(rt_app, "room-1", 1)
        rt_kit.advance(15)

        assert reader.take_control("nexora:ping").name == "nexora:ping"


def test_events_that_do_not_come_fail_the_test_in_time_and_say_what_came(rt_app, rt_kit, alice):
    with rt_kit.stream(alice, "room-1") as reader:
        trigger(rt_app, "room-1", "the only one")
        started = time.monotonic()

        with pytest.raises(AssertionError, match="1 of 2 events came.*the only one"):
            reader.take(2, timeout=0.2)

    assert time.monotonic() - started < 10


def test_a_stream_that_ended_fails_the_test_without_waiting(rt_kit, alice):
    with rt_kit.stream(alice, "room-1") as reader:
        reader.take_control(ESTABLISHED)
        rt_kit.disconnect()
        started = time.monotonic()

        with pytest.raises(AssertionError, match="0 of 1"):
            reader.take(1, timeout=30)

    assert time.monotonic() - started < 30


def test_a_refused_stream_shows_its_answer(rt_app, rt_kit):
    with rt_kit.stream(rt_app.test_client(), "room-1") as reader:
        assert reader.response.status_code == 401
        assert reader.wait_ended()


def test_a_reader_knows_where_a_browser_would_resume(rt_app, rt_kit, alice):
    with rt_kit.stream(alice, "room-1") as reader:
        position = trigger(rt_app, "room-1", 1)
        reader.take(1)

        assert reader.last_event_id == position


def test_a_reader_sends_the_cursor_as_a_browser_does(rt_app, rt_kit, alice):
    first = trigger(rt_app, "room-1", 1)
    trigger(rt_app, "room-1", 2)

    with StreamReader(alice, f"{STREAM}?channels=room-1", first) as reader:
        assert reader.take(1)[0].payload == 2


def test_a_stream_follows_the_prefix_of_the_app():
    app = make_app(NEXORA_RT_URL_PREFIX="/rt")
    kit = Kit(app)

    with kit.stream(app.test_client(), "public-1", format="envelope") as reader:
        assert reader.take(1)[0].json()["event"] == ESTABLISHED
    kit.close()


def test_leaving_takes_the_stream_out_of_the_hub(rt_app, rt_kit, alice):
    hub = rt_app.extensions["nexora_rt"].runtime.hub
    with rt_kit.stream(alice, "room-1") as reader:
        assert len(hub) == 1
        assert not reader.wait_ended(0.05)

    assert len(hub) == 0
    assert reader.wait_ended(0)


# -- the switches ------------------------------------------------------------------------------


def test_a_disconnect_ends_every_stream_without_a_goodbye(rt_kit, alice):
    with rt_kit.stream(alice, "room-1") as one, rt_kit.stream(alice, "room-2") as other:
        for reader in (one, other):
            reader.take_control("pusher:subscription_succeeded")
        rt_kit.disconnect()

        for reader in (one, other):
            assert reader.wait_ended()
            with pytest.raises(AssertionError, match="seen: \\[\\]"):
                reader.take_control("nexora:closing", timeout=1)


def test_after_a_disconnect_a_client_resumes(rt_app, rt_kit, alice):
    with rt_kit.stream(alice, "room-1") as reader:
        trigger(rt_app, "room-1", 1)
        reader.take(1)
        rt_kit.disconnect()
        assert reader.wait_ended()
    trigger(rt_app, "room-1", 2)

    with rt_kit.stream(alice, "room-1", last_event_id=reader.last_event_id) as again:
        assert again.take_control(ESTABLISHED).payload["recovered"]
        assert again.take(1)[0].payload == 2


def test_lost_events_are_missed_live_and_nothing_is_said(rt_app, rt_kit, alice):
    with rt_kit.stream(alice, "room-1") as reader:
        reader.take_control("pusher:subscription_succeeded")
        rt_kit.lose(lambda event: event.name == "lost")
        for n, name in enumerate(["kept", "lost", "kept", "lost", "kept"]):
            trigger(rt_app, "room-1", n, name)

        assert [event.payload for event in reader.take(3)] == [0, 2, 4]


def test_lost_events_are_shown_to_who_resumes_from_before_them(rt_app, rt_kit, alice):
    first = trigger(rt_app, "room-1", 0)
    with rt_kit.stream(alice, "room-1") as reader:
        reader.take_control("pusher:subscription_succeeded")
        rt_kit.lose(lambda event: event.name == "lost")
        trigger(rt_app, "room-1", 1, "lost")
        trigger(rt_app, "room-1", 2)
        assert reader.take(1)[0].payload == 2

    with rt_kit.stream(alice, "room-1", last_event_id=first) as reader:
        assert [event.payload for event in reader.take(2)] == [1, 2]


def test_streams_come_and_go_while_events_are_lost(rt_app, rt_kit, alice):
    hub = rt_app.extensions["nexora_rt"].runtime.hub
    rt_kit.lose(lambda event: event.name == "lost")

    with rt_kit.stream(alice, "room-1") as reader:
        reader.take_control("pusher:subscription_succeeded")
        trigger(rt_app, "room-1", 1, "lost")
        trigger(rt_app, "room-1", 2)
        assert reader.take(1)[0].payload == 2

    assert len(hub) == 0


def test_an_expired_history_is_a_gap_for_who_resumes(rt_app, rt_kit, alice):
    first = trigger(rt_app, "room-1", 1)
    last = trigger(rt_app, "room-1", 2)
    rt_kit.expire_history()

    with rt_kit.stream(alice, "room-1", last_event_id=first) as reader:
        assert reader.take_control("nexora:gap").payload["reason"] == "expired"
    with rt_kit.stream(alice, "room-1", last_event_id=last) as reader:
        assert reader.take_control(ESTABLISHED).payload["recovered"]


def test_an_expired_history_leaves_live_streams_alone(rt_app, rt_kit, alice):
    with rt_kit.stream(alice, "room-1") as reader:
        trigger(rt_app, "room-1", 1)
        rt_kit.expire_history()
        trigger(rt_app, "room-1", 2)

        assert [event.payload for event in reader.take(2)] == [1, 2]


def test_history_expires_in_memory_only(make_host, redis_url, app_id):
    host = make_host(NEXORA_RT_URL=redis_url, NEXORA_RT_APP_ID=app_id)

    with pytest.raises(TypeError, match="memory://"):
        host.kit.expire_history()


def test_moving_the_clock_brings_the_heartbeats_that_fall_due(rt_kit, alice):
    with rt_kit.stream(alice, "room-1") as reader:
        reader.take_control("pusher:subscription_succeeded")
        rt_kit.advance(45)

        pings = [reader.take_control("nexora:ping") for _ in range(3)]
    assert len(pings) == 3


def test_moving_the_clock_brings_the_end_of_the_retention(rt_app, rt_kit, alice):
    first = trigger(rt_app, "room-1", 1)
    trigger(rt_app, "room-1", 2)
    rt_kit.advance(301)
    trigger(rt_app, "room-1", 3)

    with rt_kit.stream(alice, "room-1", last_event_id=first) as reader:
        assert reader.take_control("nexora:gap").payload["reason"] == "expired"


def test_moving_the_clock_brings_the_end_of_old_streams(rt_kit, alice):
    with rt_kit.stream(alice, "room-1") as reader:
        reader.take_control("pusher:subscription_succeeded")
        rt_kit.advance(479)
        assert not reader.wait_ended(0.05)
        rt_kit.advance(601 + 15 - 479)

        assert reader.wait_ended()


def test_the_clock_moves_by_parts_of_a_second(rt_kit):
    before = rt_kit.clock()

    rt_kit.advance(2.25)

    assert rt_kit.clock() == pytest.approx(before + 2.25)
