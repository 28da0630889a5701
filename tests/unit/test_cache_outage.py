"""A store that is away is asked by one caller at a time."""

from types import SimpleNamespace

import pytest

from flask_nexora_rt.cache import outage
from flask_nexora_rt.cache.base import ProcessTotals
from flask_nexora_rt.cache.outage import Outage
from flask_nexora_rt.cache.stats import Statistics
from flask_nexora_rt.testing import Clock


@pytest.fixture
def clock(monkeypatch):
    clock = Clock(1000.0)
    monkeypatch.setattr(outage, "time", SimpleNamespace(monotonic=clock))
    return clock


@pytest.fixture
def away(clock):
    statistics = Statistics(ProcessTotals())
    yield Outage("store", (OSError,), statistics)
    statistics.close()


def test_a_store_that_answers_is_asked_by_everybody(away):
    assert not any(away.blocks() for _ in range(10))


def test_a_second_after_a_failure_one_caller_asks_and_the_others_go_on_without(away, clock):
    away.failed("reading", OSError("no answer"))
    assert away.blocks()
    clock.advance(1.1)

    assert [away.blocks() for _ in range(5)] == [False, True, True, True, True]
    clock.advance(5)  # the driver's timeout
    assert away.blocks()
    away.failed("reading", OSError("no answer"))
    clock.advance(1.1)
    assert not away.blocks()
    away.succeeded()
    assert not any(away.blocks() for _ in range(5))


def test_a_caller_that_never_tells_does_not_keep_the_others_away_for_ever(away, clock):
    away.failed("reading", OSError("no answer"))
    clock.advance(1.1)
    assert not away.blocks()
    clock.advance(11)

    assert not away.blocks()
