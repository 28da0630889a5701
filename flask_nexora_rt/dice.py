"""Chance for jitter, not for secrets: a generator of our own.

A host that seeds `random` for a repeatable run is not disturbed by the threads of this package.
"""

import os
import random

dice = random.Random()  # noqa: S311 - spreads load, guards nothing
# Else every worker forked from one preloaded app would roll the same.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=dice.seed)
