"""The proxy makes each fault that it promises, and no other."""

import threading

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.support.ports import wait_until


@pytest.fixture
def server(make_redis):
    return make_redis()


@pytest.fixture
def proxy(make_proxy, server):
    return make_proxy(server.url)


@pytest.fixture
def client(proxy):
    with redis.Redis.from_url(proxy.url, retry=Retry(NoBackoff(), 0), decode_responses=True) as one:
        yield one


def test_bytes_pass_in_both_directions(client, server):
    client.set("key", "x" * 300_000)

    assert server.client.strlen("key") == 300_000
    assert client.get("key") == "x" * 300_000


def test_command_whose_reply_is_dropped_has_run(client, server, proxy):
    client.ping()
    proxy.drop_next_reply(to=b"INCR")
    with pytest.raises(redis.ConnectionError):
        client.incr("counter")

    proxy.wait_dropped()
    assert server.client.get("counter") == "1"
    assert client.incr("counter") == 2


def test_replies_to_other_requests_are_not_dropped(client, proxy):
    proxy.drop_next_reply(to=b"INCR")

    assert client.set("key", "value")
    assert proxy.dropped_replies == 0


def test_cut_connections_can_be_made_again(client, proxy):
    client.ping()

    assert proxy.cut_all() == 1
    wait_until(lambda: proxy.connections == 0, 5)
    assert client.ping()
    assert proxy.connections == 1


def test_refused_connections_are_taken_again_later(client, proxy):
    proxy.refuse()
    for _ in range(2):
        with pytest.raises(redis.ConnectionError):
            client.ping()

    proxy.accept()

    assert client.ping()


def test_paused_bytes_arrive_after_the_pause(client, proxy):
    client.ping()
    proxy.pause()
    waiting = threading.Thread(target=client.set, args=("key", "value"))
    waiting.start()
    waiting.join(0.2)
    assert waiting.is_alive()

    proxy.resume()
    waiting.join(5)

    assert client.get("key") == "value"
