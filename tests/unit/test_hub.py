"""The hub: catch up, then live, and in between neither a loss nor a double."""

import random
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from flask_nexora_rt.errors import BrokerUnavailable, Overloaded
from flask_nexora_rt.events import Event, Position, Reset
from flask_nexora_rt.hub import Hub
from flask_nexora_rt.log import Batch, EventLog, Limits
from flask_nexora_rt.log.memory import MemoryLog
from flask_nexora_rt.settings import Settings
from flask_nexora_rt.testing import Clock
from tests.unit.far_log import FarLog
from tests.unit.recorder import Recorder

PLENTY = Limits(100_000, 100_000, 1 << 30)
# Holds 100 and some events like those of these tests.
SMALL_WINDOW = 65_536


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(clock) -> MemoryLog:
    return MemoryLog(PLENTY, clock)


@pytest.fixture
def make_hub(log, clock) -> Iterator[Callable[..., Hub]]:
    """Makes a hub that has read its log: `make_hub(heartbeat=1)`."""
    hubs: list[Hub] = []

    def make(log: EventLog = log, max_streams: int = 1000, **settings) -> Hub:
        hubs.append(Hub(log, Settings(secret="x" * 16, **settings), max_streams, clock))
        hubs[-1].start()
        wait_until(lambda: hubs[-1].connected)
        return hubs[-1]

    yield make
    for hub in hubs:
        hub.stop()


@pytest.fixture
def hub(make_hub) -> Hub:
    return make_hub()


def wait_until(condition: Callable[[], bool], timeout: float = 30) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.002)


def event(number: int, *channels: str, **rest) -> Event:
    return Event(channels or ("a",), "tick", str(number).encode(), **rest)


def publish(log: MemoryLog, numbers: range | list[int], *channels: str, hub: Hub | None = None):
    """Append one event for each number; with a hub, wait until it has read them."""
    positions = log.append([event(n, *channels) for n in numbers])
    if hub is not None:
        read(hub, log)
    return positions


def read(hub: Hub, log: MemoryLog) -> None:
    wait_until(lambda: hub.position >= log.bounds().last)


def beat(hub: Hub) -> None:
    """Let one round of heartbeats pass."""
    for _ in range(hub.settings.heartbeat):
        hub.tick()


# -- live --------------------------------------------------------------------------------------


def test_a_live_stream_is_sent_what_is_published_from_now_on(hub, log):
    publish(log, [1, 2], hub=hub)
    stream = Recorder.open(hub, "a")

    publish(log, [3, 4], hub=hub)

    assert stream.live
    wait_until(lambda: stream.numbers == [3, 4])


def test_a_fresh_join_starts_at_the_head_of_the_log(hub, log):
    [*_, last] = publish(log, [1, 2], hub=hub)

    join = hub.join(None, ["a"])

    assert join.start.position == join.start.until == last
    assert (join.start.backlog, join.recovered, join.gap) == ([], False, None)


def test_streams_come_and_go_while_a_writer_appends_and_nobody_loses_or_doubles(hub, log):
    """Each reader resumes again and again from its last id, on all or some of the channels."""
    start, total, channels = log.bounds().last, 3000, ("a", "b", "c")
    chance = random.Random(7)

    def write() -> None:
        for first in range(0, total, 3):
            log.append([event(first + n, channels[n]) for n in range(3)])
            if first % 60 == 0:
                time.sleep(0.001)

    def follow(held: tuple[str, ...], seen: list[int], pauses: random.Random) -> None:
        wanted, cursor = total // 3 * len(held), start
        deadline = time.monotonic() + 20
        while len(seen) < wanted and time.monotonic() < deadline:
            stream = Recorder.open(hub, *held, cursor=cursor)
            time.sleep(pauses.uniform(0, 0.01))
            stream.abort()
            seen += stream.numbers
            cursor = stream.cursor

    readers = [("a",), ("b", "c"), ("c", "a", "b"), ("a", "b", "c")]
    seen: list[list[int]] = [[] for _ in readers]
    threads = [threading.Thread(target=write)] + [
        threading.Thread(target=follow, args=(held, mine, random.Random(chance.random())))
        for held, mine in zip(readers, seen, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for held, mine in zip(readers, seen, strict=True):
        assert mine == [n for n in range(total) if channels[n % 3] in held]


def test_streams_that_stay_open_while_a_writer_appends_get_each_event_once(hub, log):
    total, cursor = 1000, log.bounds().last
    resumed, fresh = [], []

    def write() -> None:
        for first in range(0, total, 5):
            publish(log, range(first, first + 5))
            time.sleep(0.0005)

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive() and len(fresh) < 20:
        resumed.append(Recorder.open(hub, "a", cursor=cursor))
        fresh.append(Recorder.open(hub, "a"))
        time.sleep(0.004)
    writer.join()
    publish(log, [total])

    wait_until(lambda: all(b": 1000}" in s.pieces[-1] for s in resumed + fresh))
    assert [s for s in resumed if s.numbers != list(range(total + 1))] == []
    for stream in fresh:
        assert stream.numbers == list(range(stream.numbers[0], total + 1))


# -- resuming ----------------------------------------------------------------------------------


def test_a_resumed_stream_is_shown_what_it_missed_and_then_lives(hub, log):
    [seen, *_] = publish(log, [1, 2, 3], hub=hub)

    stream = Recorder.open(hub, "a", cursor=seen)
    publish(log, [4], hub=hub)

    wait_until(lambda: stream.numbers == [2, 3, 4])
    assert hub.join(seen, ["a"]).recovered


def test_a_cursor_at_the_head_is_recovered_with_nothing_to_show(hub, log):
    [last] = publish(log, [1], hub=hub)

    join = hub.join(last, ["a"])

    assert join.recovered
    assert join.start.backlog == []


def test_a_long_replay_comes_in_pieces(hub, log):
    start = log.bounds().last
    publish(log, range(1000), hub=hub)

    stream = Recorder.open(hub, "a", cursor=start)

    assert stream.numbers == list(range(1000))
    assert len(stream.pieces) > 1


def test_what_is_published_during_a_replay_follows_it(hub, log):
    start = log.bounds().last
    publish(log, range(300), hub=hub)
    stream = Recorder("a", hub=hub, start=hub.join(start, ["a"]).start)
    assert hub.admit(stream)
    stream.push(hub.catch_up(stream))

    publish(log, range(300, 400), hub=hub)

    assert not stream.live
    assert stream.catch_up().numbers == list(range(400))
    assert stream.live


def test_a_resume_from_before_the_workers_window_asks_the_log(make_hub, log):
    """Over 1,000 entries: the log is read in pages."""
    hub = make_hub(window_bytes=SMALL_WINDOW)
    start = log.bounds().last
    for first in range(0, 2500, 50):
        publish(log, range(first, first + 49), "busy")
        publish(log, [first + 49], "a")
    read(hub, log)

    join = hub.join(start, ["a"])
    stream = Recorder.open(hub, "a", cursor=start)
    publish(log, [2500], "a", hub=hub)

    assert join.recovered
    wait_until(lambda: stream.numbers == [*range(49, 2500, 50), 2500])


def test_a_resume_from_the_log_leaves_out_what_is_superseded(make_hub, log):
    hub = make_hub(window_bytes=SMALL_WINDOW)
    start = log.bounds().last
    log.append([event(1, key="k"), event(2), event(3, key="k", replay=b'"new"')])
    publish(log, range(300), "busy", hub=hub)

    stream = Recorder.open(hub, "a", cursor=start)
    assert stream.numbers == ["new", 2]
    assert stream.live


def test_more_than_a_worker_may_hold_is_a_gap_and_never_a_part_of_it(make_hub, log):
    hub = make_hub(window_bytes=SMALL_WINDOW)
    start = log.bounds().last
    publish(log, range(3000), hub=hub)

    join = hub.join(start, ["a"])

    assert not join.recovered
    assert join.gap is not None
    assert join.gap.reason == "expired"
    assert join.start.position == hub.position
    assert join.start.backlog == []


@pytest.mark.parametrize("number", [0, 5])
def test_what_was_published_before_the_worker_started_can_be_resumed(make_hub, log, number):
    positions = publish(log, range(10))

    stream = Recorder.open(make_hub(), "a", cursor=positions[number])

    assert stream.numbers == list(range(number + 1, 10))


# -- gaps --------------------------------------------------------------------------------------


def test_a_cursor_from_before_the_retention_is_a_gap(make_hub, clock):
    log = MemoryLog(PLENTY._replace(seconds=10), clock)
    hub = make_hub(log, retention_seconds=10)
    [seen, _] = publish(log, [1, 2], hub=hub)
    clock.advance(11)
    publish(log, [3], hub=hub)

    join = hub.join(seen, ["a"])

    assert (join.recovered, join.gap.reason) == (False, "expired")
    assert join.start.position == hub.position


def test_a_quiet_log_is_no_gap_however_long_it_is_quiet(make_hub, clock):
    log = MemoryLog(PLENTY._replace(seconds=10), clock)
    hub = make_hub(log, retention_seconds=10)
    [seen] = publish(log, [1], hub=hub)
    clock.advance(1000)
    hub.tick()
    publish(log, [2], hub=hub)

    assert Recorder.open(hub, "a", cursor=seen).numbers == [2]


def test_a_cursor_from_before_the_log_began_is_a_reset(hub, log):
    before = Position(log.bounds().reset.ms - 1, 0)

    assert hub.join(before, ["a"]).gap.reason == "reset"


def test_a_cursor_of_the_future_is_a_gap(hub, log):
    [last] = publish(log, [1], hub=hub)

    assert hub.join(Position(last.ms + 1000, 0), ["a"]).gap.reason == "future"


def test_a_reader_slower_than_the_window_is_cut_and_resumes_into_a_gap(make_hub, clock):
    """It is never shown a part of the replay as if it were all."""
    log = MemoryLog(PLENTY._replace(events=300), clock)
    hub = make_hub(log, retention_events=300)
    start = log.bounds().last
    publish(log, range(250), hub=hub)
    stream = Recorder("a", hub=hub, start=hub.join(start, ["a"]).start)
    assert hub.admit(stream)
    stream.push(hub.catch_up(stream))

    for first in range(250, 1250, 100):
        publish(log, range(first, first + 100), hub=hub)
    stream.catch_up()

    assert stream.ended
    assert stream.numbers == list(range(250))
    assert hub.join(stream.cursor, ["a"]).gap.reason == "expired"


def test_a_worker_that_reads_too_late_tells_its_live_streams(make_hub, clock):
    """What the log has trimmed before the worker read it is lost, and must be a gap."""
    log = MemoryLog(PLENTY._replace(events=20), clock)
    hub = make_hub(log)
    stream = Recorder.open(hub, "a")
    publish(log, [0], hub=hub)

    publish(log, range(1, 101), hub=hub)
    publish(log, [101], hub=hub)

    wait_until(lambda: stream.numbers[-1:] == [101])
    assert stream.numbers == list(range(102)) or stream.named("nexora:gap")


def test_a_worker_that_reads_too_late_does_not_resume_over_what_it_missed(make_hub, clock):
    log = MemoryLog(PLENTY._replace(events=20), clock)
    hub = make_hub(log)
    [seen] = publish(log, [0], hub=hub)

    publish(log, range(1, 101), hub=hub)

    assert hub.join(seen, ["a"]).gap


def test_a_reset_tells_every_live_stream_and_life_goes_on(hub, log):
    [last] = publish(log, [1], hub=hub)
    one, other = Recorder.open(hub, "a", "b"), Recorder.open(hub, "c", codec="envelope")
    marker = Position(last.ms + 5, 0)

    hub.deliver(Batch([Reset(marker)], []))

    [told] = one.named("nexora:gap")
    assert told.id == str(marker)
    assert told.json() == {
        "data": {
            "channels": ["a", "b"],
            "reason": "reset",
            "since": str(last),
            "oldest": str(marker),
        }
    }
    assert other.events[-1].json()["event"] == "nexora:gap"
    assert (one.ended, other.ended) == (False, False)
    hub.deliver(Batch([], [event(7)]))
    assert one.numbers == [7]


def test_what_came_before_a_reset_in_its_batch_is_sent_before_it(hub, log):
    [last] = publish(log, [1], hub=hub)
    stream = Recorder.open(hub, "a")
    before, after = MemoryLog(PLENTY, Clock(last.ms / 1000 + 5)), last.ms + 60_000
    before.append([event(2)])
    [entry] = before.range(before.bounds().reset, 10)

    hub.deliver(Batch([entry, Reset(Position(after, 0))], []))

    assert [e.name for e in stream.events] == ["tick", "nexora:gap"]
    assert stream.events[1].payload["since"] == str(entry.position)


# -- a link that breaks ------------------------------------------------------------------------


@pytest.fixture
def far_log(clock) -> FarLog:
    return FarLog(PLENTY._replace(events=20), clock)


def test_streams_outlive_a_broken_link_and_miss_nothing(make_hub, far_log):
    hub = make_hub(far_log)
    stream = Recorder.open(hub, "a")
    publish(far_log, [1], hub=hub)

    far_log.break_link()
    wait_until(lambda: not hub.connected)
    publish(far_log, [2, 3])
    far_log.mend_link()

    wait_until(lambda: hub.connected)
    wait_until(lambda: stream.numbers == [1, 2, 3])
    assert not stream.named("nexora:gap")
    assert not stream.ended


def break_until_the_log_has_moved_on(hub: Hub, log: FarLog) -> None:
    """Others publish 50 events, of which 20 are retained, before the worker reads again."""
    log.break_link()
    wait_until(lambda: not hub.connected)
    publish(log, range(100, 150))
    log.mend_link()
    wait_until(lambda: hub.connected)


def test_streams_are_told_what_a_long_break_has_lost(make_hub, far_log):
    hub = make_hub(far_log)
    stream = Recorder.open(hub, "a")
    [since] = publish(far_log, [1], hub=hub)

    break_until_the_log_has_moved_on(hub, far_log)
    publish(far_log, [150], hub=hub)

    wait_until(lambda: stream.numbers == [1, 150])
    [told] = stream.named("nexora:gap")
    assert told.payload["reason"] == "expired"
    assert told.payload["since"] == str(since)


def test_a_worker_that_was_away_still_resumes_what_the_log_retains(make_hub, far_log):
    """The client comes from another worker with a cursor that the log can resume from."""
    hub = make_hub(far_log)
    publish(far_log, [1], hub=hub)
    break_until_the_log_has_moved_on(hub, far_log)
    cursor = far_log.bounds().floor

    join = hub.join(cursor, ["a"])
    stream = Recorder.open(hub, "a", cursor=cursor)

    assert join.recovered
    assert stream.numbers == list(range(130, 150))


def test_a_cursor_that_this_worker_has_yet_to_read_waits_for_it(make_hub, far_log):
    hub = make_hub(far_log)
    far_log.flowing.clear()
    [_, shown_elsewhere, _] = publish(far_log, [1, 2, 3])
    threading.Timer(0.1, far_log.flowing.set).start()

    stream = Recorder.open(hub, "a", cursor=shown_elsewhere)

    assert stream.numbers == [3]
    assert stream.live


def test_a_cursor_at_an_entry_that_nobody_is_sent_does_not_wait_long(make_hub, far_log):
    """Such as a revocation: it moves the position of every stream too."""
    hub = make_hub(far_log)
    far_log.flowing.clear()
    [cursor] = far_log.append([Event((), "nexora:something", b"{}")])
    threading.Timer(0.1, far_log.flowing.set).start()
    started = time.monotonic()

    stream = Recorder.open(hub, "a", cursor=cursor)

    assert stream.live
    assert time.monotonic() - started < 3


TEXT = Event(("a",), "tick", b'"old"', key="k")
REPLACED, REMOVED = b'"new"', b""


@pytest.mark.parametrize("replay, shown", [(REPLACED, ["new"]), (REMOVED, [])])
def test_what_was_edited_before_a_resume_is_not_shown_as_it_was(make_hub, far_log, replay, shown):
    """Another worker has answered the edit, and this one has yet to read of it."""
    hub = make_hub(far_log)
    start = far_log.bounds().last
    far_log.append([TEXT])
    read(hub, far_log)
    far_log.flowing.clear()
    far_log.append([Event(("a",), "edit", b"{}", key="k", replay=replay)])
    threading.Timer(0.1, far_log.flowing.set).start()

    stream = Recorder.open(hub, "a", cursor=start)

    assert stream.numbers == shown
    assert stream.live


def test_what_was_edited_before_a_resume_from_the_log_is_not_shown_as_it_was(make_hub, clock):
    """It is read to its head, not only as far as this worker is: here that is a full page."""
    log = FarLog(PLENTY, clock)
    hub = make_hub(log, window_bytes=SMALL_WINDOW)
    start = log.bounds().last
    log.append([TEXT])
    publish(log, range(999), "busy", hub=hub)
    log.flowing.clear()
    log.append([Event(("a",), "edit", b"{}", key="k", replay=REPLACED)])

    join = hub.join(start, ["a"])
    log.flowing.set()

    assert [entry.event.data for entry in join.start.backlog] == [REPLACED]


def test_a_fresh_join_does_not_wait_for_what_the_worker_has_yet_to_read(make_hub, far_log):
    hub = make_hub(far_log)
    [last] = publish(far_log, [1], hub=hub)
    far_log.flowing.clear()
    publish(far_log, [2])
    far_log.break_link()

    join = hub.joining.join(None, ["a"])

    assert join.start.position == last
    far_log.flowing.set()


def test_a_resume_goes_on_from_what_the_worker_has_when_the_broker_is_away(make_hub, far_log):
    hub = make_hub(far_log)
    [seen, _] = publish(far_log, [1, 2], hub=hub)
    far_log.cut = True

    join = hub.joining.join(seen, ["a"])

    assert join.recovered
    assert [entry.event.data for entry in join.start.backlog] == [b"2"]


def test_a_resume_does_not_wait_for_ever_for_a_broker_that_is_silent(
    make_hub, far_log, monkeypatch
):
    hub = make_hub(far_log)
    [seen, _] = publish(far_log, [1, 2], hub=hub)
    silent = threading.Event()
    bounds = far_log.bounds
    monkeypatch.setattr(far_log, "bounds", lambda seen=None: silent.wait(10) and bounds(seen))

    join = hub.joining.join(seen, ["a"], patience=0.05)
    silent.set()

    assert join.recovered
    assert len(join.start.backlog) == 1


def test_a_resume_is_sent_away_by_a_worker_that_stays_behind(make_hub, far_log):
    hub = make_hub(far_log)
    [seen] = publish(far_log, [1], hub=hub)
    far_log.flowing.clear()
    publish(far_log, [2])

    with pytest.raises(BrokerUnavailable):
        hub.joining.join(seen, ["a"], patience=0.05)
    far_log.flowing.set()


def test_a_replay_that_runs_ahead_of_the_worker_loses_and_doubles_nothing(make_hub, clock):
    log = FarLog(PLENTY, clock)
    hub = make_hub(log, window_bytes=SMALL_WINDOW)
    start = log.bounds().last
    for n in range(3):
        publish(log, [n], "a")
        publish(log, range(200), "busy", hub=hub)
    log.flowing.clear()
    publish(log, [3, 4], "a")

    first = Recorder.open(hub, "a", cursor=start)
    log.flowing.set()
    read(hub, log)
    numbers = first.numbers
    if first.ended:
        numbers = numbers + Recorder.open(hub, "a", cursor=first.cursor).numbers

    assert numbers == [0, 1, 2, 3, 4]


def test_nobody_joins_before_the_log_has_been_read(log, clock, monkeypatch):
    monkeypatch.setattr("flask_nexora_rt.hub._START_SECONDS", 0.05)
    hub = Hub(log, Settings(secret="x" * 16), 10, clock)

    with pytest.raises(BrokerUnavailable):
        hub.join(None, ["a"])


# -- ephemeral events --------------------------------------------------------------------------


def test_an_ephemeral_event_reaches_live_streams_and_is_not_replayed(hub, log):
    [seen] = publish(log, [1], hub=hub)
    stream = Recorder.open(hub, "a")

    log.emit([event(2)])
    wait_until(lambda: stream.numbers == [2])
    publish(log, [3], hub=hub)

    wait_until(lambda: stream.numbers == [2, 3])
    assert Recorder.open(hub, "a", cursor=seen).numbers == [3]


def test_an_ephemeral_event_leaves_the_cursor_where_it_is(hub, log):
    [seen] = publish(log, [1], hub=hub)
    stream = Recorder.open(hub, "a")

    log.emit([event(2)])
    wait_until(lambda: stream.numbers == [2])

    assert stream.events[0].id == str(seen)


def test_an_ephemeral_event_spares_the_socket_it_came_from(hub, log):
    sender, other = Recorder.open(hub, "a"), Recorder.open(hub, "a")

    log.emit([event(2, exclude=sender.socket_id)])
    wait_until(lambda: other.numbers == [2])

    assert sender.numbers == []


# -- caps --------------------------------------------------------------------------------------


def admitted(hub: Hub, **options) -> Recorder | None:
    stream = Recorder("a", hub=hub, start=hub.join(None, ["a"]).start, **options)
    return stream if hub.admit(stream) else None


def test_a_worker_takes_so_many_streams_and_no_more(make_hub):
    hub = make_hub(max_streams=2)
    late = Recorder("a", hub=hub, start=hub.join(None, ["a"]).start)
    first, second = admitted(hub), admitted(hub)

    assert first
    assert second
    assert not hub.admit(late)
    with pytest.raises(Overloaded):
        hub.join(None, ["a"])
    assert len(hub) == 2


def test_a_stream_that_ends_makes_room_for_one_more(make_hub):
    hub = make_hub(max_streams=1)
    first = admitted(hub)

    first.abort()
    first.abort()

    assert admitted(hub)
    with pytest.raises(Overloaded):
        admitted(hub)


def test_a_user_may_have_so_many_streams_and_another_user_too(make_hub):
    hub = make_hub(max_streams_per_user=2)
    mine = [admitted(hub, user_id="alice") for _ in range(3)]

    assert [stream is not None for stream in mine] == [True, True, False]
    assert admitted(hub, user_id="bob")


def test_a_users_stream_that_ends_makes_room_for_one_more(make_hub):
    hub = make_hub(max_streams_per_user=2)
    first, _ = (admitted(hub, user_id="alice") for _ in range(2))

    first.abort()
    first.abort()

    assert admitted(hub, user_id="alice")
    assert not admitted(hub, user_id="alice")


def test_anonymous_streams_are_not_counted_for_a_user(make_hub):
    hub = make_hub(max_streams_per_user=1)

    assert all(admitted(hub) for _ in range(5))


def test_a_refused_stream_is_sent_nothing(make_hub, log):
    hub = make_hub(max_streams_per_user=1)
    admitted(hub, user_id="alice").catch_up()
    refused = Recorder("a", hub=hub, start=hub.join(None, ["a"]).start, user_id="alice")
    assert not hub.admit(refused)

    refused.catch_up()
    publish(log, [1], hub=hub)
    beat(hub)

    assert refused.pieces == []


def test_a_stream_that_has_ended_is_not_written_to(make_hub, log):
    hub = make_hub(heartbeat=1)
    gone, other = Recorder.open(hub, "a"), Recorder.open(hub, "a")

    gone.abort()
    publish(log, [1], hub=hub)
    beat(hub)

    wait_until(lambda: other.numbers == [1])
    assert gone.late == []


# -- heartbeat and age -------------------------------------------------------------------------


def test_each_stream_is_pinged_once_in_a_heartbeat(make_hub):
    hub = make_hub(heartbeat=30)
    streams = [Recorder.open(hub, "a") for _ in range(70)]

    beat(hub)

    # The hub's own beat, once a second, may add its share.
    counts = [len(stream.named("nexora:ping")) for stream in streams]
    assert min(counts) == 1
    assert sum(counts) < 100


def test_a_heartbeat_moves_the_cursor_of_a_quiet_stream(make_hub, log):
    hub = make_hub(heartbeat=1)
    stream = Recorder.open(hub, "a")
    [*_, last] = publish(log, range(5), "elsewhere", hub=hub)

    hub.tick()

    assert stream.numbers == []
    assert stream.events[-1].name == "nexora:ping"
    assert stream.events[-1].json() == {"data": {}}
    assert stream.events[-1].id == str(last)


def test_a_heartbeat_never_carries_a_position_before_its_events(make_hub, log):
    hub = make_hub(heartbeat=1)
    stream = Recorder.open(hub, "a")

    def write() -> None:
        for n in range(200):
            publish(log, [n])
            time.sleep(0.0005)

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        hub.tick()
        time.sleep(0.001)
    wait_until(lambda: len(stream.numbers) == 200)

    ids = [Position.parse(e.id) for e in stream.events]
    assert ids == sorted(ids)
    assert len(stream.named("nexora:ping")) > 10


def test_a_stream_that_still_catches_up_is_not_pinged(make_hub, log):
    hub = make_hub(heartbeat=1)
    start = log.bounds().last
    publish(log, range(500), hub=hub)
    stream = Recorder("a", hub=hub, start=hub.join(start, ["a"]).start)
    assert hub.admit(stream)
    stream.push(hub.catch_up(stream))

    hub.tick()

    assert stream.named("nexora:ping") == []


def test_a_stream_that_is_old_enough_ends_with_a_retry(make_hub, clock):
    hub = make_hub(heartbeat=1, max_stream_age=100)
    stream = Recorder.open(hub, "a", expires=hub.expiry())

    clock.advance(79)
    hub.tick()
    assert not stream.ended
    clock.advance(22)
    hub.tick()

    assert stream.ended
    assert 0 < stream.retry_ms <= 1500
    assert len(hub) == 0


def test_streams_opened_together_do_not_end_together(make_hub, clock):
    hub = make_hub(max_stream_age=100)

    ends = [hub.expiry() - clock() for _ in range(50)]

    assert 80 <= min(ends) < max(ends) <= 100
    assert len(set(ends)) > 40


def test_a_started_hub_beats_by_itself(make_hub):
    stream = Recorder.open(make_hub(heartbeat=1), "a")

    wait_until(lambda: stream.named("nexora:ping"), timeout=30)


# -- draining ----------------------------------------------------------------------------------


def test_a_drain_ends_every_stream_with_a_goodbye(hub, log):
    streams = [Recorder.open(hub, "a") for _ in range(20)]
    [last] = publish(log, [1], hub=hub)
    wait_until(lambda: all(stream.numbers == [1] for stream in streams))

    hub.drain()

    assert len(hub) == 0
    for stream in streams:
        assert stream.events[-1].name == "nexora:closing"
        assert stream.events[-1].id == str(last)
        assert 500 <= stream.retry_ms <= 3000
    assert len({stream.retry_ms for stream in streams}) > 1


def test_a_drain_waits_for_slow_streams_only_so_long(hub):
    quick, stubborn = Recorder.open(hub, "a"), Recorder.open(hub, "a", stubborn=True)
    started = time.monotonic()

    hub.drain(grace=0.2)

    assert time.monotonic() - started >= 0.2
    assert (quick.ended, stubborn.ended) == (True, True)


def test_a_drain_without_streams_is_over_at_once(hub):
    started = time.monotonic()

    hub.drain(grace=5)

    assert time.monotonic() - started < 5


def test_a_draining_worker_takes_no_new_streams(hub):
    late = Recorder("a", hub=hub, start=hub.join(None, ["a"]).start)
    hub.drain()

    assert not hub.admit(late)
    with pytest.raises(Overloaded):
        hub.join(None, ["a"])


def test_a_stream_drained_in_mid_replay_resumes_without_loss_or_double(make_hub, log):
    hub, successor = make_hub(), make_hub()
    start = log.bounds().last
    publish(log, range(500), hub=hub)
    stream = Recorder("a", hub=hub, start=hub.join(start, ["a"]).start)
    assert hub.admit(stream)
    stream.push(hub.catch_up(stream))

    hub.drain()
    read(successor, log)
    resumed = Recorder.open(successor, "a", cursor=stream.cursor)

    assert stream.events[-1].name == "nexora:closing"
    assert stream.numbers + resumed.numbers == list(range(500))


def test_stopping_ends_the_threads_of_the_hub(make_hub, log):
    before = set(threading.enumerate())
    hub = make_hub()
    mine = set(threading.enumerate()) - before
    assert len(mine) == 2

    hub.stop()
    publish(log, [1])

    wait_until(lambda: not any(thread.is_alive() for thread in mine))


def test_stopping_ends_every_stream_without_a_word(hub):
    stream = Recorder.open(hub, "a")

    hub.stop()

    assert stream.ended
    assert stream.pieces == []
