"""A job as it is declared, and what it may ask while it runs."""

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from ..errors import JobStopped, NotFound
from .schedules import Every, Schedule

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)
_LONGEST_GRACE = timedelta(days=1)
# Schedulers look every few seconds: nothing begins at the very moment it is due.
_LEAST_GRACE = timedelta(seconds=30)
MAX_ATTEMPTS = 3


def check_name(name: str) -> str:
    """Return the name of a job. Raises ValueError when it is none."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is not a job name: use up to 64 of a-z, 0-9, - and _, and begin with a "
            "letter or a digit"
        )
    return name


@dataclass(frozen=True)
class Job:
    """A function with a schedule.

    ``timeout`` in seconds. ``grace``: how late a missed slot may still begin, in seconds, less
    than 30 count as 30; None is half the time to the next slot, at most a day.
    """

    name: str
    function: Callable[..., Any]
    schedule: Schedule | Every
    timeout: float = 300.0
    grace: float | None = None

    def __post_init__(self) -> None:
        check_name(self.name)
        # Written so that what is not a number at all is refused, too.
        if not self.timeout > 0 or not (self.grace is None or self.grace >= 0):
            raise ValueError(f"the job {self.name}: timeout and grace are seconds, not negative")
        if inspect.iscoroutinefunction(self.function):
            raise ValueError(f"the job {self.name}: declare a plain function, not a coroutine")

    def grace_of(self, slot: datetime) -> timedelta:
        """Return how late this slot may begin."""
        if self.grace is not None:
            return max(timedelta(seconds=self.grace), _LEAST_GRACE)
        return min((self.schedule.next(slot) - slot) / 2, _LONGEST_GRACE)

    def call(self, task: Task) -> Any:
        """Call the function, with the task if it needs an argument."""
        first = next(iter(inspect.signature(self.function).parameters.values()), None)
        return self.function(task) if _may_be_task(first) else self.function()


def _may_be_task(parameter: inspect.Parameter | None) -> bool:
    """Say whether a task belongs there; a number of days that has a default is no place for it."""
    if parameter is None or parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD):
        return False
    return parameter.default is parameter.empty or parameter.default is None


class JobRegistry:
    """Jobs by name: the host's, and ours where the host has none of that name."""

    def __init__(self, declared: Mapping[str, Job], built_in: Mapping[str, Job]) -> None:
        self._declared = declared
        self._built_in = built_in

    def __iter__(self) -> Iterator[Job]:
        return iter(({**self._built_in, **self._declared}).values())

    def get(self, name: str) -> Job:
        """Return a job. Raises `NotFound`."""
        found = self._declared.get(name) or self._built_in.get(name)
        if found is None:
            raise NotFound(f"there is no job {name!r}")
        return found


class Fence(Protocol):
    """Says, inside a transaction, whether a run is still one's own; keeps it so until commit."""

    def confirm(self, session: Any) -> bool: ...


class Task:
    """What a running job may ask. A job cannot be killed: a long one asks `check` now and then.

    ``scheduled_for`` is the slot it runs for (UTC), the same in every attempt: take it for "now".
    """

    def __init__(
        self,
        job: str,
        run_id: str,
        scheduled_for: datetime,
        attempt: int,
        deadline: float,
        clock: Callable[[], float],
        fence: Fence,
    ) -> None:
        self.job = job
        self.run_id = run_id
        self.scheduled_for = scheduled_for
        self.attempt = attempt
        self.stopped: str | None = None
        self._deadline = deadline
        self._clock = clock
        self._fence = fence

    @property
    def remaining(self) -> float:
        """Seconds until the timeout; 0 or less when the run is over."""
        return 0.0 if self.stopped else self._deadline - self._clock()

    def check(self) -> None:
        """Raise `JobStopped` when the run is over; lets other threads and greenlets run."""
        time.sleep(0)
        if self.remaining <= 0:
            raise JobStopped(self.stopped or "timeout")

    def confirm(self, session: Any) -> None:
        """Make the session's transaction one that only this run's owner can commit.

        Call it last before a commit. Raises `JobStopped` when another has taken the run over.
        """
        self.check()
        if not self._fence.confirm(session):
            raise JobStopped("another process has taken the run over")
