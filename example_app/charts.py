"""The geometry of the charts that the server draws as SVG, in the units of their viewBox."""

from collections.abc import Sequence
from math import pi
from typing import Any, NamedTuple

BAR_WIDTH = 240
BAR_STEP = 44
LINE_WIDTH, LINE_HEIGHT, LINE_EDGE = 320, 96, 6
RING = 2 * pi * 52


class Bar(NamedTuple):
    """One row of a bar chart: where it begins, and how long it is."""

    name: str
    y: int
    width: float
    points: float
    of: float


def bars(breakdown: Sequence[dict[str, Any]]) -> list[Bar]:
    """What each category has kept of its points; all are drawn equally long."""
    return [
        Bar(
            part["category"],
            number * BAR_STEP,
            round(BAR_WIDTH * part["points"] / part["of"], 1),
            part["points"],
            part["of"],
        )
        for number, part in enumerate(breakdown)
    ]


def ring(score: float) -> str:
    """The dashes of a circle with radius 52 that is closed at 100."""
    return f"{RING * score / 100:.1f} {RING:.1f}"


def line(scores: Sequence[float]) -> list[tuple[float, float]]:
    """Points from left to right; 100 is at the top, 0 at the bottom."""
    step = (LINE_WIDTH - 2 * LINE_EDGE) / max(1, len(scores) - 1)
    high = LINE_HEIGHT - 2 * LINE_EDGE
    return [
        (round(LINE_EDGE + number * step, 1), round(LINE_EDGE + high * (1 - score / 100), 1))
        for number, score in enumerate(scores)
    ]
