"""How well the platform is: 0 to 100, with the parts it is the sum of. Pure.

The form of ServiceNow's Platform Health score: a check's findings weigh by severity and by the
logarithm of their number against a fixed reference, a category is what is left of its ceiling,
and the score is the weighted sum of the categories. More findings never raise it, and only none
at all is 100.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

SEVERITIES: Final = {"low": 1, "medium": 3, "high": 8}
WEIGHTS: Final = {"activity": 50, "delivery": 25, "jobs": 25}

# Less is no platform to judge.
LEAST_USERS: Final = 20
LEAST_EVENTS: Final = 100


@dataclass(frozen=True)
class Check:
    """One check: how many findings of a severity, against how many are a lot."""

    category: str
    name: str
    severity: str
    count: int
    reference: float

    @property
    def ceiling(self) -> float:
        return 2.0 * SEVERITIES[self.severity]

    @property
    def penalty(self) -> float:
        """What it costs its category: from half its ceiling for one finding up to all of it."""
        if self.count <= 0:
            return 0.0
        share = math.log1p(self.count) / math.log1p(max(1.0, self.reference))
        return SEVERITIES[self.severity] * min(2.0, 1.0 + share)


@dataclass(frozen=True)
class Health:
    """The score, None when there is too little to judge by, and what it is made of."""

    score: float | None
    breakdown: list[dict[str, Any]]


def is_enough(users: int, events: int) -> bool:
    """Say whether there is enough activity to judge by."""
    return users >= LEAST_USERS and events >= LEAST_EVENTS


def reference(users: int) -> float:
    """Return how many findings are a lot among so many active users."""
    return max(10.0, users / 100)


def measure(checks: Iterable[Check]) -> Health:
    """Return the score of these checks: the sum of the points of its categories."""
    by_category: dict[str, list[Check]] = {}
    for check in checks:
        by_category.setdefault(check.category, []).append(check)
    weights = {category: WEIGHTS[category] for category in sorted(by_category)}
    whole = sum(weights.values())
    parts = [
        _part(category, weight * 100 / whole, by_category[category])
        for category, weight in weights.items()
    ]
    if not parts:
        return Health(None, [])
    return Health(round(sum(part["points"] for part in parts), 2), parts)


def _part(category: str, most: float, checks: Sequence[Check]) -> dict[str, Any]:
    ceiling = sum(check.ceiling for check in checks)
    left = 1 - math.fsum(sorted(check.penalty for check in checks)) / ceiling
    return {
        "category": category,
        "points": round(most * max(0.0, left), 2),
        "of": round(most, 2),
        "checks": [
            {"name": check.name, "severity": check.severity, "count": check.count}
            for check in sorted(checks, key=lambda check: check.name)
        ],
    }
