"""One worker's share of presence: its copies of the members, and what it tells the record."""

import json
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from flask_nexora_rt.events import Position
from flask_nexora_rt.hub import Hub
from flask_nexora_rt.log import Limits
from flask_nexora_rt.log.memory import MemoryLog
from flask_nexora_rt.presence import registrar as registrar_module
from flask_nexora_rt.presence.attendance import Attendance
from flask_nexora_rt.presence.base import Change, Member, Row, Snapshot
from flask_nexora_rt.presence.memory import MemoryPresence
from flask_nexora_rt.presence.registrar import Registrar
from flask_nexora_rt.presence.roster import MemberEvent, Roster
from flask_nexora_rt.settings import Settings
from flask_nexora_rt.signals import member_added
from tests.unit.recorder import Recorder

CHANNEL = "presence-a"
AT = Position(1, 0)


def wait_until(condition: Callable[[], object], timeout: float = 30) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.002)


def member(user: str, info: str = "{}") -> Member:
    return Member(user, info, "online", 0)


def added(user: str, version: int) -> MemberEvent:
    return MemberEvent(CHANNEL, "added", user, version, member(user))


def snapshot(version: int, *users: str) -> Snapshot:
    return Snapshot(version, {user: member(user) for user in users})


def log_of(stream: Recorder) -> list[str]:
    """What a stream was shown and told: "=ann,ben", "+cat", "-cat"."""
    told = []
    for event in stream.events:
        if event.name == "pusher:subscription_succeeded":
            told.append("=" + ",".join(sorted(event.payload["presence"]["ids"])))
        elif event.name in ("pusher:member_added", "pusher:member_removed"):
            told.append(("+" if event.name.endswith("added") else "-") + event.payload["id"])
    return told


class TestRoster:
    """The copy of one channel's members."""

    @pytest.fixture
    def roster(self) -> Roster:
        return Roster(CHANNEL, limit=3)

    def watch(self, roster: Roster, user: str = "ann") -> Recorder:
        """A live stream that has joined."""
        stream = Recorder(CHANNEL, user_id=user, infos={CHANNEL: "{}"})
        stream.live = True
        roster.waiting.add(stream)
        roster.join(stream)
        self.send(roster.show(AT))
        return stream

    def send(self, deliveries) -> None:
        for streams, data in deliveries:
            for stream in streams:
                stream.push(data)

    def test_a_stream_is_shown_the_members_once_they_are_loaded(self, roster):
        stream = self.watch(roster)
        assert log_of(stream) == []

        self.send(roster.load(snapshot(5, "ann", "ben"), AT) + roster.show(AT))
        self.send(roster.take(added("cat", 6), AT))

        assert log_of(stream) == ["=ann,ben", "+cat"]

    def test_what_comes_before_the_snapshot_is_told_after_it_once(self, roster):
        stream = self.watch(roster)
        for event in (added("ben", 5), added("cat", 6)):
            assert roster.take(event, AT) == []

        self.send(roster.load(snapshot(5, "ann", "ben"), AT) + roster.show(AT))

        assert log_of(stream) == ["=ann,ben,cat"]

    def test_a_change_that_was_missed_makes_the_next_one_wait_for_a_new_snapshot(self, roster):
        roster.load(snapshot(5, "ann"), AT)
        stream = self.watch(roster)

        assert roster.take(added("cat", 7), AT) is None
        self.send(roster.load(snapshot(7, "ann", "ben", "cat"), AT))

        assert sorted(log_of(stream)) == ["+ben", "+cat", "=ann"]

    def test_a_change_that_is_missing_behind_the_snapshot_asks_for_another_one(self, roster):
        roster.take(added("cat", 7), AT)

        roster.load(snapshot(5, "ann"), AT)
        assert roster.version is None

        roster.load(snapshot(7, "ann", "ben", "cat"), AT)
        assert roster.version == 7
        assert set(roster.members) == {"ann", "ben", "cat"}

    def test_changes_of_a_record_that_is_no_more_are_forgotten(self, roster):
        roster.take(added("ghost", 6), AT)

        roster.distrust()
        roster.load(snapshot(5, "ann"), AT)

        assert set(roster.members) == {"ann"}

    def test_members_that_are_only_counted_are_not_read(self, roster):
        members = {user: member(user, info="not JSON") for user in ("ann", "ben", "cat", "dan")}
        roster.load(Snapshot(5, members), AT)

        (shown,) = self.watch(roster).events

        assert shown.payload == {"presence": {"count": 4, "ids": [], "hash": {}}}

    def test_who_is_not_among_the_members_yet_is_shown_among_them(self, roster):
        roster.load(snapshot(5, "ben"), AT)

        assert log_of(self.watch(roster)) == ["=ann,ben"]
        assert log_of(self.watch(roster, "ben")) == ["=ben"]

    def test_a_channel_that_shrinks_is_listed_again(self, roster):
        roster.load(snapshot(5, "ann", "ben", "cat", "dan"), AT)
        stream = self.watch(roster)

        self.send(roster.take(MemberEvent(CHANNEL, "removed", "dan", 6, None), AT))

        assert log_of(stream) == ["=", "=ann,ben,cat"]


class FakeWorker:
    """The worker of a registrar, without streams."""

    def __init__(self) -> None:
        self.loaded: list[str] = []
        self.rows = [Change(True, Row("1.1", CHANNEL, "ann", "{}"))]

    def changes(self) -> list[Change]:
        return self.rows

    def joined(self, rows) -> list[str]:
        return [row.channel for row in rows]

    def unloaded(self) -> list[str]:
        return [CHANNEL]

    def load(self, channel, ask) -> None:
        self.loaded.append(channel)

    def stats(self) -> dict:
        return {}


class WatchedStore(MemoryPresence):
    """Keeps how it was swept."""

    def __init__(self) -> None:
        super().__init__(lambda events: None)
        self.sweeps: list[bool] = []

    def sweep(self, patient: bool = False):
        self.sweeps.append(patient)
        return super().sweep(patient)


class TestRegistrar:
    """What a worker tells the record."""

    @pytest.fixture(autouse=True)
    def hurry(self, monkeypatch) -> None:
        monkeypatch.setattr(registrar_module, "BEAT_SECONDS", 0.02)
        monkeypatch.setattr(registrar_module, "_OTHERS_SECONDS", 0.3)

    @pytest.fixture
    def store(self) -> WatchedStore:
        return WatchedStore()

    @pytest.fixture
    def worker(self) -> FakeWorker:
        return FakeWorker()

    @pytest.fixture
    def registrar(self, store, worker) -> Iterator[Registrar]:
        made = Registrar(store, 1, worker, lambda outcomes: None)
        made.start()
        made.distrust()
        yield made
        made.stop()

    def test_the_first_members_are_loaded_at_once(self, registrar, worker):
        wait_until(lambda: worker.loaded, timeout=0.25)

    def test_after_a_fault_it_loads_nothing_before_the_others_have_told_theirs(
        self, registrar, worker
    ):
        wait_until(lambda: worker.loaded)
        worker.loaded.clear()
        began = time.monotonic()

        registrar.distrust()

        wait_until(lambda: worker.loaded)
        assert time.monotonic() - began >= 0.3

    def test_until_the_others_have_told_theirs_nobody_is_taken_for_gone(self, registrar, store):
        wait_until(lambda: store.sweeps)
        store.sweeps.clear()
        began = time.monotonic()

        registrar.distrust()

        wait_until(lambda: False in store.sweeps[1:])
        assert store.sweeps[1]
        assert time.monotonic() - began >= 0.25

    def test_what_was_told_is_told_once_however_often_it_is_told_anew(self, registrar, store):
        for _ in range(5):
            registrar.distrust()
            time.sleep(0.03)
        registrar.add([Change(True, Row("2.1", CHANNEL, "ben", "{}"))])

        wait_until(lambda: store.occupancy(CHANNEL) == (2, 2))


class SlowStore(MemoryPresence):
    """Its answers can be held back: then they are about what was."""

    def __init__(self, emit) -> None:
        super().__init__(emit)
        self.asked = threading.Event()
        self.hold: threading.Event | None = None

    def snapshot(self, channel: str) -> Snapshot:
        found, hold = super().snapshot(channel), self.hold
        if hold is not None:
            self.asked.set()
            hold.wait(5)
        return found

    def begin_anew(self) -> None:
        """Lose everything."""
        super().__init__(self._emit)


class TestAttendance:
    """The hub, the record and the rosters together."""

    @pytest.fixture
    def log(self) -> MemoryLog:
        return MemoryLog(Limits(1000, 300, 1 << 30))

    @pytest.fixture
    def store(self, log) -> SlowStore:
        return SlowStore(log.emit)

    @pytest.fixture
    def hub(self, log, store, monkeypatch) -> Iterator[Hub]:
        monkeypatch.setattr(registrar_module, "_OTHERS_SECONDS", 0.1)
        hub = Hub(log, Settings(secret="x" * 16), 100)
        attendance = Attendance(hub, store, 1, lambda outcomes: None)
        attendance.registrar.start()
        hub.start()
        yield hub
        hub.stop()
        attendance.registrar.stop()

    def visit(self, hub: Hub, user: str) -> Recorder:
        """Open a stream as this user."""
        hub.wait_for_start()
        return Recorder.open(hub, CHANNEL, user_id=user, infos={CHANNEL: json.dumps({})})

    def test_streams_are_shown_the_members_and_told_of_changes(self, hub):
        ann = self.visit(hub, "ann")
        wait_until(lambda: log_of(ann))
        ben = self.visit(hub, "ben")
        wait_until(lambda: log_of(ben) and len(log_of(ann)) == 2)

        assert log_of(ann) == ["=ann", "+ben"]
        assert log_of(ben) == ["=ann,ben"]

    def test_an_answer_about_a_record_that_is_no_more_is_not_believed(self, hub, store):
        hold = store.hold = threading.Event()
        store.apply("elsewhere", [Change(True, Row("9.9", CHANNEL, "ghost", "{}"))])
        ann = self.visit(hub, "ann")
        assert store.asked.wait(5)
        # Meanwhile the record is lost with what was answered, and begins anew.
        store.begin_anew()
        hub.attendance.restarted()
        store.hold = None
        hold.set()

        wait_until(lambda: log_of(ann))

        assert log_of(ann) == ["=ann"]

    def test_a_stream_that_ends_before_it_is_counted_in_leaves_nothing(self, hub, store):
        hub.wait_for_start()
        stream = Recorder(CHANNEL, hub=hub, user_id="ann", infos={CHANNEL: "{}"})
        hub.attendance.admitted(stream)
        other = self.visit(hub, "ben")
        wait_until(lambda: log_of(other))

        assert store.occupancy(CHANNEL) == (1, 1)


def test_a_signal_receiver_that_fails_does_not_keep_members_from_being_shown(host, caplog):
    def fail(app, **about):
        raise ValueError("the host's own fault")

    with member_added.connected_to(fail, host.app):
        ann = host.stream("ann", CHANNEL)
        ben = host.stream("ben", CHANNEL)
        shown = ben.take_control("pusher:subscription_succeeded", timeout=0.9)
        ann.close()
        ben.close()

    assert "ben" in shown.payload["presence"]["ids"]
    assert "a receiver of member_added has failed" in caplog.text
