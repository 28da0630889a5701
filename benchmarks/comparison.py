"""One line of the table: our figure, the peer's, the budget, and whether it is met."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True)
class Series:
    """The repeats of one measurement."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float]) -> Series:
        """From any numbers, at least one."""
        return cls(tuple(values))

    @property
    def median(self) -> float:
        """The middle one."""
        return median(self.values)


@dataclass(frozen=True)
class Budget:
    """A bound on ours / peer, or on ours itself when it has a ``unit``."""

    limit: float
    at_least: bool = False
    unit: str = ""

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.limit:g} {self.unit or 'x'}"

    def allows(self, figure: float) -> bool:
        """Whether ``figure`` keeps to it."""
        return figure >= self.limit if self.at_least else figure <= self.limit


@dataclass(frozen=True)
class Comparison:
    """Ours beside a peer."""

    row: str
    work: str
    unit: str
    budget: Budget
    ours: Series | None
    peer_name: str = ""
    peer: Series | None = None
    note: str = ""  # why a figure is missing
    details: dict[str, str] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """Ours / peer."""
        if self.ours is None or self.peer is None or not self.peer.median:
            return None
        return self.ours.median / self.peer.median

    @property
    def met(self) -> bool | None:
        """Whether the budget holds; None when something was not measured."""
        ours = self.ours.median if self.ours else None
        figure = ours if self.budget.unit else self.ratio
        return None if figure is None else self.budget.allows(figure)
