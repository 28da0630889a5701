"""Runs a job for a slot: by whoever owns the slot's row, once; everybody else gets its result."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any, Final, NamedTuple

from sqlalchemy.exc import OperationalError, SQLAlchemyError

from .execution import Execution
from .job import MAX_ATTEMPTS, Job, Task
from .ledger import FAILED, FORCE, RUNNING, SKIPPED, Ledger, Run

logger = logging.getLogger(__name__)

HTTP: Final = "http"
CLI: Final = "cli"
CALL: Final = "call"
TICK: Final = "tick"
CATCH_UP: Final = "catchup"

_POLL_SECONDS = 0.2
_TICK = timedelta(microseconds=1)
_RETRY_AFTER = timedelta(minutes=1)
_AUTOMATIC = (TICK, CATCH_UP)


class Outcome(NamedTuple):
    """A run as it is now; ``replayed``: this call did not run it."""

    run: Run
    replayed: bool


class Runner:
    """Claims runs for this process and waits for those of others.

    ``call`` runs a job's function in the app's context, ``clock`` gives seconds since the epoch,
    ``lease`` is how long a silent owner keeps a run.
    """

    def __init__(
        self,
        ledger: Ledger,
        clock: Callable[[], float],
        lease: timedelta,
        call: Callable[[Job, Task], Any],
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._lease = lease
        self._call = call
        self._token = token_hex(4)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    @property
    def owner(self) -> str:
        """Who this process is, for people who read the ledger."""
        return f"{socket.gethostname()[:64]}:{os.getpid()}:{self._token}"

    def run(self, job: Job, slot: datetime, trigger: str, wait: float | None) -> Outcome:
        """Run the job for a slot, or wait for who does, up to ``wait`` seconds (None: no end).

        A run that has gone well is answered with its result, one that has failed is tried again
        up to `MAX_ATTEMPTS` times, and one whose owner is silent is taken over.
        """
        until = None if wait is None else time.monotonic() + wait
        waited = False
        while True:
            mine, run = self.claim(job, slot, trigger, takes_failed=not waited)
            if mine:
                self._end_older(job, slot)
                return self._outcome_of(self.execute(job, run), run, _left(until))
            if run.status != RUNNING or _left(until) == 0:
                return Outcome(run, replayed=True)
            waited = True
            threading.Event().wait(min(_POLL_SECONDS, _left(until) or _POLL_SECONDS))

    def _end_older(self, job: Job, slot: datetime) -> None:
        """End dead runs of older slots: where only calls run jobs, no tick does."""
        try:
            self._ledger.abandon_silent(job.name, slot, self.now())
        except SQLAlchemyError:
            logger.warning("older runs of the job %s are ended later", job.name, exc_info=True)

    def force(self, job: Job, wait: float | None) -> Outcome:
        """Run the job now, beside its schedule, under a row of its own."""
        slot, run = self.now(), None
        while run is None:
            slot += _TICK  # never a slot of the schedule
            run = self._ledger.open(job.name, slot, FORCE, self.owner, self.now(), self._lease)
        return self._outcome_of(self.execute(job, run), run, wait)

    def claim(
        self, job: Job, slot: datetime, trigger: str, takes_failed: bool = True
    ) -> tuple[bool, Run]:
        """Own the slot's run if anybody may; return whether, and the run."""
        while True:
            now = self.now()
            # Read first: who only waits must not queue with those who write.
            run = self._ledger.at(job.name, slot)
            if run is None:
                opened = self._open(job, slot, trigger, now)
                if opened is not None:
                    return True, opened
                continue
            if not _may_take(run, now, trigger, takes_failed):
                return False, run
            taken = self._take(run, trigger, now)
            if taken is not None:
                return taken.status == RUNNING, taken

    def _open(self, job: Job, slot: datetime, trigger: str, now: datetime) -> Run | None:
        try:
            return self._ledger.open(job.name, slot, trigger, self.owner, now, self._lease)
        except OperationalError:
            # On SQLite the job may keep all writers out, of who was quicker: then there is a row.
            if self._ledger.at(job.name, slot) is None:
                raise
            return None

    def _take(self, run: Run, trigger: str, now: datetime) -> Run | None:
        if run.status == RUNNING and run.attempt >= MAX_ATTEMPTS:
            self._ledger.abandon(run, now, f"its owner fell silent, {run.attempt} times")
            return self._ledger.get(run.id)
        return self._ledger.take(run, trigger, self.owner, now, self._lease)

    def execute(self, job: Job, run: Run) -> Execution:
        """Begin a run this process owns."""
        execution = Execution(job, run, self._ledger, self._clock, self._lease, self._call)
        execution.start()
        return execution

    def _outcome_of(self, execution: Execution, run: Run, wait: float | None) -> Outcome:
        execution.wait(wait)
        return Outcome(self._ledger.get(run.id) or run, replayed=False)


def _may_take(run: Run, now: datetime, trigger: str, takes_failed: bool) -> bool:
    if run.status == RUNNING:
        return not run.is_live(now)
    if run.status == FAILED:
        rested = trigger not in _AUTOMATIC or _is_rested(run, now)
        return takes_failed and rested and run.attempt < MAX_ATTEMPTS
    # Too late for the scheduler, but not for somebody who asks.
    return run.status == SKIPPED and trigger not in _AUTOMATIC


def _is_rested(run: Run, now: datetime) -> bool:
    """Say whether the scheduler may try again: later after each attempt."""
    return now >= (run.finished_at or now) + _RETRY_AFTER * run.attempt


def _left(until: float | None) -> float | None:
    return None if until is None else max(0.0, until - time.monotonic())
