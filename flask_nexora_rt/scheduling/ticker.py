"""What the scheduler does at each tick: begin what is due, note what was missed."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from .job import MAX_ATTEMPTS, Job, JobRegistry
from .ledger import FAILED, RUNNING, Ledger, Run
from .runner import CATCH_UP, TICK, Runner

logger = logging.getLogger(__name__)

# One row for each, and then the oldest are left out: a minute's job that stood still for a month.
MAX_SKIPPED: Final = 100
_ON_TIME = timedelta(minutes=1)


class Ticker:
    """Begins the latest slot of each job when it is due and nobody has; of one process.

    It remembers the slots that are done with: between slots a tick asks the database nothing.
    """

    def __init__(self, jobs: JobRegistry, ledger: Ledger, runner: Runner) -> None:
        self._jobs = jobs
        self._ledger = ledger
        self._runner = runner
        self._settled: dict[str, datetime] = {}
        self._away = False

    def tick(self) -> None:
        """Look at every job; what fails is tried again at the next tick."""
        for job in self._jobs:
            try:
                self._look(job)
            except SQLAlchemyError as error:
                self._log_away(error)
                return
        self._away = False

    def _look(self, job: Job) -> None:
        now = self._runner.now()
        slot = job.schedule.floor(now)
        if self._settled.get(job.name) == slot:
            return
        if now - slot > job.grace_of(slot) and not self._has_begun(job, slot):
            self._skip_up_to(job, now, slot, inclusive=True)
        elif not self._begin(job, now, slot):
            return
        if gone := self._ledger.abandon_silent(job.name, slot, now):
            logger.error("the job %s: given up %d runs whose owner is silent", job.name, gone)
        self._settled[job.name] = slot

    def _begin(self, job: Job, now: datetime, slot: datetime) -> bool:
        """Begin the slot, or see that it is done with."""
        if self._is_busy(job, now, slot):
            return False
        trigger = TICK if now - slot < _ON_TIME else CATCH_UP
        mine, run = self._runner.claim(job, slot, trigger)
        if mine:
            self._skip_up_to(job, now, slot, inclusive=False)
            self._runner.execute(job, run)
        return _is_done(run)

    def _has_begun(self, job: Job, slot: datetime) -> bool:
        """Say whether it has begun and not ended: when its owner dies, another finishes it."""
        run = self._ledger.at(job.name, slot)
        return run is not None and run.status == RUNNING

    def _is_busy(self, job: Job, now: datetime, slot: datetime) -> bool:
        """Say whether the slot before still runs: a job does not overlap itself by the clock."""
        newest = self._ledger.newest([job.name]).get(job.name)
        return newest is not None and newest.scheduled_for < slot and newest.is_live(now)

    def _skip_up_to(self, job: Job, now: datetime, slot: datetime, inclusive: bool) -> None:
        """Note the slots since the last one of the ledger; a new job has missed none."""
        last = self._ledger.newest_slot(job.name, slot)
        missed = [] if last is None else _newest_between(job, last, slot)
        missed += [slot] if inclusive else []
        added = self._ledger.skip(job.name, missed, self._runner.owner, now)
        if added and last is not None:
            logger.warning("the job %s has missed %d slots, since %s", job.name, added, last)

    def _log_away(self, error: SQLAlchemyError) -> None:
        if not self._away:
            logger.warning("jobs wait for their ledger (are its tables created?): %s", error)
        self._away = True


def _newest_between(job: Job, last: datetime, slot: datetime) -> list[datetime]:
    """Return the missed slots between two, at most the newest `MAX_SKIPPED`."""
    missed: list[datetime] = []
    while len(missed) < MAX_SKIPPED:
        before = job.schedule.floor(slot - timedelta(microseconds=1))
        if before <= last:
            break
        missed.append(before)
        slot = before
    return missed[::-1]


def _is_done(run: Run) -> bool:
    """Say whether nothing more will come of it: no retry, no take-over."""
    return run.status != RUNNING and not (run.status == FAILED and run.attempt < MAX_ATTEMPTS)
