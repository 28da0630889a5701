"""The retained end of the log, and what a replay of it shows."""

import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_nexora_rt.events import Entry, Event, Position
from flask_nexora_rt.log import Bounds, Limits, Window

START = Position(1000, 0)
PLENTY = Limits(1000, 1_000_000, 1 << 30)
KB = b"x" * 1024


def window(limits: Limits = PLENTY) -> Window:
    return Window(Bounds(START, START, START), limits)


def entry(number: int, *channels: str, **rest) -> Entry:
    """An entry one second after the one before it."""
    data = rest.pop("data", str(number).encode())
    return Entry(at(number), Event(channels or ("a",), "tick", data, **rest))


def at(number: int) -> Position:
    return Position(1000 + number * 1000, 0)


def filled(*entries: Entry, limits: Limits = PLENTY) -> Window:
    made = window(limits)
    for each in entries:
        made.add(each)
    return made


def shown(made: Window, after: Position, *channels: str) -> list[tuple[int, bytes]]:
    """The number and the data of what a holder of the channels is shown."""
    replayed = made.replay(after, channels)
    return [(e.position.ms // 1000 - 1, e.event.data) for e in replayed]


def numbers(entries: list[Entry]) -> list[int]:
    return [e.position.ms // 1000 - 1 for e in entries]


# -- which cursors are complete ----------------------------------------------------------------


@pytest.mark.parametrize(
    "cursor, reason",
    [
        (Position(4, 9), "reset"),
        (Position(5, 0), "expired"),
        (Position(9, 9), "expired"),
        (Position(10, 0), None),
        (Position(15, 3), None),
        (Position(20, 0), None),
        (Position(20, 1), "future"),
        (Position(21, 0), "future"),
    ],
)
def test_a_cursor_is_complete_from_the_floor_to_the_last(cursor, reason):
    bounds = Bounds(floor=Position(10, 0), last=Position(20, 0), reset=Position(5, 0))

    assert bounds.gap(cursor) == reason


# -- trimming ----------------------------------------------------------------------------------


def test_the_oldest_go_when_there_are_too_many():
    made = filled(*map(entry, range(1, 6)), limits=PLENTY._replace(events=3))

    made.trim(now=0)

    assert numbers(made.since(at(2), 10)) == [3, 4, 5]
    assert made.bounds == Bounds(floor=at(2), last=at(5), reset=START)


def test_the_oldest_go_when_they_are_too_old():
    made = filled(*map(entry, range(1, 6)), limits=PLENTY._replace(seconds=2))

    made.trim(now=at(4).ms / 1000 + 0.5)

    assert numbers(made.since(START, 10)) == [3, 4, 5]
    assert made.bounds.floor == at(2)


def test_what_is_exactly_as_old_as_the_retention_stays():
    made = filled(entry(1), limits=PLENTY._replace(seconds=2))

    made.trim(now=at(3).ms / 1000)

    assert len(made) == 1


def test_the_oldest_go_when_they_hold_too_many_bytes():
    large = [entry(n, data=KB * 10) for n in range(1, 6)]
    size = large[0].event.size
    made = filled(*large, limits=PLENTY._replace(bytes=3 * size))

    made.trim(now=0)

    assert numbers(made.since(START, 10)) == [3, 4, 5]


def test_an_entry_larger_than_the_bound_is_kept_while_it_is_the_newest():
    made = filled(entry(1), entry(2, data=KB * 10), limits=PLENTY._replace(bytes=100))

    made.trim(now=0)

    assert numbers(made.since(START, 10)) == [2]


def test_the_bytes_of_what_is_gone_are_free_again():
    size = entry(1, data=KB).event.size
    made = window(PLENTY._replace(bytes=3 * size))

    for n in range(1, 100):
        made.add(entry(n, data=KB))
        made.trim(now=0)

    assert len(made) == 3


def test_names_and_keys_that_are_gone_take_no_memory():
    made = window(PLENTY._replace(events=10))

    def pass_through(numbers: range) -> int:
        for n in numbers:
            made.add(entry(n, f"channel-{n}", key=f"key-{n}"))
            made.trim(now=0)
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    before = pass_through(range(1, 3000))  # fills Python's own lists of free objects
    after = pass_through(range(3000, 9000))
    tracemalloc.stop()

    assert after - before < 100_000


def test_a_quiet_log_keeps_its_last_position_as_floor():
    made = filled(entry(1), limits=PLENTY._replace(seconds=1))

    made.trim(now=1_000_000)

    assert len(made) == 0
    assert made.bounds.floor == made.bounds.last == at(1)
    assert made.bounds.gap(at(1)) is None


def test_expiring_drops_everything_but_the_last_position():
    made = filled(entry(1), entry(2, key="k"))

    made.expire()

    assert len(made) == 0
    assert made.bounds == Bounds(floor=at(2), last=at(2), reset=START)
    assert made.replay(START, ["a"]) == []


def test_a_restart_forgets_everything():
    made = filled(entry(1, key="k"))
    anew = Bounds(at(9), at(9), at(9))

    made.restart(anew)
    made.add(entry(10, key="k", replay=b"1"))

    assert made.bounds == anew._replace(last=at(10))
    assert shown(made, at(9), "a") == [(10, b"10")]


def test_an_entry_that_is_passed_over_moves_the_last_position_only():
    made = window()

    made.add(entry(1), keep=False)

    assert (len(made), made.bounds.last) == (0, at(1))
    assert made.since(START, 10) == []


def test_since_gives_the_oldest_first_up_to_the_limit():
    made = filled(*map(entry, range(1, 6)))

    assert numbers(made.since(at(1), 2)) == [2, 3]
    assert numbers(made.since(START, 10)) == [1, 2, 3, 4, 5]
    assert made.since(at(5), 10) == []


# -- replay ------------------------------------------------------------------------------------


def test_a_replay_shows_ones_own_channels_in_the_order_of_the_log():
    made = filled(entry(1, "a"), entry(2, "b"), entry(3, "c"), entry(4, "a"), entry(5, "b"))

    assert [n for n, _ in shown(made, START, "b", "a")] == [1, 2, 4, 5]
    assert [n for n, _ in shown(made, at(2), "b", "a")] == [4, 5]
    assert shown(made, START, "other") == []


def test_an_entry_on_two_channels_is_shown_once():
    assert shown(filled(entry(1, "a", "b")), START, "a", "b") == [(1, b"1")]


def test_a_later_event_with_the_same_key_supersedes_an_earlier_one():
    made = filled(entry(1, key="k"), entry(2, key="other"), entry(3, key="k"), entry(4))

    assert [n for n, _ in shown(made, START, "a")] == [2, 3, 4]


def test_an_edited_event_shows_its_new_data_in_its_old_place():
    made = filled(entry(1, key="k"), entry(2), entry(3, key="k", replay=b'"new"'))

    assert shown(made, START, "a") == [(1, b'"new"'), (2, b"2")]


def test_an_event_edited_twice_shows_the_last_edit():
    made = filled(
        entry(1, key="k"), entry(2, key="k", replay=b'"2nd"'), entry(3, key="k", replay=b'"3rd"')
    )

    assert shown(made, START, "a") == [(1, b'"3rd"')]


def test_a_deleted_event_is_not_shown_nor_is_its_deletion():
    made = filled(entry(1, key="k"), entry(2), entry(3, key="k", replay=b""))

    assert shown(made, START, "a") == [(2, b"2")]


@pytest.mark.parametrize("amendment", [b'"new"', b""], ids=["edit", "deletion"])
def test_who_has_seen_the_event_is_shown_the_amendment_itself(amendment):
    made = filled(entry(1, key="k"), entry(2), entry(3, key="k", replay=amendment))

    assert shown(made, at(1), "a") == [(2, b"2"), (3, b"3")]


def test_who_has_seen_an_edit_is_shown_the_next_one():
    made = filled(
        entry(1, key="k"), entry(2, key="k", replay=b'"2nd"'), entry(3, key="k", replay=b'"3rd"')
    )

    assert shown(made, at(1), "a") == [(3, b"3")]
    assert shown(made, at(2), "a") == [(3, b"3")]
    assert shown(made, at(3), "a") == []


def test_an_amendment_outlives_the_event_that_it_amends():
    made = filled(
        entry(1, key="k"),
        entry(2, key="k", replay=b'"new"'),
        limits=PLENTY._replace(events=1),
    )
    made.trim(now=0)

    assert shown(made, at(1), "a") == [(2, b"2")]


def test_an_amendment_of_an_event_from_before_the_window_is_shown_itself():
    made = filled(entry(1, key="k", replay=b'"new"'))

    assert shown(made, START, "a") == [(1, b"1")]


def test_a_new_event_begins_the_key_anew():
    made = filled(entry(1, key="k"), entry(2, key="k", replay=b'"edit"'), entry(3, key="k"))

    assert shown(made, START, "a") == [(3, b"3")]
    assert shown(made, at(1), "a") == [(3, b"3")]


def test_an_amendment_reaches_holders_of_channels_that_its_origin_did_not_go_to():
    """Live they are sent the amendment; a replay that hides it would lose it in silence."""
    made = filled(entry(1, "a", key="k"), entry(2, "a", "b", key="k", replay=b'"new"'))

    assert shown(made, START, "b") == [(2, b"2")]


# -- against a naive model ---------------------------------------------------------------------

LIMITS = Limits(events=6, seconds=9, bytes=8 * Event(("a",), "tick", b"00").size)
# A key belongs to one set of channels, as a message belongs to one conversation.
KEYS = {None: None, "k1": ("a",), "k2": ("a", "b"), "k3": ("b",)}
steps = st.tuples(
    st.sampled_from(sorted(KEYS, key=str)),
    st.sampled_from([None, None, b'"edit"', b""]),
    st.sampled_from([("a",), ("b",), ("a", "b"), ("c",)]),
    st.integers(0, 4),
)


class Model:
    """What `Window` promises, written so that it is plainly right and slow."""

    def __init__(self) -> None:
        self.all: list[Entry] = []
        self.floor = START

    @property
    def kept(self) -> list[Entry]:
        return [e for e in self.all if e.position > self.floor]

    def add(self, entry: Entry, now: float) -> None:
        self.all.append(entry)
        while self.kept and self._over(self.kept, now):
            self.floor = self.kept[0].position

    def _over(self, kept: list[Entry], now: float) -> bool:
        size = sum(e.event.size for e in kept)
        return (
            len(kept) > LIMITS.events
            or kept[0].position.ms / 1000 < now - LIMITS.seconds
            or (size > LIMITS.bytes and len(kept) > 1)
        )

    def replay(self, after: Position, channels: set[str]) -> list[Entry]:
        concerned = [e for e in self.kept if channels & set(e.event.channels)]
        shown = [self._shown(e, after) for e in concerned if e.position > after]
        return [e for e in shown if e is not None]

    def _shown(self, entry: Entry, after: Position) -> Entry | None:
        key = entry.event.key
        if key is None:
            return entry
        later = [e for e in self.all if e.event.key == key and e.position > entry.position]
        if any(e.event.replay is None for e in later):
            return None
        if entry.event.replay is None:
            return self._amended(entry, later)
        begun = [e for e in self.all if e.event.key == key and e.event.replay is None]
        if later or (begun and begun[-1].position > after):
            return None
        return entry

    @staticmethod
    def _amended(entry: Entry, amendments: list[Entry]) -> Entry | None:
        if not amendments:
            return entry
        data = amendments[-1].event.replay
        return replace(entry, event=replace(entry.event, data=data)) if data else None


@given(st.lists(steps, max_size=25), st.sets(st.sampled_from("abc")), st.data())
@settings(max_examples=200)
def test_a_window_behaves_as_its_model(history, channels, data):
    made, model, second = window(LIMITS), Model(), 1.0
    for number, (key, amendment, anywhere, pause) in enumerate(history):
        second += pause
        position = max(Position(int(second * 1000), 0), made.bounds.last.next())
        event = Event(
            KEYS[key] or anywhere,
            "tick",
            f"{number:02}".encode(),
            key=key,
            replay=amendment if key else None,
        )
        made.add(Entry(position, event))
        made.trim(second)
        model.add(Entry(position, event), second)

    assert made.bounds.floor == model.floor
    assert made.since(START, 1000) == model.kept
    cursors = [e.position for e in model.all if e.position >= model.floor] or [model.floor]
    after = data.draw(st.sampled_from([model.floor, *cursors]))
    assert made.replay(after, channels) == model.replay(after, channels)
