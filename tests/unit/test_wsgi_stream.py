"""The transport over a WSGI server: an iterator with a bound."""

import threading
import time

import pytest

from flask_nexora_rt.event_stream import EventStreamParser
from flask_nexora_rt.events import Event, Position
from flask_nexora_rt.hub import Hub
from flask_nexora_rt.log import Limits
from flask_nexora_rt.log.memory import MemoryLog
from flask_nexora_rt.settings import Settings
from flask_nexora_rt.sse import CODECS
from flask_nexora_rt.transport import Subscription
from flask_nexora_rt.transport.wsgi import QueueStream

BOUND = 10_000


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog(Limits(100_000, 100_000, 1 << 30))


@pytest.fixture
def hub(log):
    made = Hub(log, Settings(secret="x" * 16), 100)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def open_stream(hub):
    """Opens a stream that is counted in, as the endpoint does: `open_stream(cursor=...)`."""

    def make(cursor=None) -> QueueStream:
        start = hub.join(cursor, ["a"]).start
        subscription = Subscription(f"1.{len(hub) + 1}", "alice", ("a",), CODECS["named"])
        stream = QueueStream(hub, subscription, start, float("inf"), BOUND)
        assert hub.admit(stream)
        return stream

    return make


class Consumer:
    """Reads a stream in a thread of its own, as a server does."""

    def __init__(self, stream: QueueStream) -> None:
        self.pieces: list[bytes] = []
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream: QueueStream) -> None:
        self.pieces += stream

    def ended(self, timeout: float = 2) -> bool:
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def data(self) -> bytes:
        return b"".join(self.pieces)

    def wait_for(self, count: int, timeout: float = 5) -> None:
        """Wait until so many events have been read, or until time is up."""
        deadline = time.monotonic() + timeout
        while self.data.count(b"data: ") < count and time.monotonic() < deadline:
            time.sleep(0.001)


def go_live(stream: QueueStream) -> QueueStream:
    """Let it find that there is nothing to replay."""
    assert stream.source.catch_up(stream) is None
    assert stream.live
    return stream


def numbers(data: bytes) -> list[int]:
    return [event.payload for event in EventStreamParser().feed(data)]


def publish(log: MemoryLog, numbers: range) -> None:
    log.append([Event(("a",), "tick", b"%d" % n) for n in numbers])


def test_the_bytes_come_out_as_they_went_in(open_stream):
    stream = open_stream()
    stream.push(b"one")
    stream.push(b"two")

    assert next(stream) == b"onetwo"
    stream.push(b"three")
    assert next(stream) == b"three"


def test_the_first_blocks_come_before_the_replay(open_stream, log):
    cursor = log.bounds().last
    publish(log, range(1))
    stream = open_stream(cursor)
    stream.push(b": hello\n\n")

    assert next(stream) == b": hello\n\n"
    assert numbers(next(stream)) == [0]


def test_a_consumer_gets_the_replay_and_then_what_is_published(open_stream, log, hub):
    cursor = log.bounds().last
    publish(log, range(500))
    hub.join(log.bounds().last, ["a"])  # returns once the hub has read them
    stream = open_stream(cursor)
    consumer = Consumer(stream)
    consumer.wait_for(500)

    for first in range(500, 1000, 50):
        publish(log, range(first, first + 50))
        consumer.wait_for(first + 50)
    stream.finish(b": bye\n\n")

    assert consumer.ended()
    assert numbers(consumer.data) == list(range(1000))


def test_a_waiting_consumer_wakes_for_what_is_pushed(open_stream):
    stream = open_stream()
    consumer = Consumer(stream)
    while not stream.live:
        time.sleep(0.001)

    stream.push(b"x")
    stream.finish(b"")

    assert consumer.ended()
    assert consumer.data == b"x"


def test_a_slow_consumer_is_cut_at_the_bound(open_stream, hub, caplog):
    stream = go_live(open_stream())

    pushed = 0
    while pushed < 10 * BOUND and len(hub):
        stream.push(b"x" * 1000)
        pushed += 1000

    assert BOUND < pushed <= BOUND + 3000
    assert len(hub) == 0
    assert hub.counters.evictions == 1
    assert list(stream) == []
    assert "does not read" in caplog.text


def test_a_consumer_exactly_at_the_bound_is_not_cut(open_stream, hub):
    stream = go_live(open_stream())
    stream.push(b"x")
    assert next(stream) == b"x"

    stream.push(b"x" * BOUND)
    stream.push(b"x")
    assert len(hub) == 1
    stream.push(b"x")
    assert len(hub) == 0


def test_a_consumer_within_the_bound_is_not_cut(open_stream, hub):
    stream = go_live(open_stream())

    for _ in range(100):
        stream.push(b"x" * BOUND)
        assert next(stream) == b"x" * BOUND

    assert len(hub) == 1


def test_one_piece_larger_than_the_bound_is_sent(open_stream, hub):
    stream = go_live(open_stream())

    stream.push(b"x" * (3 * BOUND))

    assert next(stream) == b"x" * (3 * BOUND)


def test_what_is_pushed_before_it_is_live_does_not_cut(open_stream, hub):
    stream = open_stream()

    for _ in range(5):
        stream.push(b"x" * BOUND)

    assert len(hub) == 1
    assert len(next(stream)) == 5 * BOUND


def test_one_slow_consumer_does_not_cut_another(open_stream, log):
    slow, quick = go_live(open_stream()), open_stream()
    consumer = Consumer(quick)
    while not quick.live:
        time.sleep(0.001)

    for first in range(0, 1000, 50):
        publish(log, range(first, first + 50))
        consumer.wait_for(first + 50)
    quick.finish(b"")

    assert consumer.ended()
    assert numbers(consumer.data) == list(range(1000))
    assert list(slow) == []


def test_closing_from_another_thread_ends_a_waiting_stream(open_stream, hub):
    stream = open_stream()
    consumer = Consumer(stream)
    while not stream.live:
        time.sleep(0.001)

    threading.Thread(target=stream.close).start()

    assert consumer.ended()
    assert len(hub) == 0


def test_closing_drops_what_has_not_been_read(open_stream, hub):
    stream = go_live(open_stream())
    stream.push(b"x")

    stream.close()
    stream.close()

    assert list(stream) == []
    assert hub.counters.evictions == 0


def test_finishing_sends_everything_and_then_ends(open_stream, hub):
    stream = go_live(open_stream())
    stream.push(b"one ")
    stream.finish(b"two ")
    stream.push(b"too late")

    assert b"".join(stream) == b"one two "
    assert len(hub) == 0


def test_finishing_ends_a_waiting_stream(open_stream, hub):
    stream = open_stream()
    consumer = Consumer(stream)
    while not stream.live:
        time.sleep(0.001)

    stream.finish(b"bye")

    assert consumer.ended()
    assert consumer.data == b"bye"
    assert len(hub) == 0


def test_a_stream_that_has_ended_stays_ended(open_stream):
    stream = go_live(open_stream())
    stream.finish(b"bye")

    assert list(stream) == [b"bye"]
    assert list(stream) == []


def test_a_stream_whose_hub_has_dropped_it_ends(open_stream, hub):
    stream = open_stream()
    consumer = Consumer(stream)

    hub.stop()

    assert consumer.ended()


class DrainingHub(Hub):
    """A hub whose worker is told to stop just when a stream asks for its replay."""

    def catch_up(self, stream):
        if not self._draining:
            threading.Thread(target=self.drain, daemon=True).start()
            time.sleep(0.05)
        return super().catch_up(stream)


def test_a_drain_in_the_moment_of_a_replay_does_not_set_the_cursor_back(log):
    """Else the browser resumes from before what it has read, and reads it twice."""
    hub = DrainingHub(log, Settings(secret="x" * 16), 100)
    hub.start()
    start = log.bounds().last
    publish(log, range(10))
    subscription = Subscription("1.1", "alice", ("a",), CODECS["named"])
    stream = QueueStream(hub, subscription, hub.join(start, ["a"]).start, float("inf"), BOUND)
    assert hub.admit(stream)

    read = EventStreamParser().feed(b"".join(stream))

    ids = [Position.parse(event.id) for event in read]
    assert ids == sorted(ids)
    hub.stop()
