"""Whose activity is unlike everybody's: a robust score against the population. Pure.

Iglewicz and Hoaglin's modified z-score, ``0.6745 (x - median) / MAD``, cut at 3.5, of
``log(1 + count)`` over the window. Counts of users are skewed, also as logarithms, so the cut is
never nearer than where an exponential tail, fitted to the upper tenth, leaves 1 user in 2,000
(peaks over threshold). Where more than half of the users are equal the MAD is 0: then the mean
absolute deviation takes its place, bounded by how unlikely the count is as a Poisson one. A user's
own days are a second condition: too few to judge alone, they decide near the cut.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from statistics import fmean, median
from typing import Any, Final, NamedTuple

CUT: Final = 3.5
NEAR_CUT: Final = 2.5
REPORTED: Final = 70.0
CRITICAL: Final = 80.0

# Fewer users are no population, and fewer things done are no anomaly.
LEAST_USERS: Final = 20
LEAST_COUNT: Final = 10

_MAD_SCALE: Final = 0.6745  # the standard normal's third quartile
_MEAN_SCALE: Final = 1.2533  # sqrt(pi / 2)
_POISSON_CUT: Final = 4.75  # normal deviate of 1e-6
_TAIL: Final = (0.90, 0.97)
_TAIL_SHARE: Final = 1 / 2000
_LEAST_FOR_TAIL: Final = 200
_SUDDEN_RATIO: Final = 5
_SUDDEN_COUNT: Final = 20
_PER_FURTHER_METRIC: Final = 5.0


class UserActivity(NamedTuple):
    """What one user did in the window: the counts of its days, oldest first."""

    user_id: str
    days: tuple[int, ...]


@dataclass(frozen=True)
class MetricActivity:
    """One metric's window: everybody who did anything."""

    metric: str
    users: Sequence[UserActivity]

    @property
    def events(self) -> int:
        return sum(sum(user.days) for user in self.users)


@dataclass(frozen=True)
class Anomaly:
    """A user to look at. ``risk`` 0-100; ``evidence`` a dict per metric that explains it."""

    user_id: str
    risk: float
    metric: str
    evidence: tuple[dict[str, Any], ...]

    @property
    def level(self) -> str:
        return level_of(self.risk)


Detector = Callable[[Sequence[MetricActivity]], Iterable[Anomaly]]


def level_of(risk: float) -> str:
    """Return Low, Medium, High or Critical: from 0, 50, 70 and 80."""
    levels = ((CRITICAL, "Critical"), (REPORTED, "High"), (50.0, "Medium"))
    return next((level for least, level in levels if risk >= least), "Low")


def risk_of(z: float) -> float:
    """Return 70 at the cut, 10 more for each doubling, within 0 and 100."""
    if z <= 0:
        return 0.0
    return round(min(100.0, max(0.0, REPORTED + 10 * math.log2(z / CUT))), 1)


def detect(activity: Sequence[MetricActivity]) -> list[Anomaly]:
    """Return who is reported, highest risk first. Of several metrics the worst counts, and 5
    points for each further one."""
    evidence: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for metric in activity:
        for user_id, item in _outliers(metric):
            evidence[user_id].append(item)
    found = [_anomaly(user_id, items) for user_id, items in evidence.items()]
    return sorted(found, key=lambda anomaly: (-anomaly.risk, anomaly.user_id))


def _anomaly(user_id: str, evidence: list[dict[str, Any]]) -> Anomaly:
    worst = sorted(evidence, key=lambda item: (-item["z"], item["metric"]))
    # Near the cut only who is sudden is here: that counts as the cut.
    risk = min(100.0, risk_of(max(worst[0]["z"], CUT)) + _PER_FURTHER_METRIC * (len(worst) - 1))
    return Anomaly(user_id, risk, worst[0]["metric"], tuple(worst))


def _outliers(metric: MetricActivity) -> Iterable[tuple[str, dict[str, Any]]]:
    if len(metric.users) < LEAST_USERS:
        return
    totals = [sum(user.days) for user in metric.users]
    scale = Scale.of(totals)
    for user, total in zip(metric.users, totals, strict=True):
        if total < max(scale.near, LEAST_COUNT):
            continue
        z = scale.score(total)
        if z < CUT and not (z >= NEAR_CUT and is_sudden(user.days)):
            continue
        yield (
            user.user_id,
            {
                "metric": metric.metric,
                "value": total,
                "median": round(math.expm1(scale.median), 2),
                "mad": round(scale.mad, 4),
                "z": round(z, 2),
                "users": len(totals),
                "days": list(user.days),
                "sudden": is_sudden(user.days),
            },
        )


@dataclass(frozen=True)
class Scale:
    """A population of counts, on the scale of ``log(1 + count)``.

    ``unit`` is what one point of z is worth; ``rate`` is the mean count, ``is_poisson`` says that
    the MAD was 0. ``near``: no smaller count can be near the cut.
    """

    median: float
    mad: float
    unit: float
    rate: float
    is_poisson: bool
    near: float

    @classmethod
    def of(cls, counts: Sequence[int]) -> Scale:
        """Measure a population; it is not empty."""
        values = sorted(map(math.log1p, counts))
        middle = median(values)
        away = [abs(value - middle) for value in values]
        mad = median(away)
        mean = fmean(away)
        unit = mad / _MAD_SCALE if mad else mean * _MEAN_SCALE
        unit = max(unit, (_tail_cut(values) - middle) / CUT)
        near = math.expm1(middle + NEAR_CUT * unit) if unit else math.inf
        return cls(middle, mad, unit, fmean(counts), not mad, near)

    def score(self, count: int) -> float:
        """Return the modified z-score of a count."""
        if not self.unit:
            return 0.0
        z = (math.log1p(count) - self.median) / self.unit
        if self.is_poisson and poisson_deviate(count, self.rate) < _POISSON_CUT:
            return 0.0
        return z


def _tail_cut(values: Sequence[float]) -> float:
    """Return where an exponential tail leaves 1 in 2,000; of few users the end is unknown."""
    if len(values) < _LEAST_FOR_TAIL:
        return values[0]
    low, high = (values[int(len(values) * share)] for share in _TAIL)
    slope = (high - low) / math.log((1 - _TAIL[0]) / (1 - _TAIL[1]))
    return low + slope * math.log((1 - _TAIL[0]) / _TAIL_SHARE)


def poisson_deviate(count: float, rate: float) -> float:
    """Return about how many standard deviations a Poisson count is from its rate (Anscombe)."""
    return 2 * (math.sqrt(count + 0.375) - math.sqrt(rate + 0.375))


def is_sudden(days: Sequence[int]) -> bool:
    """Say whether the last day is far above the user's own days before."""
    if len(days) < 2:
        return False
    usual = median(islice(days, len(days) - 1))
    last = days[-1]
    return (
        last >= _SUDDEN_COUNT
        and last >= _SUDDEN_RATIO * usual
        and poisson_deviate(last, usual) >= _POISSON_CUT
    )
