"""What expires changes a user's counts without anybody's doing, so the purge tells them.

Readers see expired notifications no more at once; an open page, which goes by the highest
version it was told, would show the old number until something else happened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from ..events import Event, dump_json
from ..times import iso
from ..vocabulary import Events, user
from .desk import Desk
from .store import Counts

EXPIRED: Final = "expired"


def purge_some(desk: Desk, now: datetime, older_than: datetime, limit: int) -> int:
    """Delete some of what nobody sees any more, tell whose counts changed; return how many.

    Expired ones go at once; deleted ones are kept until ``older_than``, because they remember
    that the user was told.
    """
    gone = desk.purge.expired(now, limit)
    counted: dict[str, list[str]] = {}
    for one in gone:
        if one.was_counted:
            counted.setdefault(one.user_id, []).append(one.id)
    users = sorted(counted)
    if users:
        desk.store.lock(users)
    desk.purge.remove(gone)
    if users:
        desk.publish([_cleared(desk, counted, desk.store.counts(users, desk.now))])
    return len(gone) + desk.purge.forget(older_than, limit)


def _cleared(
    desk: Desk, expired: Mapping[str, Sequence[str]], counts: Mapping[str, Counts]
) -> Event:
    """One entry for all of them: what they share once, and what differs by channel."""
    shared = {"action": EXPIRED, "at": iso(desk.now)}
    event = desk.make_event([user(one) for one in expired], Events.NOTIFICATION_CLEAR, shared)
    parts = {
        user(one): dump_json({"userId": one, "ids": ids, **counts[one].as_json()})
        for one, ids in expired.items()
    }
    return replace(event, parts=parts)
