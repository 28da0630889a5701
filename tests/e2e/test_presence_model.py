"""Presence against a model: whatever happens, everybody sees who is there, and nobody flickers.

`PRESENCE_SEEDS=20` tries so many seeds, `PRESENCE_SEEDS=7,12` these.
"""

import os
from random import Random

import pytest

from tests.e2e.presence_model import World


def seeds():
    wanted = os.environ.get("PRESENCE_SEEDS", "2")
    return [int(seed) for seed in wanted.split(",")] if "," in wanted else range(int(wanted))


@pytest.fixture
def make_world(serve, make_redis, make_swarm):
    """Starts two workers on a Redis that loses no more than its last second in a crash."""

    def make(seed):
        redis = make_redis(appendonly=True)
        server = serve(redis.url, workers=2, extra_args=["--access-logfile", "/dev/null"])
        return World(server, redis, make_swarm, Random(seed))

    return make


@pytest.mark.parametrize("seed", seeds())
def test_everybody_sees_who_is_there_whatever_happens(make_world, seed):
    world = make_world(seed)
    rng = world.rng
    faults = [world.kill_worker, world.restart_redis, world.crash_redis, None, None, None]
    faults += [rng.choice([world.kill_worker, world.lose_redis])]
    rng.shuffle(faults)
    try:
        for fault in [None, *faults]:
            for _ in range(rng.randint(1, 4)):
                world.act()
            if fault is not None:
                fault()
                for _ in range(rng.randint(0, 2)):
                    world.act(steering=fault == world.kill_worker)
            world.settle(seamless=fault in (None, world.kill_worker))
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}\n\n{world.story()}") from None
