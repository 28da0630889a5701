"""A cache that belongs to one process is warmed by that process, on its own clock."""

import threading
from collections import Counter

import pytest

from flask_nexora_rt.cache.warmup import WarmUp
from flask_nexora_rt.scheduling.local import LocalWarmUps
from flask_nexora_rt.testing import Clock


class Work:
    """What was run, by name; `may_end` holds it."""

    def __init__(self):
        self.ran = Counter()
        self.may_end = threading.Event()
        self.may_end.set()

    def __call__(self, name):
        self.ran[name] += 1
        assert self.may_end.wait(20)


@pytest.fixture
def work():
    return Work()


@pytest.fixture
def clock():
    return Clock(1000.0)


@pytest.fixture
def warm_ups(work, clock):
    declared = {
        "often": WarmUp(print, 10.0),
        "seldom": WarmUp(print, 60.0),
        "by hand": WarmUp(print, None),
    }
    return LocalWarmUps(declared, work, clock)


def wait_for_ends():
    for thread in threading.enumerate():
        if thread.name.startswith("warm-up-"):
            thread.join(20)


def test_the_first_tick_fills_the_cache_of_a_new_process(warm_ups, work):
    warm_ups.tick()
    wait_for_ends()

    assert work.ran == {"often": 1, "seldom": 1}


def test_each_is_run_again_when_its_time_has_come(warm_ups, work, clock):
    for _ in range(7):
        warm_ups.tick()
        wait_for_ends()
        clock.advance(10)

    assert work.ran == {"often": 7, "seldom": 2}


def test_one_that_takes_longer_than_its_interval_is_not_begun_twice(warm_ups, work, clock):
    work.may_end.clear()
    warm_ups.tick()
    clock.advance(100)
    warm_ups.tick()
    assert work.ran == {"often": 1, "seldom": 1}

    work.may_end.set()
    wait_for_ends()
    warm_ups.tick()
    wait_for_ends()

    assert work.ran == {"often": 2, "seldom": 2}
