"""A worker that sees the broker go does not let every request wait for it."""

import threading

import pytest

from tests.contract.test_messages import host, published  # noqa: F401
from tests.support.ports import wait_until


@pytest.fixture
def broker(make_redis):
    return make_redis(appendonly=True)


@pytest.fixture
def redis_url(broker):
    return broker.url


@pytest.fixture
def database_url(tmp_path):
    return f"sqlite:///{tmp_path / 'host.sqlite3'}"


@pytest.fixture
def asked(host, monkeypatch):  # noqa: F811
    """What this thread asks of the log."""
    calls = []
    for name in ("append", "bounds"):
        method = getattr(host.log, name)

        def note(*about, name=name, method=method, **rest):
            if threading.current_thread() is threading.main_thread():
                calls.append(name)
            return method(*about, **rest)

        monkeypatch.setattr(host.log, name, note)
    return calls


def test_reads_and_edits_do_not_wait_for_it(host, broker, asked):  # noqa: F811
    hub = host.state.runtime.hub
    wait_until(lambda: hub.connected, 20)
    message = host.rt.messages.send("guild-1", "first", "alice").message
    assert len(published(host, 1)) == 1
    assert host.state.position() is not None
    broker.stop()
    wait_until(lambda: hub.out_of_reach, 20)
    asked.clear()

    assert host.state.position() is None
    assert host.rt.messages.edit(message["id"], "second", "alice")["content"] == "second"
    assert asked == []

    broker.start()
    wait_until(lambda: not hub.out_of_reach, 20)
    assert host.state.position() is not None
    wait_until(lambda: len(published(host, 2)) == 2, 20)
