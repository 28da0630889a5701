"""Servers that go, networks that fail: each tab gets everything, or is told what is gone."""

import pytest

from tests.e2e.conftest import trigger

ROOM = "room-3"


@pytest.fixture
def open_tabs(visit, make_proxy):
    """Two tabs of one browser behind a proxy: `visitor, proxy, tabs = open_tabs(server)`."""

    def make(server):
        proxy = make_proxy(server.url)
        visitor = visit(proxy.url, "member-3")
        return visitor, proxy, [visitor.open(ROOM), visitor.open(ROOM)]

    return make


def tick(server, number):
    trigger(server, ROOM, data=number)


def assert_all_saw(tabs, ticks):
    for tab in tabs:
        tab.wait_seen("tick", len(ticks), timeout=60)
    assert [tab.seen("tick") for tab in tabs] == [ticks] * len(tabs)


def test_restart_of_the_server_loses_nothing(serve_host, open_tabs, redis_url):
    server = serve_host(redis_url, workers=2)
    _, _, tabs = open_tabs(server)
    tick(server, 1)
    assert_all_saw(tabs, [1])

    server.stop()
    server.start()
    tick(server, 2)

    assert_all_saw(tabs, [1, 2])


def test_restart_of_redis_loses_nothing(serve_host, open_tabs, make_redis):
    redis = make_redis(appendonly=True)
    server = serve_host(redis.url, workers=2)
    _, _, tabs = open_tabs(server)
    tick(server, 1)
    assert_all_saw(tabs, [1])

    redis.restart()
    tick(server, 2)

    assert_all_saw(tabs, [1, 2])


def test_redis_that_forgets_everything_is_told_as_a_gap(serve_host, open_tabs, make_redis):
    redis = make_redis()
    server = serve_host(redis.url)
    _, _, tabs = open_tabs(server)

    redis.restart(crash=True)
    for tab in tabs:
        assert tab.wait_seen("nexora:gap", timeout=60)[0]["channels"] == [ROOM]
    tick(server, 1)

    assert_all_saw(tabs, [1])


def test_bad_gateway_is_not_the_end(serve_host, open_tabs):
    """Of a proxy, for 5 s. A native EventSource stops for ever at any status but 200."""
    server = serve_host()
    visitor, proxy, tabs = open_tabs(server)
    asked = []

    def bad_gateway(route):
        asked.append(route.request.method)
        route.fulfill(status=502, body="bad gateway")

    visitor.context.route("**/api/**", bad_gateway)
    proxy.cut_all()
    tabs[0].page.wait_for_timeout(5_000)
    tick(server, 1)
    assert asked.count("GET") >= 2
    visitor.context.unroute("**/api/**")

    assert_all_saw(tabs, [1])


def test_who_was_offline_for_ten_seconds_catches_up(serve_host, open_tabs):
    server = serve_host()
    visitor, proxy, tabs = open_tabs(server)

    visitor.context.set_offline(True)
    proxy.refuse()
    for tab in tabs:
        tab.wait_state("unavailable")
        assert tab.page.evaluate("rt.connection.reconnecting")
    tick(server, 1)
    tabs[0].page.wait_for_timeout(10_000)
    tick(server, 2)
    proxy.accept()
    visitor.context.set_offline(False)

    assert_all_saw(tabs, [1, 2])
    states = [one["current"] for one in tabs[0].seen("state_change")]
    assert states[-3:] == ["unavailable", "connecting", "connected"]


def test_link_that_hangs_is_noticed_by_its_silence(serve_host, open_tabs):
    server = serve_host(env={"FLASK_NEXORA_RT_HEARTBEAT": "1"})
    _, proxy, tabs = open_tabs(server)

    proxy.pause()
    tabs[0].wait_state("connecting")
    proxy.cut_all()
    proxy.resume()
    tick(server, 1)

    assert_all_saw(tabs, [1])


def test_absence_longer_than_the_history_is_told_as_a_gap(serve_host, open_tabs):
    server = serve_host(env={"FLASK_NEXORA_RT_RETENTION_EVENTS": "3"})
    _, proxy, tabs = open_tabs(server)

    proxy.refuse()
    tabs[0].wait_state("connecting")
    for number in range(9):
        tick(server, number)
    proxy.accept()

    for tab in tabs:
        assert tab.wait_seen("nexora:gap")[0]["reason"] == "expired"
        assert tab.seen("tick") == []
    tick(server, "after")
    assert_all_saw(tabs, ["after"])
