"""What every log promises, whatever it is made of."""

import threading
import time

import pytest

from flask_nexora_rt.events import Event, Position
from flask_nexora_rt.log import EntriesLost, Gap
from tests.contract.conftest import Follower, event, numbers


def test_positions_rise_in_the_order_of_the_append(log):
    first, second, third = log.append([event(1), event(2), event(3)])

    assert first < second < third
    assert log.bounds().last == third


def test_an_event_comes_back_as_it_was_published(log):
    start = log.bounds().last
    published = Event(
        ("a", "b,c"),
        "näme",
        '{"text":"ü\u2028\\n"}'.encode(),
        exclude="1.2",
        key="message-1",
        replay=b'{"text":"new"}',
        parts={"a": b'{"unread":1}'},
        user_id="alice",
    )

    log.append([published])

    assert [entry.event for entry in log.range(start, 10)] == [published]


def test_an_append_that_is_repeated_appends_once(log):
    start = log.bounds().last
    once = log.append([event(1, publish_id="p-1"), event(2, publish_id="p-2")])

    again = log.append([event(1, publish_id="p-1"), event(3, publish_id="p-3")])

    assert again[0] == once[0]
    assert numbers(log.range(start, 10)) == [1, 2, 3]


def test_events_without_a_publish_id_are_all_appended(log):
    start = log.bounds().last

    log.append([event(1)])
    log.append([event(1)])

    assert numbers(log.range(start, 10)) == [1, 1]


def test_more_than_one_round_trip_of_events_keeps_its_order(log):
    start = log.bounds().last

    positions = log.append([event(n) for n in range(1234)])

    assert positions == sorted(set(positions))
    assert numbers(log.range(start, 2000)) == list(range(1234))


def test_range_gives_pages(log):
    start = log.bounds().last
    positions = log.append([event(n) for n in range(10)])

    assert numbers(log.range(start, 4)) == [0, 1, 2, 3]
    assert numbers(log.range(positions[3], 100)) == [4, 5, 6, 7, 8, 9]
    assert log.range(positions[-1], 100) == []


def test_a_new_log_has_nothing_before_it(log):
    bounds = log.bounds()

    assert bounds.floor == bounds.last == bounds.reset
    assert log.range(bounds.last, 10) == []


def test_what_is_trimmed_by_count_is_a_gap_and_the_rest_is_not(make_log):
    log = make_log(events=5)
    start = log.bounds().last
    positions = log.append([event(n) for n in range(8)])

    assert log.bounds().floor == positions[2]
    assert numbers(log.range(positions[2], 10)) == [3, 4, 5, 6, 7]
    lost = log.range(start, 10)
    assert isinstance(lost, Gap)
    assert lost.reason == "expired"
    assert isinstance(log.range(positions[1], 10), Gap)


def test_a_quiet_log_gives_no_false_gap(make_log):
    """The last event is older than the retention, nothing has been lost since."""
    log = make_log(seconds=1)
    seen = log.append([event(1)])[0]
    time.sleep(1.3)

    log.append([event(2)])

    assert numbers(log.range(seen, 10)) == [2]


def test_what_is_trimmed_by_age_is_a_gap(make_log):
    log = make_log(seconds=1)
    first, second = log.append([event(1), event(2)])
    time.sleep(1.3)

    log.append([event(3)])

    assert isinstance(log.range(first, 10), Gap)
    assert numbers(log.range(second, 10)) == [3]


def test_a_repeated_append_to_a_quiet_log_keeps_the_last_position(make_log):
    log = make_log(seconds=1)
    position = log.append([event(1, publish_id="p")])[0]
    time.sleep(1.3)

    assert log.append([event(1, publish_id="p")]) == [position]
    assert log.bounds().last == position


def test_a_cursor_of_the_future_is_a_gap(log):
    last = log.append([event(1)])[0]

    gap = log.range(Position(last.ms + 10_000, 0), 10)

    assert isinstance(gap, Gap)
    assert gap.reason == "future"


def test_a_cursor_from_before_the_log_began_is_a_reset(log):
    begun = log.bounds().reset

    gap = log.range(Position(begun.ms - 1000, 5), 10)

    assert isinstance(gap, Gap)
    assert gap.reason == "reset"


def test_a_tail_reads_what_comes_after_its_start_once_and_in_order(log):
    log.append([event(n) for n in range(3)])
    start = log.append([event(3)])[0]
    log.append([event(4)])
    follower = Follower(log, start)

    for n in range(5, 300):
        log.append([event(n)])
    follower.wait(entries=296)

    assert numbers(follower.entries) == list(range(4, 300))


def test_a_tail_that_reads_nothing_comes_back_in_time(log):
    tail = log.tail(log.bounds().last)

    batch = tail.read(0.05)

    assert batch == ([], [])
    tail.close()


def test_ephemeral_events_reach_those_who_tail_and_nobody_later(log):
    start = log.bounds().last
    follower = Follower(log, start)
    time.sleep(0.1)

    log.emit([event(1, user_id="alice"), event(2)])
    log.append([event(3)])
    follower.wait(entries=1, ephemeral=2)

    assert follower.ephemeral == [event(1, user_id="alice"), event(2)]
    assert numbers(log.range(start, 10)) == [3]
    late = Follower(log, start)
    late.wait(entries=1)
    assert late.ephemeral == []


def test_many_writers_get_positions_of_their_own(log):
    start = log.bounds().last
    taken: list[Position] = []

    def write(worker: int) -> None:
        for n in range(50):
            taken.extend(log.append([event(worker * 1000 + n)]))

    writers = [threading.Thread(target=write, args=(worker,)) for worker in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    stored = log.range(start, 1000)
    assert len(set(taken)) == 400
    assert [entry.position for entry in stored] == sorted(taken)
    for worker in range(8):
        mine = [n for n in numbers(stored) if n // 1000 == worker]
        assert mine == sorted(mine)


@pytest.mark.parametrize("count", [1, 3])
def test_retention_never_takes_the_newest_entry(make_log, count):
    log = make_log(events=count)

    last = log.append([event(n) for n in range(10)])[-1]

    assert log.bounds().last == last
    assert log.range(log.bounds().floor, 10)[-1].position == last


@pytest.mark.parametrize("events", [8, 500])
def test_a_tail_that_falls_behind_the_retention_says_so(make_log, events):
    log = make_log(events=5)
    tail = log.tail(log.bounds().last)
    log.append([event(n) for n in range(events)])

    with pytest.raises(EntriesLost):
        tail.read(1)
    tail.close()


def test_a_tail_at_the_very_edge_of_the_retention_has_lost_nothing(make_log):
    log = make_log(events=5)
    seen = log.append([event(0)])[0]
    tail = log.tail(seen)
    log.append([event(n) for n in range(1, 6)])

    assert numbers(tail.read(1).entries) == [1, 2, 3, 4, 5]
    tail.close()
