"""A late subscribe is as good as a resume: nothing lost, nothing twice, nothing out of date."""

import threading
from collections.abc import Callable, Iterator

import pytest

from flask_nexora_rt.events import Event, Position
from flask_nexora_rt.holding import Holding
from flask_nexora_rt.hub import Hub
from flask_nexora_rt.log import Limits
from flask_nexora_rt.settings import Settings
from flask_nexora_rt.testing import Clock
from tests.support.ports import wait_until
from tests.unit.far_log import FarLog
from tests.unit.recorder import Recorder

PLENTY = Limits(100_000, 100_000, 1 << 30)


@pytest.fixture
def log() -> FarLog:
    return FarLog(PLENTY, Clock())


@pytest.fixture
def make_hub(log) -> Iterator[Callable[..., Hub]]:
    hubs: list[Hub] = []

    def make(**settings) -> Hub:
        hubs.append(Hub(log, Settings(secret="x" * 16, **settings), 100, Clock()))
        hubs[-1].start()
        wait_until(lambda: hubs[-1].connected, timeout=30)
        return hubs[-1]

    yield make
    log.flowing.set()
    for hub in hubs:
        hub.stop()


@pytest.fixture
def hub(make_hub) -> Hub:
    return make_hub()


def read(hub: Hub, log: FarLog) -> None:
    assert hub.joining.has_read(log.bounds().last, timeout=5)


def publish(log: FarLog, *numbers: int, channel: str = "late") -> Position:
    return log.append([Event((channel,), "tick", str(n).encode()) for n in numbers])[-1]


def subscribe(hub: Hub, stream: Recorder, cursor: Position, *channels: str):
    body = {
        "channels": dict.fromkeys(channels or ["late"]),
        "since": hub.position,
        "cursor": cursor,
    }
    return Holding(hub).subscribe_since(stream.socket_id, body)


def test_what_was_missed_is_shown_once_and_then_the_channel_lives(hub, log):
    start = publish(log, 0)
    publish(log, 1, 2)
    read(hub, log)
    stream = Recorder.open(hub, "held")

    answer = subscribe(hub, stream, start)
    publish(log, 3)
    read(hub, log)

    assert answer == {"subscribed": ["late"], "refused": {}}
    wait_until(lambda: stream.numbers == [1, 2, 3], timeout=30)


@pytest.mark.parametrize("replay, shown", [(b'"new"', ["new"]), (b"", [])])
def test_what_was_edited_before_is_not_shown_as_it_was(hub, log, replay, shown):
    """Another worker has answered the edit, and this one has yet to read of it."""
    start = log.bounds().last
    log.append([Event(("late",), "tick", b'"old"', key="k")])
    read(hub, log)
    stream = Recorder.open(hub, "held")
    log.flowing.clear()
    log.append([Event(("late",), "edit", b"{}", key="k", replay=replay)])
    threading.Timer(0.1, log.flowing.set).start()

    subscribe(hub, stream, start)

    assert stream.numbers == shown


def test_a_worker_that_stays_behind_refuses_for_a_while(hub, log, monkeypatch):
    monkeypatch.setattr("flask_nexora_rt.holding._PATIENCE_SECONDS", 0.05)
    start = log.bounds().last
    stream = Recorder.open(hub, "held")
    log.flowing.clear()
    publish(log, 1)

    answer = subscribe(hub, stream, start)

    assert answer == {"subscribed": [], "refused": {"late": 503}}
    assert stream.channels == ("held",)


def test_a_replay_that_runs_ahead_of_the_worker_is_not_doubled(make_hub, log):
    """The log has it, the worker has yet to read it: so it comes live, and only live."""
    hub = make_hub(window_bytes=65_536)
    start = log.bounds().last
    publish(log, 0)
    publish(log, *range(300), channel="busy")
    read(hub, log)
    stream = Recorder.open(hub, "held")
    log.flowing.clear()
    publish(log, 1)

    subscribe(hub, stream, start)
    assert stream.numbers == [0]
    log.flowing.set()
    read(hub, log)

    wait_until(lambda: stream.numbers == [0, 1], timeout=30)


def test_what_is_published_between_the_question_and_the_answer_is_shown(hub, log, monkeypatch):
    start = publish(log, 0)
    read(hub, log)
    stream = Recorder.open(hub, "held")
    join = hub.joining.join

    def join_and_publish(*args):
        joined = join(*args)
        publish(log, 1)
        read(hub, log)
        return joined

    monkeypatch.setattr(hub.joining, "join", join_and_publish)
    subscribe(hub, stream, start)

    assert stream.numbers == [1]


def test_what_left_the_window_between_the_question_and_the_answer_is_not_skipped(
    make_hub, log, monkeypatch
):
    hub = make_hub(window_bytes=65_536)
    start = publish(log, 0)
    read(hub, log)
    stream = Recorder.open(hub, "held")
    join = hub.joining.join

    def join_and_publish(*args):
        joined = join(*args)
        publish(log, 1, *range(2, 400))
        read(hub, log)
        return joined

    monkeypatch.setattr(hub.joining, "join", join_and_publish)
    answer = subscribe(hub, stream, start)

    assert answer == {"subscribed": [], "refused": {"late": 503}}


def test_what_the_stream_holds_already_is_not_replayed(hub, log):
    start = publish(log, 0)
    publish(log, 1, channel="held")
    publish(log, 2)
    read(hub, log)
    stream = Recorder.open(hub, "held")

    before = hub.counters.deliveries
    subscribe(hub, stream, start, "held", "late")

    assert stream.numbers == [2]
    assert hub.counters.deliveries == before + 1


def test_a_stream_that_is_not_here_is_no_answer(hub, log):
    stream = Recorder("held")

    assert subscribe(hub, stream, log.bounds().last) is None
