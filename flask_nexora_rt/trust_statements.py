"""The SQL of trust decay: on the host's columns, remembered there or in a table of ours.

What was taken for an absence is remembered with the moment it began (the anchor), so a repeated run
takes nothing and a run after skipped weeks takes what they would have taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Float,
    Integer,
    String,
    case,
    cast,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from .models import Models

GRACE_DAYS: Final = 30
MOST: Final = 50
FLOOR: Final = 500

_DAY = 86_400


class TrustColumns:
    """The host's columns: the user's public id, trust (a number), last activity (a time, UTC).

    With ``anchor`` and ``applied`` the host's table remembers what was taken; else a table of
    this package does. ``notify``: whether users are told. All must be of one table.
    """

    def __init__(
        self,
        user_id: Any,
        trust: Any,
        last_active: Any,
        *,
        anchor: Any = None,
        applied: Any = None,
        notify: bool = True,
    ) -> None:
        if (anchor is None) != (applied is None):
            raise ValueError("trust_columns: give anchor and applied, or neither")
        columns = (user_id, trust, last_active, anchor, applied)
        self._given = [column for column in columns if column is not None]
        if not all(hasattr(column, "__clause_element__") for column in self._given):
            raise ValueError(
                "trust_columns: give columns, as User.id, User.trust, User.last_active"
            )
        self.notify = notify

    def resolve(self) -> Columns:
        """Return the table's columns. Raises ValueError when they are not of one table."""
        found = [column.__clause_element__()._deannotate() for column in self._given]
        if len({column.table for column in found}) != 1:
            raise ValueError("trust_columns: the columns are not of one table")
        return Columns(*found)


class Columns(NamedTuple):
    """Columns of the host's user table."""

    user_id: Any
    trust: Any
    last_active: Any
    anchor: Any = None
    applied: Any = None


@dataclass(frozen=True)
class Decay:
    """The statements of one run on one database; ``marker`` names the changes it makes."""

    columns: Columns
    models: Models
    as_of: datetime
    dialect: str
    marker: str

    @property
    def _is_postgres(self) -> bool:
        return self.dialect == "postgresql"

    def _time(self, moment: datetime) -> ColumnElement[Any]:
        """Return a moment as the host's column keeps it, with or without its zone."""
        kind = self.columns.last_active.type
        return literal(moment if getattr(kind, "timezone", False) else _naive(moment), kind)

    def _days_away(self) -> ColumnElement[int]:
        last = self.columns.last_active
        if self._is_postgres:
            seconds = func.extract("epoch", self._time(self.as_of) - last)
            return cast(func.floor(seconds / _DAY), Integer)
        now, then = (func.strftime("%s", at) for at in (self._time(self.as_of), last))
        return (cast(now, Integer) - cast(then, Integer)) // _DAY

    def _target(self) -> ColumnElement[int]:
        """Return what the absence costs in all, up to the slot."""
        least = func.least if self._is_postgres else func.min
        return least(literal(MOST), self._days_away() - GRACE_DAYS)

    def _lowered(self, points: Any) -> ColumnElement[Any]:
        greatest = func.greatest if self._is_postgres else func.max
        return greatest(literal(FLOOR), self.columns.trust - points)

    @property
    def _is_away(self) -> ColumnElement[bool]:
        cutoff = self._time(self.as_of - timedelta(days=GRACE_DAYS))
        is_away: ColumnElement[bool] = self.columns.last_active < cutoff
        return is_away

    def count_away(self) -> Any:
        """Count who is away."""
        return select(func.count()).select_from(self.columns.last_active.table).where(self._is_away)

    # -- remembered in the host's columns -------------------------------------------------------

    def by_columns(self) -> Any:
        """The one UPDATE, when the host's table remembers."""
        columns = self.columns
        taken = case(
            (columns.anchor == columns.last_active, func.coalesce(columns.applied, 0)), else_=0
        )
        target = self._target()
        return (
            update(columns.trust.table)
            .where(self._is_away, columns.trust > FLOOR, target > taken)
            .values(
                {
                    columns.trust: self._lowered(target - taken),
                    columns.applied: target,
                    columns.anchor: columns.last_active,
                }
            )
        )

    # -- remembered in a table of ours ----------------------------------------------------------

    def remember(self) -> Any:
        """Write into our table what each absence costs by now, and how much of it is new.

        Two runs at once are right, too: the second waits for the first's row, and sees it.
        """
        memory, columns = self.models.trust_decay.__table__, self.columns
        target = self._target()
        absences = select(
            self._user_key(), self._anchor(), target, target, literal(self.marker)
        ).where(self._is_away, columns.trust > FLOOR, target > 0)
        dialect = postgresql if self._is_postgres else sqlite
        new = dialect.insert(memory).from_select(
            ["user_id", "anchor", "applied", "step", "run_id"], absences
        )
        same = memory.c.anchor == new.excluded.anchor
        taken = case((same, memory.c.applied), else_=0)
        return new.on_conflict_do_update(
            index_elements=[memory.c.user_id],
            set_={
                "anchor": new.excluded.anchor,
                "applied": new.excluded.applied,
                "step": new.excluded.applied - taken,
                "run_id": self.marker,
            },
            where=new.excluded.applied > taken,
        )

    def by_memory(self) -> Any:
        """The one UPDATE, when our table remembers."""
        memory = self.models.trust_decay.__table__
        return (
            update(self.columns.trust.table)
            .where(memory.c.user_id == self._user_key(), memory.c.run_id == self.marker)
            .where(memory.c.anchor == self._anchor(), self.columns.trust > FLOOR)
            .values({self.columns.trust: self._lowered(memory.c.step)})
        )

    def _user_key(self) -> ColumnElement[str]:
        return cast(self.columns.user_id, String)

    def _anchor(self) -> ColumnElement[datetime]:
        last = self.columns.last_active
        if self._is_postgres and not last.type.timezone:
            return func.timezone("UTC", last, type_=DateTime(timezone=True))
        anchor: ColumnElement[datetime] = last
        return anchor

    # -- who is told ----------------------------------------------------------------------------

    def keep_changes(self, lower: Any) -> Any:
        """Wrap the UPDATE so that PostgreSQL keeps its changes without showing them to us."""
        columns = self.columns
        changed = lower.returning(columns.user_id, columns.trust).cte("changed")
        rows = select(
            cast(changed.c[columns.user_id.key], String),
            literal(self.marker),
            cast(changed.c[columns.trust.key], Float),
        )
        changes = self.models.trust_change.__table__
        return insert(changes).from_select(["user_id", "run_id", "trust"], rows)

    def count_kept(self) -> Any:
        """Count them: drivers do not agree on the row count of such a statement."""
        changes = self.models.trust_change.__table__
        return select(func.count()).select_from(changes).where(changes.c.run_id == self.marker)


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
