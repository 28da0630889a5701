"""How far a worker must have read: asked once for all who wait, and never an old answer."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from flask_nexora_rt.errors import BrokerUnavailable
from flask_nexora_rt.events import Position
from flask_nexora_rt.log import Bounds, ReadIndex

SOON = 5


class HeldLog:
    """A log whose head is asked for; each request waits until it is answered."""

    def __init__(self) -> None:
        self.head = 0
        self.sent = threading.Semaphore(0)
        self.requests: list[Future[None]] = []

    def bounds(self, seen: Position | None = None) -> Bounds:
        last = Position(self.head, 0)
        self.requests.append(Future())
        self.sent.release()
        self.requests[-1].result(SOON)
        return Bounds(Position(0, 0), last, Position(0, 0))

    def wait_for_request(self) -> Future[None]:
        assert self.sent.acquire(timeout=SOON)
        return self.requests[-1]


class CountingIndex(ReadIndex):
    """Tells when a caller has begun to wait."""

    def __init__(self, log: HeldLog) -> None:
        super().__init__(log)
        self.waiting = threading.Semaphore(0)

    def _enter(self) -> Future[Position]:
        answer = super()._enter()
        self.waiting.release()
        return answer


@pytest.fixture
def log() -> HeldLog:
    return HeldLog()


@pytest.fixture
def index(log) -> CountingIndex:
    return CountingIndex(log)


@pytest.fixture
def ask(index) -> Iterator[Callable[[], Future[Position | None]]]:
    """Asks in a thread; returns once it waits for the answer."""
    with ThreadPoolExecutor(60) as pool:

        def make() -> Future[Position | None]:
            answer = pool.submit(index.get, SOON)
            assert index.waiting.acquire(timeout=SOON)
            return answer

        yield make


def test_the_answer_is_the_head_of_the_log(log, ask):
    log.head = 7
    answer = ask()

    log.wait_for_request().set_result(None)

    assert answer.result(SOON) == (7, 0)


def test_all_who_ask_while_a_request_is_under_way_share_the_next_one(log, ask):
    first = ask()
    under_way = log.wait_for_request()
    others = [ask() for _ in range(50)]

    under_way.set_result(None)
    log.wait_for_request().set_result(None)

    assert {other.result(SOON) for other in [first, *others]} == {(0, 0)}
    assert len(log.requests) == 2


def test_an_answer_is_never_older_than_its_question(log, ask):
    """The request under way was sent before the second question: its answer may be old."""
    ask()
    under_way = log.wait_for_request()
    log.head = 1
    second = ask()

    under_way.set_result(None)
    log.wait_for_request().set_result(None)

    assert second.result(SOON) == (1, 0)


def test_who_asks_later_gets_a_later_answer(log, ask):
    for head in range(3):
        log.head = head
        answer = ask()
        log.wait_for_request().set_result(None)
        assert answer.result(SOON) == (head, 0)


def test_a_broker_that_is_away_is_no_answer_for_all_and_can_be_asked_again(log, ask):
    answer = ask()
    log.wait_for_request().set_exception(BrokerUnavailable("away"))
    assert answer.result(SOON) is None

    answer = ask()
    log.wait_for_request().set_result(None)
    assert answer.result(SOON) == (0, 0)


def test_a_broker_that_is_silent_is_no_answer_in_time(log, index):
    assert index.get(0.02) is None

    log.wait_for_request().set_result(None)


def test_what_is_wrong_with_the_code_is_told_to_who_asks(log, ask):
    answer = ask()

    log.wait_for_request().set_exception(ZeroDivisionError())

    with pytest.raises(ZeroDivisionError):
        answer.result(SOON)


def test_the_thread_ends_when_nobody_asks_and_begins_again(log, ask):
    before = set(threading.enumerate())
    answer = ask()
    mine = [t for t in set(threading.enumerate()) - before if "read-index" in t.name]
    log.wait_for_request().set_result(None)
    answer.result(SOON)

    for thread in mine:
        thread.join(SOON)
    assert [thread.is_alive() for thread in mine] == [False]
    again = ask()
    log.wait_for_request().set_result(None)
    assert again.result(SOON) == (0, 0)
