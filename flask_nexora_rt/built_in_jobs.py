"""The jobs every app with a database has: oracle, trust decay, retention, warming the cache."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Final

from .assembly import AppServices
from .oracle.monitor import OracleMonitor
from .retention import Retention
from .scheduling.job import Job
from .scheduling.ledger import Ledger
from .scheduling.schedules import Every, Schedule
from .trust_decay import TrustDecay

ORACLE: Final = "oracle"
TRUST_DECAY: Final = "trust-decay"
RETENTION: Final = "retention"


def built_in_jobs(
    state: AppServices, ledger: Callable[[], Ledger], overdue: Callable[[], list[str]]
) -> dict[str, Job]:
    """Return the built-in jobs of an app by name. The host's of the same name replace them.

    ``ledger`` gives the app's, ``overdue`` the names of the jobs that are late.
    """
    oracle = OracleMonitor(state, ledger, overdue)
    decay, retention = TrustDecay(state), Retention(state, ledger)
    jobs = (
        Job(ORACLE, oracle.run, Schedule("0 0 * * *"), timeout=900),
        Job(TRUST_DECAY, decay.run, Schedule("0 0 * * 0"), timeout=3600),
        Job(RETENTION, retention.run, Schedule("30 3 * * *"), timeout=900),
    )
    return {job.name: job for job in (*jobs, *_warm_ups(state))}


def _warm_ups(state: AppServices) -> list[Job]:
    """Return a job for each warm-up of a shared cache: one process fills it for all."""
    declared = {name: one for name, one in state.declared.warm_ups.items() if one.every}
    if not declared or not state.cache.shared:
        return []
    return [
        Job(f"warm-{name}", partial(_warm, state, name), Every(one.every or 0), timeout=300)
        for name, one in declared.items()
    ]


def _warm(state: AppServices, name: str) -> dict[str, float]:
    """Run a warm-up; what it raises is the job's failure."""
    began = time.monotonic()
    state.declared.warm_ups[name].function()
    return {"seconds": round(time.monotonic() - began, 3)}
