"""Scheduled jobs: ``rt.jobs``, and what a job of the host's works with.

A job runs once per slot of its schedule, whichever of the schedulers, cron calls and commands
comes first: see `scheduling.ledger`.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from .errors import JobFailed, JobStopped, NotFound
from .scheduling.job import MAX_ATTEMPTS, Job, JobRegistry, Task
from .scheduling.ledger import FAILED, FORCE, OK, RUNNING, SILENT, SKIPPED, Ledger, Run
from .scheduling.runner import CALL, Outcome, Runner
from .scheduling.schedules import Schedule
from .times import iso

__all__ = [
    "MAX_ATTEMPTS",
    "Job",
    "JobFailed",
    "JobService",
    "JobStopped",
    "Outcome",
    "Run",
    "Schedule",
    "Task",
    "answer",
    "write_run",
]

MAX_RUNS = 100
_RUN_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


class JobService:
    """The jobs of one app. ``wait``: seconds a call waits when it is not told otherwise."""

    def __init__(self, registry: JobRegistry, ledger: Ledger, runner: Runner, wait: float) -> None:
        self._registry = registry
        self._ledger = ledger
        self._runner = runner
        self._wait = wait

    def run(self, name: str, force: bool = False, wait: float | None = None) -> dict[str, Any]:
        """Run a job for its latest slot, or get the result of who did; as the endpoint answers.

        ``{"success", "timestamp", ...the job's result..., "runId", "replayed"}``; ``success`` is
        False with ``error`` and ``detail`` when it failed, and None with ``status: "running"``
        when it takes longer than ``wait`` seconds (default ``JOB_WAIT_SECONDS``): it goes on.
        ``force`` runs it now, beside its schedule. Raises `NotFound`.
        """
        return answer(self.outcome(name, CALL, force, self._wait if wait is None else wait))

    def outcome(self, name: str, trigger: str, force: bool, wait: float | None) -> Outcome:
        """Run a job as `run` does; ``wait=None`` waits for its end. Raises `NotFound`."""
        job = self._registry.get(name)
        if force:
            return self._runner.force(job, wait)
        return self._runner.run(job, job.schedule.floor(self._runner.now()), trigger, wait)

    def runs(self, name: str, limit: int = 50) -> list[dict[str, Any]]:
        """Return the newest runs of a job, at most `MAX_RUNS`. Raises `NotFound`."""
        job = self._registry.get(name)
        found = self._ledger.history(job.name, max(1, min(limit, MAX_RUNS)))
        return [write_run(run) for run in found]

    def find(self, name: str, run_id: str) -> Outcome:
        """Return one run of a job. Raises `NotFound`."""
        job = self._registry.get(name)
        # Not every text is one that a database takes.
        run = self._ledger.get(run_id) if _RUN_ID.fullmatch(run_id) else None
        if run is None or run.job != job.name:
            raise NotFound(f"the job {name} has no run {run_id!r}")
        return Outcome(self._end_if_dead(run), replayed=True)

    def _end_if_dead(self, run: Run) -> Run:
        """End a forced run whose owner has died: nobody would take it over."""
        now = self._runner.now()
        if run.trigger != FORCE or run.status != RUNNING or run.is_live(now):
            return run
        self._ledger.abandon(run, now, SILENT)
        return self._ledger.get(run.id) or run

    def overview(self) -> list[dict[str, Any]]:
        """Return ``[{"name", "schedule", "timezone", "lastRun", "nextDue", "overdue"}, ...]``."""
        now, jobs = self._runner.now(), list(self._registry)
        last = self._ledger.newest([job.name for job in jobs])
        return [
            {
                "name": job.name,
                "schedule": job.schedule.cron,
                "timezone": job.schedule.timezone,
                "timeout": job.timeout,
                "lastRun": write_run(last[job.name]) if job.name in last else None,
                "nextDue": iso(job.schedule.next(now)),
                "overdue": job.name in last and self._is_overdue(job, now),
            }
            for job in jobs
        ]

    def overdue(self) -> list[str]:
        """Return the names of the jobs whose latest slot is past its grace and not done."""
        return [job["name"] for job in self.overview() if job["overdue"]]

    def _is_overdue(self, job: Job, now: datetime) -> bool:
        slot = job.schedule.floor(now)
        if now - slot <= job.grace_of(slot):
            return False
        run = self._ledger.at(job.name, slot)
        if run is None or run.status == SKIPPED:
            # A job that has only been run by hand has missed nothing.
            return self._ledger.has_begun(job.name, slot)
        return not (run.status == OK or run.is_live(now))


def answer(outcome: Outcome) -> dict[str, Any]:
    """Write how a run went, for who asked for it. The same for every caller but ``replayed``."""
    run = outcome.run
    about = {"runId": run.id, "replayed": outcome.replayed}
    if run.status == RUNNING:
        return {"success": None, "status": run.status, "timestamp": iso(run.started_at), **about}
    if run.status != OK:
        failed = {"error": JobFailed.error, "detail": _why(run)}
        return {"success": False, "timestamp": iso(run.finished_at), **failed, **about}
    result = run.value if isinstance(run.value, dict) else {"result": run.value}
    return {**result, "success": True, "timestamp": iso(run.finished_at), **about}


def _why(run: Run) -> str:
    more = run.status == FAILED and run.trigger != FORCE and run.attempt < MAX_ATTEMPTS
    again = "it is tried again" if more else "force=1 runs it once more"
    return f"{run.error or run.status}; the server's log says more, and {again}"


def write_run(run: Run) -> dict[str, Any]:
    """Write a row of the ledger."""
    return {
        "runId": run.id,
        "job": run.job,
        "scheduledFor": iso(run.scheduled_for),
        "status": run.status,
        "attempt": run.attempt,
        "owner": run.owner,
        "trigger": run.trigger,
        "startedAt": iso(run.started_at),
        "finishedAt": iso(run.finished_at),
        "durationMs": run.duration_ms,
        "result": run.value,
        "error": run.error,
    }
