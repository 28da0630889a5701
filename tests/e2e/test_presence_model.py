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
    kill, restart, crash = world.kill_worker, world.restart_redis, world.crash_redis
    worse = world.rng.choice([[world.lose_redis], [kill, kill], [kill, crash], [crash, kill]])
    rounds = [[], [], [], [kill], [restart], [crash], worse]
    world.rng.shuffle(rounds)
    try:
        for faults in [[], *rounds]:
            play(world, faults, seamless=set(faults) <= {kill})
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}\n\n{world.story()}") from None


def play(world, faults, seamless):
    """Some acts, the faults, some more acts before anything has settled; then look."""
    for _ in range(world.rng.randint(1, 4)):
        world.act()
    for fault in faults:
        fault()
    for _ in range(world.rng.randint(0, 2) if faults else 0):
        world.act(steering=seamless)
    world.settle(seamless)
