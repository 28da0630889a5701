"""What the shared record of who is where promises, whatever it is made of."""

import json
import time

import pytest

from flask_nexora_rt.log import Limits
from flask_nexora_rt.log.memory import MemoryLog
from flask_nexora_rt.log.redis import RedisLog
from flask_nexora_rt.presence.base import Change, Connection, Outcome, Row
from flask_nexora_rt.presence.memory import MemoryPresence
from flask_nexora_rt.presence.redis import RedisPresence
from flask_nexora_rt.redis_client import RedisClient
from tests.contract.conftest import Follower

LIMITS = Limits(1000, 300, 1 << 30)
LEASE, GRACE = 0.6, 0.3


class Record:
    """A store, and the member events it tells."""

    def __init__(self, log, store):
        self.store = store
        self.log = log
        self._follower = Follower(log, log.bounds().last)
        time.sleep(0.05)

    def told(self, count):
        """The first `count` member events as (kind, channel, user); no more may come."""
        self._follower.wait(ephemeral=count)
        events = [json.loads(event.data) for event in self._follower.ephemeral]
        self.versions = [int(event["version"]) for event in events]
        return [(event["kind"], event["channel"], event["user"]) for event in events]

    def close(self):
        self._follower.stop()


@pytest.fixture(params=["memory", "redis"])
def record(request, redis_url, app_id):
    if request.param == "memory":
        log = MemoryLog(LIMITS)
        store = MemoryPresence(log.emit, lease=LEASE, grace=GRACE)
    else:
        client = RedisClient(redis_url, 5)
        log = RedisLog(client, app_id, LIMITS)
        store = RedisPresence(client, app_id, lease=LEASE, grace=GRACE)
    made = Record(log, store)
    yield made
    made.close()
    log.close()


def row(socket, user="alice", channel="presence-a", info="{}"):
    return Row(f"{socket}.1", channel, user, info)


def come(*what):
    return [Change(True, one) for one in what]


def go(*what):
    return [Change(False, one) for one in what]


def test_a_member_is_added_with_its_first_row_and_removed_after_its_last(record):
    store = record.store
    store.apply("w", come(row(1), row(2)))
    store.apply("w", go(row(1)))
    store.apply("w", go(row(2)))
    store.sweep()
    assert list(store.snapshot("presence-a").members) == ["alice"]

    time.sleep(GRACE + 0.05)
    store.sweep()

    assert store.snapshot("presence-a").members == {}
    assert record.told(2) == [
        ("added", "presence-a", "alice"),
        ("removed", "presence-a", "alice"),
    ]


def test_a_reload_within_the_grace_is_not_seen(record):
    store = record.store
    store.apply("w", come(row(1)))
    store.apply("w", go(row(1)) + come(row(2)))
    time.sleep(GRACE + 0.05)
    store.sweep()
    store.apply("w", come(row(3, "bob")))

    assert record.told(2) == [
        ("added", "presence-a", "alice"),
        ("added", "presence-a", "bob"),
    ]


def test_changes_that_are_repeated_change_nothing(record):
    store = record.store
    store.apply("w", come(row(1)))
    _, outcomes = store.apply("w", come(row(1)))
    store.apply("w", go(row(1)))
    _, again = store.apply("w", go(row(1)))

    assert outcomes == again == []
    assert store.occupancy("presence-a").subscriptions == 0


def test_outcomes_name_what_became_true(record):
    _, first = record.store.apply("w", come(row(1), row(2, "bob")))
    _, second = record.store.apply("w", go(row(1), row(2, "bob")))

    assert first == [
        Outcome("channel_occupied", "presence-a"),
        Outcome("member_added", "presence-a", "alice"),
        Outcome("member_added", "presence-a", "bob"),
    ]
    assert second == [Outcome("channel_vacated", "presence-a")]


def test_the_members_of_a_dead_worker_leave_once_and_not_those_who_are_elsewhere_too(record):
    store = record.store
    store.apply("dead", come(row(1), row(2, "bob")))
    time.sleep(LEASE + 0.05)
    store.apply("alive", come(row(3, "bob")))

    outcomes = store.sweep() + store.sweep()

    assert [o for o in outcomes if o.kind == "member_removed"] == [
        Outcome("member_removed", "presence-a", "alice")
    ]
    assert list(store.snapshot("presence-a").members) == ["bob"]
    assert store.occupancy("presence-a").subscriptions == 1


def test_a_worker_that_lost_its_lease_is_told_so(record):
    store = record.store
    assert store.renew("w", {}) is False
    assert store.renew("w", {}) is True
    time.sleep(LEASE + 0.05)
    store.sweep()

    assert store.apply("w", come(row(1)))[0] is False
    assert store.apply("w", come(row(2)))[0] is True


def test_a_lease_that_is_given_back_lets_the_rows_be_swept(record):
    store = record.store
    store.apply("w", come(row(1)))

    store.leave("w")
    store.sweep()

    assert store.occupancy("presence-a").subscriptions == 0
    # Its clients were told to wait before they come back, so a usual grace would be too short.
    time.sleep(GRACE + 0.05)
    store.sweep()
    assert list(store.snapshot("presence-a").members) == ["alice"]
    time.sleep(GRACE + 0.05)
    store.sweep()
    assert store.snapshot("presence-a").members == {}


def test_a_patient_sweep_takes_nobody_for_gone(record):
    store = record.store
    store.apply("dead", come(row(1)))
    store.apply("left", come(row(2, "bob")))
    store.apply("w", come(row(3, "carol")) + go(row(3, "carol")))
    store.leave("left")
    time.sleep(LEASE + 0.05)

    assert store.sweep(patient=True) == []
    assert set(store.snapshot("presence-a").members) == {"alice", "bob", "carol"}
    assert store.occupancy("presence-a").subscriptions == 1

    store.sweep()
    time.sleep(2 * GRACE + 0.05)
    store.sweep()
    assert store.snapshot("presence-a").members == {}


def test_what_a_worker_tells_again_under_a_new_name_outlives_its_old_one(record):
    store = record.store
    stream = Connection("1.1", "alice")
    store.apply("w.1", come(stream, row(1)))
    store.set_status("1.1", "alice", "away")

    store.apply("w.2", come(stream, row(1)))
    store.leave("w.1")
    outcomes = store.sweep()

    assert outcomes == []
    assert store.occupancy("presence-a") == (1, 1)
    assert store.status("alice").status == "away"
    assert store.set_status("1.1", "alice", "online")
    store.apply("w.2", go(row(1), stream))
    assert store.status("alice").status == "offline"


def test_versions_rise_by_one_and_a_snapshot_has_the_last(record):
    store = record.store
    store.apply("w", come(row(1), row(2, "bob"), row(3, "carol")))
    version = store.snapshot("presence-a").version

    record.told(3)

    first = record.versions[0]
    assert record.versions == [first, first + 1, first + 2]
    assert version == record.versions[-1]


def test_versions_never_fall_over_an_empty_channel(record):
    store = record.store
    for number in range(5):
        store.apply("w", come(row(number)))
        store.apply("w", go(row(number)))
        time.sleep(GRACE + 0.02)
        store.sweep()

    record.told(10)
    assert record.versions == sorted(set(record.versions))


def test_a_user_is_away_when_all_its_streams_are(record):
    store = record.store
    store.apply("w", come(Connection("1.1", "alice"), Connection("2.1", "alice"), row(1)))

    assert store.status("alice").status == "online"
    assert store.set_status("1.1", "alice", "away")
    assert store.status("alice").status == "online"
    assert store.set_status("2.1", "alice", "away")
    assert store.status("alice").status == "away"
    assert store.snapshot("presence-a").members["alice"].status == "away"
    store.apply("w", go(row(1), Connection("1.1", "alice"), Connection("2.1", "alice")))
    assert store.status("alice").status == "offline"
    assert store.status("alice").last_seen is not None
    assert record.told(2) == [
        ("added", "presence-a", "alice"),
        ("updated", "presence-a", "alice"),
    ]


def test_who_comes_back_within_its_grace_comes_back_with_its_new_status(record):
    store = record.store
    first, second = Connection("1.1", "alice"), Connection("2.1", "alice")
    store.apply("w", come(first, row(1)))
    store.set_status("1.1", "alice", "away")

    store.apply("w", go(row(1), first) + come(second, row(2)))

    assert store.snapshot("presence-a").members["alice"].status == "online"
    assert record.told(3) == [
        ("added", "presence-a", "alice"),
        ("updated", "presence-a", "alice"),
        ("updated", "presence-a", "alice"),
    ]


def test_a_stream_that_is_not_open_has_no_status(record):
    assert record.store.set_status("1.1", "alice", "away") is False
    assert record.store.status("alice") == ("offline", None)


def test_channels_are_counted_with_and_without_members(record):
    store = record.store
    store.apply("w", come(row(1), row(2, channel="guild-1", info=None), Row("3.1", "guild-1")))

    assert store.occupancy("guild-1") == (2, 0)
    assert store.channels("guild-") == {"guild-1": (2, 0)}
    assert set(store.channels("")) == {"guild-1", "presence-a"}


def test_a_prefix_is_no_pattern(record):
    record.store.apply("w", come(row(1, channel="guild-1", info=None)))

    assert record.store.channels("g*d-") == {}
    assert record.store.channels("guild-[1]") == {}


def test_info_comes_back_as_it_was(record):
    info = '{"name":"Älice","tags":[],"more":{}}'
    record.store.apply("w", come(row(1, info=info)))

    assert record.store.snapshot("presence-a").members["alice"].info == info


def test_ids_may_hold_anything(record):
    user = 'a b:"c"\n\\{}*'
    record.store.apply("w", come(Connection("1.1", user), row(1, user)))
    record.store.apply("w", go(row(1, user), Connection("1.1", user)))
    time.sleep(GRACE + 0.05)

    outcomes = record.store.sweep()

    assert outcomes == [Outcome("member_removed", "presence-a", user)]


def test_workers_leave_their_figures_for_as_long_as_they_live(record):
    record.store.renew("w", {"streams": 3})
    assert record.store.workers() == {"w": {"streams": 3}}

    time.sleep(LEASE + 0.05)

    assert record.store.workers() == {}
