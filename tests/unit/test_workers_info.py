"""What a host's own page can say of its workers."""

import os
import time

import pytest

from flask_nexora_rt import NexoraRT
from flask_nexora_rt.testing import rt_app, rt_kit

__all__ = ["rt_app", "rt_kit"]


@pytest.fixture
def rt(rt_app):
    """The API of any extension object works on the current app."""
    with rt_app.app_context():
        yield NexoraRT()


def figures(rt, **wanted):
    """The figures of the one worker there is, as soon as they are so."""
    deadline = time.monotonic() + 20
    while True:
        workers = rt.workers_info()["workers"]
        if workers and wanted.items() <= workers[0].items():
            assert len(workers) == 1
            return workers[0]
        assert time.monotonic() < deadline, workers
        time.sleep(0.05)


def test_without_a_stream_there_is_no_worker(rt):
    assert rt.workers_info() == {"workers": []}


def test_streams_and_events_are_counted(rt, rt_app, rt_kit):
    visitors = [rt_kit.stream(rt_app.test_client(), "public-1") for _ in range(2)]
    with visitors[0] as first, visitors[1] as second:
        rt_kit.trigger("public-1", "news", 1)
        rt_kit.trigger("public-2", "news", 2)
        assert first.take(1)[0].payload == second.take(1)[0].payload == 1

        found = figures(rt, streams=2, events=2)

    assert (found["subscriptions"], found["deliveries"], found["connections"]) == (2, 2, 2)
    assert found["pid"] == os.getpid()
    assert found["at"] == pytest.approx(rt_app.extensions["nexora_rt"].now(), abs=0.01)
