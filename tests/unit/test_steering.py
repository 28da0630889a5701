"""Commands between workers: what takes long holds nobody up, and there is not too much of it."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from flask_nexora_rt.errors import NotFound, Overloaded
from flask_nexora_rt.steering import COMMAND, Steering

SOON = 5
STREAM = "2.1"


class Wire:
    """Passes ephemeral events to every worker at once, on the sender's thread."""

    def __init__(self) -> None:
        self.workers: list[Steering] = []

    def emit(self, events) -> None:
        for event in events:
            for worker in self.workers:
                (worker.on_command if event.name == COMMAND else worker.on_answer)(event)


class Workers:
    """Worker 1, which is asked, and worker 2, which has the stream and answers at the gate."""

    def __init__(self) -> None:
        wire = Wire()
        self.asked, self.holder = (Steering(wire, number, lambda: None) for number in (1, 2))
        wire.workers = [self.asked, self.holder]
        self.gate, self.begun = threading.Event(), threading.Semaphore(0)
        self.holder.slow_actions = {"slow": self._wait}
        self.holder.actions = {"quick": lambda socket_id, body: {"quick": socket_id}}

    def _wait(self, socket_id, body):
        self.begun.release()
        return {"opened": self.gate.wait(SOON)}

    def call(self, action: str):
        return self.asked.call(STREAM, action, {})


@pytest.fixture
def workers() -> Iterator[Workers]:
    made = Workers()
    yield made
    made.gate.set()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(10) as made:
        yield made


def test_a_slow_command_does_not_hold_up_the_reading_of_the_log(workers, pool):
    slow = pool.submit(workers.call, "slow")
    assert workers.begun.acquire(timeout=SOON)

    assert workers.call("quick") == {"quick": STREAM}
    workers.gate.set()

    assert slow.result(SOON) == {"opened": True}


def test_slow_commands_over_the_limit_are_sent_away_and_later_ones_are_not(monkeypatch, pool):
    monkeypatch.setattr("flask_nexora_rt.steering._MOST_ASIDE", 2)
    workers = Workers()
    slow = [pool.submit(workers.call, "slow") for _ in range(2)]
    for _ in slow:
        assert workers.begun.acquire(timeout=SOON)

    with pytest.raises(Overloaded):
        workers.call("slow")
    workers.gate.set()

    assert [one.result(SOON) for one in slow] == [{"opened": True}] * 2
    assert [call_when_there_is_room(workers) for _ in range(3)] == [{"opened": True}] * 3


def test_a_slow_command_that_fails_makes_room_too(monkeypatch):
    monkeypatch.setattr("flask_nexora_rt.steering._MOST_ASIDE", 1)
    monkeypatch.setattr("flask_nexora_rt.steering._ANSWER_SECONDS", 0.05)
    workers = Workers()
    workers.holder.slow_actions = {"slow": lambda socket_id, body: 1 / 0}

    for _ in range(3):
        with pytest.raises(NotFound):
            call_when_there_is_room(workers)


def call_when_there_is_room(workers: Workers):
    """A thread makes room right after its answer."""
    for _ in range(1000):
        try:
            return workers.call("slow")
        except Overloaded:
            time.sleep(0.001)
    raise AssertionError("no room is made")
