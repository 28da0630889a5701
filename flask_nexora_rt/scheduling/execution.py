"""One attempt at a run in this process: a thread that works, and one that keeps its lease."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from ..errors import NexoraError
from .job import Job, Task
from .ledger import FAILED, OK, Ledger, Run

logger = logging.getLogger(__name__)

MAX_RESULT_BYTES = 65_536
TIMEOUT = "timeout"
_RETRY_SECONDS = 1.0


class Execution:
    """Runs a job for a run this process owns, and writes how it ended.

    A thread cannot be killed: after the timeout the ledger says so and the lease ends, and what
    the job still returns is refused. ``call`` runs a job's function in the app's context;
    ``clock`` gives seconds since the epoch.
    """

    def __init__(
        self,
        job: Job,
        run: Run,
        ledger: Ledger,
        clock: Callable[[], float],
        lease: timedelta,
        call: Callable[[Job, Task], Any],
    ) -> None:
        self._job = job
        self._run = run
        self._ledger = ledger
        self._clock = clock
        self._lease = lease
        self._call = call
        self._worked = threading.Event()
        self._ended = threading.Event()
        deadline = clock() + job.timeout
        self.task = Task(
            run.job, run.id, run.scheduled_for, run.attempt, deadline, clock, fence=self
        )

    def start(self) -> None:
        """Begin; returns at once."""
        for work, target in (("job", self._work), ("lease", self._keep)):
            name = f"nexora-rt-{work}-{self._job.name}"
            threading.Thread(target=target, name=name, daemon=True).start()

    def wait(self, seconds: float | None) -> bool:
        """Wait until the ledger knows how it ended; False when that takes longer."""
        return self._ended.wait(seconds)

    def confirm(self, session: Any) -> bool:
        """Keep the run this process's until the session's transaction ends, if it still is."""
        return self._ledger.confirm(session, self._run, self._now() + self._lease)

    # -- the job --------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            self._finish(OK, write_result(self._call(self._job, self.task)), None)
        except NexoraError as error:
            logger.warning("the job %s has failed: %s", self._job.name, error)
            self._finish(FAILED, None, str(error))
        except (Exception, SystemExit) as error:
            # Its text may hold anything, rows and secrets too: that is for the log alone.
            logger.exception("the job %s has failed", self._job.name)
            self._finish(FAILED, None, f"raised {type(error).__name__}")
        finally:
            self._worked.set()
            self._ended.set()

    def _finish(self, status: str, result: str | None, error: str | None) -> None:
        if self.task.stopped:
            logger.warning("the job %s ends after %s: refused", self._job.name, self.task.stopped)
        elif not self._write(status, result, error):
            logger.warning("the job %s was taken over: its late result is refused", self._job.name)

    def _write(self, status: str, result: str | None, error: str | None) -> bool:
        """Tell the ledger. While the database is away the lease goes on, and so does this."""
        while True:
            try:
                return self._ledger.finish(self._run, status, self._now(), result, error)
            except SQLAlchemyError:
                if self._ended.wait(_RETRY_SECONDS) or self.task.remaining <= 0:
                    logger.exception("how the job %s ended could not be written", self._job.name)
                    return True
                logger.warning("how the job %s ended is written later", self._job.name)

    # -- the lease ------------------------------------------------------------------------------

    def _keep(self) -> None:
        pause = self._lease.total_seconds() / 3
        while not self._worked.wait(min(pause, max(self.task.remaining, 0.01))):
            if self.task.remaining <= 0:
                return self._give_up()
            if not self._renew():
                self.task.stopped = "another process has taken the run over"
                return self._ended.set()
        return None

    def _give_up(self) -> None:
        self.task.stopped = TIMEOUT
        logger.error("the job %s has run for %g s: given up", self._job.name, self._job.timeout)
        try:
            self._ledger.finish(self._run, FAILED, self._now(), None, TIMEOUT)
        except SQLAlchemyError:
            logger.exception("that the job %s was given up could not be written", self._job.name)
        self._ended.set()

    def _renew(self) -> bool:
        try:
            return self._ledger.renew(self._run, self._now() + self._lease)
        except SQLAlchemyError:
            # It may still be ours, and the next try may get through.
            logger.warning("the lease of the job %s was not renewed", self._job.name, exc_info=True)
            return True

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def write_result(value: Any) -> str | None:
    """Write what a job returned for the ledger. Raises ValueError or TypeError when it cannot."""
    if value is None:
        return None
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    if len(text) > MAX_RESULT_BYTES:
        raise ValueError(f"a job's result is kept: at most {MAX_RESULT_BYTES} bytes of JSON")
    return text
