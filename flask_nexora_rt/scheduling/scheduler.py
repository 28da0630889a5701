"""The scheduler of one process: Flask-APScheduler with one job, the tick.

Every worker has one and all are alike: the ledger decides which of them runs a slot. It starts
after any fork, at the first request or by gunicorn's ``post_worker_init``, never at import.
"""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from flask import Flask

logger = logging.getLogger(__name__)

TICK_ID = "nexora-rt-tick"


class Scheduler:
    """Calls ``ticks`` every ``seconds``, in a daemon thread (a greenlet where threads are patched).

    The host's own Flask-APScheduler, its ``app.apscheduler`` and its ``SCHEDULER_*`` keys are
    left alone: this is another instance, without job store and without HTTP API.
    """

    def __init__(self, app: Flask, ticks: Sequence[Callable[[], None]], seconds: float) -> None:
        # Here and not above: they bring thread pools, which belong to the process after the fork.
        from apscheduler.schedulers.background import BackgroundScheduler
        from flask_apscheduler import APScheduler

        # "debug" is APScheduler's name for running in its own thread: a tick waits for nothing.
        executors = {"default": {"type": "debug"}}
        background = BackgroundScheduler(timezone=UTC, executors=executors, daemon=True)
        self._scheduler = APScheduler(background)
        # Not init_app: it would take app.apscheduler from the host and load its jobs again.
        self._scheduler.app = app
        self._scheduler.add_job(
            TICK_ID,
            _logged(ticks),
            trigger="interval",
            seconds=seconds,
            jitter=seconds / 5,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
            next_run_time=datetime.now(UTC),
        )

    def start(self) -> None:
        """Tick now and from now on."""
        # Its own start() does nothing, in silence, when FLASK_DEBUG is set outside the reloader.
        self._scheduler.scheduler.start()

    def stop(self) -> None:
        """Begin nothing more; what runs goes on."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)


def _logged(ticks: Sequence[Callable[[], None]]) -> Callable[[], None]:
    def safe_tick() -> None:
        for tick in ticks:
            try:
                tick()
            except Exception:
                # A host's job with a bad schedule must not end the scheduler of all others.
                logger.exception("a tick of the job scheduler has failed")

    return safe_tick


class SchedulerHolder:
    """One app's scheduler in whichever process asks. ``make`` builds it, after the fork.

    ``refusal`` says why it must not start, None when it may.
    """

    def __init__(self, make: Callable[[], Scheduler], refusal: Callable[[], str | None]) -> None:
        self._make = make
        self._refusal = refusal
        self._starts: dict[int, object] = {}
        self._scheduler: Scheduler | None = None
        self._reason: str | None = None
        _holders.add(self)

    def start_once(self) -> None:
        """Start it in this process unless that was tried; says why when it does not start."""
        mine = object()
        # setdefault, not a lock: a lock made before gunicorn patches or forks could block all.
        if os.getpid() in self._starts or self._starts.setdefault(os.getpid(), mine) is not mine:
            return
        self._reason, self._scheduler = self._refusal(), None
        if self._reason is not None:
            logger.warning("the job scheduler does not start here: %s", self._reason)
            return
        self._scheduler = self._make()
        self._scheduler.start()
        logger.info("the job scheduler runs in process %d", os.getpid())

    def stop(self) -> None:
        """Stop it for good in this process."""
        if self._scheduler is not None and os.getpid() in self._starts:
            self._scheduler.stop()
            self._scheduler, self._reason = None, "it has been stopped"

    @property
    def reason(self) -> str | None:
        """Why it does not run in this process; None: it runs."""
        if os.getpid() not in self._starts:
            return "it starts with the first request"
        return None if self._scheduler is not None else self._reason


_holders: weakref.WeakSet[SchedulerHolder] = weakref.WeakSet()


def start_all() -> None:
    """Start the schedulers of all apps of this process (a new worker, after the fork)."""
    for holder in list(_holders):
        holder.start_once()


def stop_all() -> None:
    """Stop them (a worker that leaves)."""
    for holder in list(_holders):
        holder.stop()
