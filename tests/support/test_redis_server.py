"""The Redis server of the tests does what the tests rely on."""

import pytest
import redis

from tests.support import redis_server as module
from tests.support.ports import wait_until
from tests.support.redis_server import redis_binary


def test_data_outlive_a_crash_with_append_only_persistence(make_redis):
    server = make_redis(appendonly=True)
    server.client.xadd("log", {"n": 1}, id="5-0")

    server.restart(crash=True)

    assert server.client.xrange("log") == [("5-0", {"n": "1"})]


def test_data_do_not_outlive_a_crash_without_it(make_redis):
    server = make_redis()
    server.client.set("key", "value")

    server.restart(crash=True)

    assert server.client.get("key") is None


def test_url_stays_the_same_over_a_restart(make_redis):
    server = make_redis()
    url = server.url

    server.restart()

    assert server.url == url
    assert redis.Redis.from_url(url).ping()


def test_replica_follows_its_master_until_it_is_promoted(make_redis):
    master = make_redis()
    replica = make_redis(replicaof=master)
    master.client.set("key", "value")
    wait_until(lambda: replica.client.get("key"), 10)

    replica.promote()

    assert replica.client.set("key", "other")
    assert master.client.get("key") == "value"


def test_connections_of_others_can_be_killed(make_redis):
    server = make_redis()
    with redis.Redis.from_url(server.url, retry=None) as other:
        other.ping()
        assert server.kill_clients() >= 1


def test_a_missing_server_says_what_to_do(monkeypatch):
    monkeypatch.setattr(module, "_candidates", lambda: iter([None]))

    with pytest.raises(FileNotFoundError, match="REDIS_URL"):
        redis_binary()
