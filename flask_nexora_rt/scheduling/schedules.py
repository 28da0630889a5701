"""Crontab lines in a time zone: which slot is due, and which is next. Pure.

The parsing and the calendar are APScheduler's; here is what crontab(5) means otherwise: weekday 0
and 7 are Sunday (APScheduler counts from Monday), and of a day of month and a day of week that
are both restricted one is enough. As in Vixie cron, a job of a fixed hour runs once in the night
in which clocks go back, and in the night in which its hour is left out it runs an hour later.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

_ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_DAY_PART = re.compile(r"(\*|[0-7a-z]+(?:-[0-7a-z]+)?)(?:/([1-9][0-9]*))?", re.ASCII)
# A 29 February can be eight years away: 2096 to 2104.
_LONGEST = timedelta(days=366 * 8 + 1)
_TICK = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)


class Schedule:
    """A crontab line of five fields, or an alias such as ``@daily``, in a time zone.

    Slots are aware datetimes in UTC. Raises ValueError for a line or a zone that does not exist,
    and for a line that is never due.
    """

    def __init__(self, cron: str, timezone: str = "UTC") -> None:
        self.cron = cron
        self.timezone = timezone
        self._zone = _zone(timezone)
        fields = _ALIASES.get(cron.strip(), cron).split()
        if len(fields) != 5:
            raise ValueError(
                f"{cron!r} is not a crontab line: write minute, hour, day, month, weekday"
            )
        self._triggers = [CronTrigger(**one, timezone=self._zone) for one in _either_day(fields)]
        # A job of every hour follows real time; one of a fixed hour follows the clock on the wall.
        self._fixed_hour = not fields[1].startswith("*")
        self._known: tuple[datetime, datetime] | None = None
        if self._first(datetime(2000, 1, 1, tzinfo=UTC)) is None:
            raise ValueError(f"{cron!r} is never due: there is no such day")

    def __repr__(self) -> str:
        return f"Schedule({self.cron!r}, {self.timezone!r})"

    def floor(self, now: datetime) -> datetime:
        """Return the newest slot that is not after ``now``."""
        if self._known is None or not self._known[0] <= now < self._known[1]:
            slot = self._search(now)
            self._known = (slot, self.next(slot))
        return self._known[0]

    def next(self, after: datetime) -> datetime:
        """Return the first slot after a moment."""
        found = self._first(after + _TICK)
        if found is None:
            raise ValueError(f"{self.cron!r} has no slot after {after}")
        return found

    def between(self, after: datetime, until: datetime, limit: int) -> list[datetime]:
        """Return the slots after one moment and before another: the first ``limit`` of them."""
        found: list[datetime] = []
        slot = self.next(after)
        while slot < until and len(found) < limit:
            found.append(slot)
            slot = self.next(slot)
        return found

    def _search(self, now: datetime) -> datetime:
        """Bisect: APScheduler only looks forward."""
        low, high = now - _LONGEST, now
        while high - low > _MINUTE:
            middle = low + (high - low) / 2
            found = self._first(middle)
            if found is not None and found <= now:
                low = found
            else:
                high = middle
        slot = self._first(low)
        while slot is not None and (later := self.next(slot)) <= now:
            slot = later
        if slot is None or slot > now:
            raise ValueError(f"{self.cron!r} was not due before {now}")
        return slot

    def _first(self, start: datetime) -> datetime | None:
        """Return the first slot at or after a moment."""
        fires = [self._fire(trigger, start) for trigger in self._triggers]
        return min((fire for fire in fires if fire is not None), default=None)

    def _fire(self, trigger: CronTrigger, start: datetime) -> datetime | None:
        found: datetime | None = trigger.get_next_fire_time(None, start.astimezone(self._zone))
        while found is not None and self._fixed_hour and found.fold:
            # By way of UTC: in local time a sum forgets which of the two hours it is in.
            later = (found.astimezone(UTC) + _MINUTE).astimezone(self._zone)
            found = trigger.get_next_fire_time(None, later)
        return None if found is None else found.astimezone(UTC)


class Every:
    """A slot every so many seconds, counted from 1970; otherwise as `Schedule`."""

    timezone = "UTC"

    def __init__(self, seconds: float) -> None:
        self._step = timedelta(seconds=seconds)
        self.cron = f"every {seconds:g} s"

    def floor(self, now: datetime) -> datetime:
        """Return the newest slot that is not after ``now``."""
        return _EPOCH + (now - _EPOCH) // self._step * self._step

    def next(self, after: datetime) -> datetime:
        """Return the first slot after a moment."""
        return self.floor(after) + self._step


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (OSError, LookupError, ValueError):
        raise ValueError(
            f"{name!r} is not a time zone: write a name such as Europe/Berlin"
        ) from None


def _either_day(fields: list[str]) -> list[dict[str, str]]:
    """Return the fields of the triggers of which one is enough."""
    minute, hour, day, month, weekday = (field.lower() for field in fields)
    weekdays = _weekdays(weekday)
    common = {"minute": minute, "hour": hour, "month": month}
    if day.startswith("*") or weekday.startswith("*"):
        return [{**common, "day": day, "day_of_week": weekdays}]
    return [{**common, "day": day}, {**common, "day_of_week": weekdays}]


def _weekdays(field: str) -> str:
    """Write a crontab's weekdays with names: numbers mean other days to APScheduler."""
    days = {day for part in field.split(",") for day in _weekday_part(part)}
    return ",".join(_DAYS[day] for day in sorted(days))


def _weekday_part(part: str) -> list[int]:
    found = _DAY_PART.fullmatch(part)
    if found is None:
        raise ValueError(f"{part!r} is not a day of the week: write 0-7 (0 and 7: Sunday) or names")
    span, step = found[1], int(found[2] or 1)
    first, _, last = ("0-6" if span == "*" else span).partition("-")
    start, end = _weekday(first), _weekday(last) if last else 6 if found[2] else _weekday(first)
    if last and end == 0 < start:  # fri-sun
        end = 7
    if end < start:
        raise ValueError(f"{part!r} ends before it begins")
    return [day % 7 for day in range(start, end + 1, step)]


def _weekday(text: str) -> int:
    if text in _DAYS:
        return _DAYS.index(text)
    if len(text) == 1 and text.isdigit():
        return int(text)
    raise ValueError(f"{text!r} is not a day of the week: write 0-7 (0 and 7: Sunday) or names")
