"""What only a log outside the process has to stand: restarts, flushes, lost replies."""

import time

import pytest
import redis

from flask_nexora_rt import BrokerUnavailable
from flask_nexora_rt.events import Reset
from flask_nexora_rt.log import Gap, Limits
from flask_nexora_rt.log.redis import RedisLog
from flask_nexora_rt.redis_client import RedisClient
from tests.contract.conftest import Follower, event, numbers


@pytest.fixture
def make_redis_log(app_id):
    logs = []

    def make(url, timeout=5.0, events=10_000):
        limits = Limits(events, 300, 1 << 30)
        logs.append(RedisLog(RedisClient(url, timeout), app_id, limits))
        return logs[-1]

    yield make
    for log in logs:
        log.close()


@pytest.fixture
def own_log(make_redis, make_redis_log):
    """A log on a server of its own, and a plain client of that server."""
    server = make_redis()
    client = redis.Redis.from_url(server.url)
    yield make_redis_log(server.url), client
    client.close()


def test_an_append_whose_reply_is_lost_and_retried_appears_once(
    make_redis, make_proxy, make_redis_log
):
    proxy = make_proxy(make_redis().url)
    log = make_redis_log(proxy.url)
    start = log.append([event(0)])[0]
    proxy.drop_next_reply(to=b"EVALSHA")

    position = log.append([event(1)])[0]
    proxy.wait_dropped()

    assert [entry.position for entry in log.range(start, 10)] == [position]


def test_a_flush_makes_older_cursors_gap(own_log):
    log, client = own_log
    seen = log.append([event(1)])[0]
    client.flushall()

    log.append([event(2)])

    gap = log.range(seen, 10)
    assert isinstance(gap, Gap)
    assert gap.reason == "reset"


def test_a_flush_of_a_quiet_log_is_found_by_asking(own_log):
    log, client = own_log
    seen = log.append([event(1)])[0]
    client.flushall()

    bounds = log.bounds(seen=seen)

    assert bounds.reset > seen
    assert bounds.gap(seen) == "reset"


def test_a_tail_over_a_flush_reads_the_marker_first(own_log):
    log, client = own_log
    follower = Follower(log, log.append([event(1)])[0])
    time.sleep(0.2)
    client.flushall()

    log.append([event(2)])
    follower.wait(entries=2)

    assert isinstance(follower.entries[0], Reset)
    assert numbers(follower.entries[1:]) == [2]


def test_an_evicted_stream_is_a_reset_and_not_an_empty_log(own_log):
    log, client = own_log
    seen = log.append([event(1)])[0]
    client.delete(log._log)

    log.append([event(2)])

    assert isinstance(log.range(seen, 10), Gap)


def test_a_lost_end_of_the_log_is_marked_once_and_gaps(own_log):
    """As after a fail-over: somebody has seen an entry that the server does not have."""
    log, client = own_log
    kept, lost = log.append([event(1), event(2)])
    client.xdel(log._log, str(lost))

    bounds = log.bounds(seen=lost)

    assert bounds.gap(lost) == bounds.gap(kept) == "reset"
    assert bounds.last > lost
    assert log.bounds(seen=lost) == bounds


def test_what_a_publisher_was_promised_is_missed_too(own_log):
    """The tail lags behind the own appends: the newest of the two is what must exist."""
    log, client = own_log
    kept, lost = log.append([event(1), event(2)])
    client.xdel(log._log, str(lost))

    assert log.bounds(seen=kept).gap(kept) == "reset"


def test_a_fail_over_to_a_replica_without_the_end_is_a_gap(make_redis, make_redis_log):
    master = make_redis()
    replica = make_redis(replicaof=master)
    log = make_redis_log(master.url)
    kept = log.append([event(1)])[0]
    with redis.Redis.from_url(master.url) as client:
        client.wait(1, 5000)
    replica.promote()
    lost = log.append([event(2)])[0]

    after = make_redis_log(replica.url)
    after.append([event(3)])
    bounds = after.bounds(seen=lost)

    assert bounds.gap(lost) == bounds.gap(kept) == "reset"


def test_a_log_survives_a_restart_with_append_only_persistence(make_redis, make_redis_log):
    server = make_redis(appendonly=True)
    log = make_redis_log(server.url)
    seen = log.append([event(1)])[0]

    server.restart()
    position = log.append([event(2)])[0]

    assert [entry.position for entry in log.range(seen, 10)] == [position]
    assert log.bounds(seen=position).gap(seen) is None


def test_killed_connections_lose_and_double_nothing(own_log):
    log, client = own_log
    start = log.bounds().last
    for n in range(100):
        if n % 10 == 0:
            client.client_kill_filter(_type="normal", skipme=True)
        log.append([event(n)])

    assert numbers(log.range(start, 1000)) == list(range(100))


def test_a_server_that_is_away_is_said_within_the_time(make_redis, make_redis_log):
    server = make_redis()
    log = make_redis_log(server.url, timeout=0.5)
    log.append([event(1)])
    server.stop()

    with pytest.raises(BrokerUnavailable, match="NEXORA_RT_URL"):
        log.append([event(2)])


def test_publish_ids_are_forgotten_by_age_and_not_kept_for_ever(own_log):
    log, client = own_log
    log.append([event(1, publish_id="p")])

    assert 0 < client.pttl(log._seen) <= 600_000


def test_every_key_starts_with_one_prefix_that_holds_the_app_id(own_log, app_id):
    log, client = own_log
    log.append([event(1, publish_id="p")])
    log.emit([event(2)])

    assert {key.decode().rpartition(":")[0] for key in client.keys("*")} == {
        f"{{nexora_rt:{app_id}}}"
    }
