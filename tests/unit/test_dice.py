"""Jitter is ours: hosts that seed `random` are not disturbed, and workers do not roll alike."""

import random
import subprocess
import sys

from flask_nexora_rt.dice import dice

TWO_WORKERS = """
import os
from flask_nexora_rt.dice import dice
for worker in range(2):
    if os.fork() == 0:
        print(dice.random(), flush=True)
        os._exit(0)
    os.wait()
"""


def test_the_hosts_random_numbers_stay_as_they_were():
    random.seed(1)
    expected = [random.random() for _ in range(3)]
    random.seed(1)
    dice.random()
    assert [random.random() for _ in range(3)] == expected


def test_workers_of_one_preloaded_app_roll_differently():
    told = subprocess.run([sys.executable, "-c", TWO_WORKERS], capture_output=True, check=True)
    first, second = told.stdout.split()
    assert first != second
