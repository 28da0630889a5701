"""A late subscribe from before the worker's window: the log has it, or it is a gap."""

import random
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from flask_nexora_rt.events import Position
from flask_nexora_rt.holding import Holding
from flask_nexora_rt.hub import Hub
from flask_nexora_rt.log import EventLog
from flask_nexora_rt.settings import Settings
from tests.contract.conftest import event
from tests.support.ports import wait_until
from tests.unit.recorder import Recorder

# Holds 100 and some events like those of these tests.
SMALL_WINDOW = 65_536


@pytest.fixture
def make_hub() -> Iterator[Callable[[EventLog], Hub]]:
    hubs: list[Hub] = []

    def make(log: EventLog) -> Hub:
        settings = Settings(secret="x" * 16, window_bytes=SMALL_WINDOW)
        hubs.append(Hub(log, settings, 100))
        hubs[-1].start()
        wait_until(lambda: hubs[-1].connected, timeout=30)
        return hubs[-1]

    yield make
    for hub in hubs:
        hub.stop()


def read(hub: Hub, log: EventLog) -> None:
    assert hub.joining.has_read(log.bounds().last, timeout=10)


def subscribe(hub: Hub, stream: Recorder, cursor: Position):
    body = {"channels": {"late": None}, "since": hub.position, "cursor": cursor}
    return Holding(hub).subscribe_since(stream.socket_id, body)


def test_what_the_window_has_lost_comes_from_the_log_at_the_streams_own_position(log, make_hub):
    hub = make_hub(log)
    start = log.bounds().last
    log.append([event(n, "late") for n in range(3)])
    log.append([event(n, "busy") for n in range(2000)])
    [last] = log.append([event(3, "late")])
    read(hub, log)
    stream = Recorder.open(hub, "held")

    assert subscribe(hub, stream, start) == {"subscribed": ["late"], "refused": {}}
    log.append([event(4, "late")])
    read(hub, log)

    wait_until(lambda: stream.numbers == [0, 1, 2, 3, 4], timeout=30)
    assert stream.named("nexora:gap") == []
    ticks = stream.named("tick")
    assert {tick.id for tick in ticks[:4]} == {str(last)}


def test_an_edit_that_the_window_has_lost_changes_what_the_log_gives(log, make_hub):
    hub = make_hub(log)
    start = log.bounds().last
    log.append([event(1, "late", key="k"), event(0, "late", key="k", replay=b'"new"')])
    log.append([event(n, "busy") for n in range(500)])
    read(hub, log)
    stream = Recorder.open(hub, "held")

    subscribe(hub, stream, start)

    assert stream.numbers == ["new"]


def test_what_the_log_has_lost_too_is_a_gap_and_then_the_channel_lives(make_log, make_hub):
    log = make_log(events=50)
    hub = make_hub(log)
    start = log.bounds().last
    for number in range(200):
        log.append([event(number, "late")])
    read(hub, log)
    stream = Recorder.open(hub, "held")

    subscribe(hub, stream, start)
    log.append([event(200, "late")])
    read(hub, log)

    wait_until(lambda: stream.numbers == [200], timeout=30)
    [gap] = stream.named("nexora:gap")
    assert gap.payload["channels"] == ["late"]
    assert gap.payload["reason"] == "expired"
    assert gap.payload["since"] == str(start)


def test_who_subscribes_while_a_writer_appends_loses_and_doubles_nothing(log, make_hub):
    """The window is too small for all of it, so some replays are read from the log."""
    hub = make_hub(log)
    start, total, chance = log.bounds().last, 80, random.Random(7)

    def write() -> None:
        for number in range(total):
            log.append([event(number, "late"), *(event(n, "busy") for n in range(15))])
            time.sleep(0.005)

    writer = threading.Thread(target=write)
    writer.start()
    streams = []
    while writer.is_alive():
        stream = Recorder.open(hub, "held")
        if subscribe(hub, stream, start)["subscribed"]:
            streams.append(stream)
        time.sleep(chance.uniform(0, 0.02))
    writer.join()
    log.append([event(total, "late")])
    read(hub, log)

    assert streams
    for stream in streams:
        wait_until(lambda stream=stream: stream.numbers[-1:] == [total], timeout=30)
    assert [s for s in streams if s.numbers != list(range(total + 1))] == []
