"""The SQL of notifications: set-based, on the host's session, in the host's transaction.

Whoever changes a user's notifications takes the user's inbox row first, in the order of user
ids: so versions rise one after the other and no two transactions wait for each other in a ring.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Table,
    bindparam,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from ..models import Models, insert_for
from . import conditions

CAP: Final = 100


class Counts(NamedTuple):
    """A user's numbers, each at most `CAP`, and the version they belong to."""

    unread: int
    unseen: int
    version: int

    def as_json(self) -> dict[str, int]:
        return self._asdict()


class Grouped(NamedTuple):
    """An unread notification that stands for one more."""

    id: str
    stands_for: int


@lru_cache(maxsize=64)
def _counts(rows: Table, inboxes: Table) -> Any:
    """Count for each inbox. Kept: building it costs more than running it."""
    return select(
        inboxes.c.user_id,
        _capped(rows, inboxes, conditions.unread(rows)).label("unread"),
        _capped(rows, inboxes, conditions.unseen(rows)).label("unseen"),
        inboxes.c.version,
    )


def _capped(rows: Table, inboxes: Table, which: list[ColumnElement[bool]]) -> Any:
    """Count no further than the cap: who has a million must not make others wait."""
    some = (
        select(literal(1).label("one"))
        .where(rows.c.user_id == inboxes.c.user_id, *which)
        .where(conditions.current(rows, bindparam("now")))
        .limit(CAP)
        .correlate(inboxes)
        .subquery()
    )
    return select(func.count()).select_from(some).correlate(inboxes).scalar_subquery()


@lru_cache(maxsize=256)
def _page(rows: Table, events: Table, state: str, is_later: bool) -> Any:
    """List a state, the newest first; a later page begins below a rank."""
    query = (
        select(*conditions.shown(rows, events))
        .join(events, events.c.id == rows.c.event_id)
        .where(rows.c.user_id == bindparam("user"), *conditions.in_state(rows, state))
        .where(conditions.current(rows, bindparam("now")))
        .order_by(rows.c.rank.desc())
        .limit(bindparam("limit"))
    )
    return query.where(rows.c.rank < bindparam("before")) if is_later else query


class NotificationStore:
    """Notifications in a database, through one session. Commits nothing."""

    def __init__(self, models: Models, session: Session) -> None:
        self._session = session
        self._dialect = session.get_bind().dialect.name
        self._events: Table = models.notification_event.__table__
        self._rows: Table = models.notification.__table__
        self._inboxes: Table = models.inbox.__table__
        self._preferences: Table = models.preference.__table__

    def _insert(self, table: Table) -> Any:
        return insert_for(self._dialect, table)

    def _values(self, users: Sequence[str]) -> Any:
        """Return a column of these texts, from one parameter: thousands would take seconds."""
        if self._dialect == "postgresql":
            texts = func.jsonb_array_elements_text(literal(list(users), JSONB))
            return texts.column_valued("name")
        return func.json_each(json.dumps(list(users))).table_valued("value").c.value

    def _among(self, column: Any, users: Sequence[str]) -> ColumnElement[bool]:
        if len(users) == 1:
            single: ColumnElement[bool] = column == users[0]
            return single
        several: ColumnElement[bool] = column.in_(select(self._values(users)))
        return several

    # -- telling ------------------------------------------------------------------------------

    def add_event(self, columns: Mapping[str, Any]) -> tuple[str, str | None]:
        """Save what happened, or find and lock what its ``dedupe_key`` has saved.

        Returns its id and fingerprint: another id than the given one is an older event's.
        """
        new = self._insert(self._events).values(columns)
        if columns["dedupe_key"] is not None:
            new = new.on_conflict_do_update(
                index_elements=[self._events.c.dedupe_key],
                # Changes nothing, but locks the row: who sends the same now waits for us.
                set_={"dedupe_key": new.excluded.dedupe_key},
            )
        found = self._session.execute(
            new.returning(self._events.c.id, self._events.c.fingerprint)
        ).one()
        return found.id, found.fingerprint

    def event(self, event_id: str) -> Mapping[str, Any]:
        query = select(self._events).where(self._events.c.id == event_id)
        return dict(self._session.execute(query).mappings().one())

    def told(self, event_id: str, users: Sequence[str]) -> set[str]:
        """Return who of these has been told of the event."""
        rows = self._rows
        query = select(rows.c.user_id).where(rows.c.id == event_id)
        return set(self._session.scalars(query.where(self._among(rows.c.user_id, users))))

    def muted(self, users: Sequence[str], kind: str, category: str) -> set[str]:
        """Return who of these does not want the type: the most specific word counts."""
        table = self._preferences
        asked = (
            ((table.c.scope == "type") & (table.c.name == kind))
            | ((table.c.scope == "category") & (table.c.name == category))
            | (table.c.scope == "global")
        )
        query = select(table.c.user_id, table.c.scope, table.c.wanted).where(asked)
        words: dict[str, dict[str, bool]] = {}
        for user, scope, wanted in self._session.execute(
            query.where(self._among(table.c.user_id, users))
        ):
            words.setdefault(user, {})[scope] = wanted
        return {user for user, said in words.items() if not _wants(said)}

    def lock(self, users: Sequence[str]) -> None:
        """Take inboxes, which must be sorted, and raise their versions by one."""
        names = self._values(users)
        # The condition tells SQLite's parser that ON CONFLICT is none of a join.
        source = select(names, literal(1, BigInteger)).where(true())
        new = self._insert(self._inboxes).from_select(["user_id", "version"], source)
        self._session.execute(
            new.on_conflict_do_update(
                index_elements=[self._inboxes.c.user_id],
                set_={"version": self._inboxes.c.version + 1},
            )
        )

    def unlock_unchanged(self, user: str) -> None:
        """Take the version back that `lock` has given: nothing had to change."""
        inbox = self._inboxes
        lowered = update(inbox).where(inbox.c.user_id == user)
        self._session.execute(lowered.values(version=inbox.c.version - 1))

    def regroup(
        self, users: Sequence[str], event_id: str, columns: Mapping[str, Any], now: datetime
    ) -> dict[str, Grouped]:
        """Let the newest unread notification of the group stand for this event as well."""
        rows, inbox, newer = self._rows, self._inboxes, self._rows.alias()
        key = columns["group_key"]
        newest = (
            select(func.max(newer.c.rank))
            .where(newer.c.user_id == rows.c.user_id, *conditions.in_group(newer, key, now))
            .scalar_subquery()
        )
        version = select(inbox.c.version).where(inbox.c.user_id == rows.c.user_id)
        changed = (
            update(rows)
            .where(self._among(rows.c.user_id, users), *conditions.in_group(rows, key, now))
            .where(rows.c.rank == newest)
            .values(
                event_id=event_id,
                rank=version.scalar_subquery(),
                group_count=rows.c.group_count + 1,
                created_at=now,
                expires_at=columns["expires_at"],
                seen_at=None,
            )
            .returning(rows.c.user_id, rows.c.id, rows.c.group_count)
        )
        return {r[0]: Grouped(r[1], r[2]) for r in self._session.execute(changed)}

    def add(self, users: Sequence[str], columns: Mapping[str, Any], hidden: bool = False) -> None:
        """Save a notification for each of these users, at its inbox's version.

        ``hidden`` ones only remember that the user was told.
        """
        given = {**columns, "deleted_at": columns["created_at"] if hidden else None}
        types = self._rows.c
        source = select(
            self._inboxes.c.user_id,
            self._inboxes.c.version,
            *(
                null() if value is None else literal(value, types[name].type)
                for name, value in given.items()
            ),
        ).where(self._among(self._inboxes.c.user_id, users))
        new = insert(self._rows).from_select(["user_id", "rank", *given], source)
        self._session.execute(new)

    # -- counting -----------------------------------------------------------------------------

    def counts(self, users: Sequence[str], now: datetime) -> dict[str, Counts]:
        """Return the numbers of these users, as far as they have an inbox."""
        inbox = self._inboxes
        if len(users) == 1:
            query = _counts(self._rows, inbox).where(inbox.c.user_id == bindparam("user"))
            found = self._session.execute(query, {"user": users[0], "now": now})
        else:
            query = _counts(self._rows, inbox).where(self._among(inbox.c.user_id, users))
            found = self._session.execute(query, {"now": now})
        return {r[0]: Counts(r[1], r[2], r[3]) for r in found}

    # -- reading ------------------------------------------------------------------------------

    def page(
        self, user: str, state: str, before: int | None, limit: int, now: datetime
    ) -> list[Any]:
        """Return rows with their events, the newest first, below a rank."""
        query = _page(self._rows, self._events, state, before is not None)
        given = {"user": user, "now": now, "before": before, "limit": limit}
        return list(self._session.execute(query, given))

    def rank_of(self, user: str, notification_id: str) -> int | None:
        """Return where a notification of the user stands; None when there is none."""
        rows = self._rows
        return self._session.scalar(
            select(rows.c.rank).where(
                rows.c.user_id == user, rows.c.id == notification_id, rows.c.deleted_at.is_(None)
            )
        )

    def known(self, user: str, ids: Sequence[str]) -> set[str]:
        """Return which of these the user was told, also if it has deleted them since."""
        rows = self._rows
        query = select(rows.c.id).where(rows.c.user_id == user, rows.c.id.in_(ids))
        return set(self._session.scalars(query))

    # -- changing -----------------------------------------------------------------------------

    def change(
        self,
        user: str,
        values: Mapping[str, Any],
        state: str,
        ids: Sequence[str] | None = None,
        up_to: int | None = None,
    ) -> int:
        """Set columns of the user's notifications that are in a state; return how many.

        ``ids``: only these; ``up_to``: only to this rank.
        """
        rows = self._rows
        which = update(rows).where(rows.c.user_id == user, *conditions.in_state(rows, state))
        if ids is not None:
            which = which.where(rows.c.id.in_(ids))
        if up_to is not None:
            which = which.where(rows.c.rank <= up_to)
        if "read_at" in values and values["read_at"] is not None:
            # Who has read it has seen it; when it was seen before, that stays.
            moment = literal(values["read_at"], rows.c.read_at.type)
            which = which.values(seen_at=func.coalesce(rows.c.seen_at, moment))
        result = self._session.execute(which.values(dict(values)))
        return int(getattr(result, "rowcount", 0))

    # -- preferences --------------------------------------------------------------------------

    def preferences(self, user: str) -> list[tuple[str, str, bool]]:
        """Return ``(scope, name, wanted)`` for all that the user has said."""
        table = self._preferences
        query = select(table.c.scope, table.c.name, table.c.wanted).where(table.c.user_id == user)
        return [(scope, name, wanted) for scope, name, wanted in self._session.execute(query)]

    def set_preferences(self, user: str, said: Sequence[tuple[str, str, bool]]) -> None:
        """Replace all that the user has said."""
        table = self._preferences
        self._session.execute(delete(table).where(table.c.user_id == user))
        if said:
            names = ("scope", "name", "wanted")
            values = [{"user_id": user, **dict(zip(names, one, strict=True))} for one in said]
            self._session.execute(insert(table), values)


def _wants(said: Mapping[str, bool]) -> bool:
    for scope in ("type", "category", "global"):
        if scope in said:
            return said[scope]
    return True
