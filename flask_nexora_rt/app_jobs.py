"""The jobs of one app: which there are, their ledger, and the scheduler of this process."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import Any

from sqlalchemy.pool import StaticPool

from .assembly import AppServices
from .built_in_jobs import built_in_jobs
from .errors import NotServable
from .jobs import JobService
from .scheduling.job import Job, JobRegistry, Task
from .scheduling.ledger import Ledger
from .scheduling.local import LocalWarmUps
from .scheduling.runner import Runner
from .scheduling.scheduler import Scheduler, SchedulerHolder
from .scheduling.ticker import Ticker


class AppJobs:
    """Made with the app; each part when it is first used, after any fork."""

    def __init__(self, state: AppServices) -> None:
        self._state = state
        self.scheduler = SchedulerHolder(self._make_scheduler, self._refusal)

    @property
    def service(self) -> JobService:
        """``rt.jobs``. Raises `NotServable` when the host has given no database."""
        wait = self._state.settings.job_wait_seconds
        return JobService(self.registry, self.ledger, self.runner, wait)

    @cached_property
    def registry(self) -> JobRegistry:
        built_in = built_in_jobs(self._state, lambda: self.ledger, self._overdue)
        return JobRegistry(self._state.declared.jobs, built_in)

    def _overdue(self) -> list[str]:
        return self.service.overdue()

    @cached_property
    def ledger(self) -> Ledger:
        if self._state.models is None:
            raise NotServable("jobs need the database: call rt.init_app(app, db=db)")
        return Ledger(self._state.models.job_run, self._state.engine)

    @cached_property
    def runner(self) -> Runner:
        lease = timedelta(seconds=self._state.settings.job_lease_seconds)
        return Runner(self.ledger, self._state.now, lease, self._call)

    def _call(self, job: Job, task: Task) -> Any:
        with self._state.app.app_context():
            return job.call(task)

    def start_alone(self) -> Scheduler:
        """Start a scheduler in this process whatever the settings say (a command)."""
        scheduler = self._make_scheduler()
        scheduler.start()
        return scheduler

    def _make_scheduler(self) -> Scheduler:
        state = self._state
        ticks = [Ticker(self.registry, self.ledger, self.runner).tick]
        if not state.cache.shared:
            ticks.append(LocalWarmUps(state.declared.warm_ups, self._warm, state.now).tick)
        return Scheduler(state.app, ticks, state.settings.job_tick_seconds)

    def _warm(self, name: str) -> None:
        with self._state.app.app_context():
            self._state.warm([name])

    def _refusal(self) -> str | None:
        """Say why this process must not run jobs by the clock; None: it may."""
        if self._state.app.testing:
            return "app.testing is set"
        if self._state.settings.scheduler == "off":
            return "NEXORA_RT_SCHEDULER is off"
        if self._state.models is None:
            return "jobs need the database: call rt.init_app(app, db=db)"
        if isinstance(self._state.engine().pool, StaticPool):
            # A tick would commit and roll back what requests do on the one connection.
            return "the database is in memory, on one connection: use a file or a server"
        return None
