"""Notifications: declared by type, saved for each user, counted right, delivered live."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final, TypeVar

from ..errors import BadRequest, InvalidFields, NotFound
from ..times import iso
from ..transaction import transaction
from ..user_ids import check_user_id
from ..vocabulary import Events, user
from .declared import NotificationDeclarations
from .desk import Desk
from .expiring import purge_some
from .preferences import read_preferences, write_preferences
from .sending import Notice, Notified, Sending
from .store import Counts
from .types import NotificationType
from .writing import write_row

MAX_PAGE: Final = 100
MAX_IDS: Final = 100
STATES: Final = ("all", "unread", "unseen", "read", "archived")
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_CURSOR = re.compile(r"r([1-9][0-9]{0,17})", re.ASCII)
_PURGED_AT_ONCE: Final = 1000
NO_COUNTS: Final = Counts(0, 0, 0)

F = TypeVar("F", bound=Callable[..., Any])
JSON = dict[str, Any]


class NotificationService:
    """``rt.notifications``.

    Every method that writes commits; with ``commit=False`` it joins the host's transaction, and
    the events go out when the outermost transaction has really committed. Changes are idempotent,
    answer the user's counts ``{"unread", "unseen", "version"}`` (each at most 100), and publish
    them when something has changed; versions of a user only rise.
    """

    def __init__(self, declared: NotificationDeclarations, open_desk: Callable[[], Desk]) -> None:
        self._declared = declared
        self._open_desk = open_desk

    # -- declarations -------------------------------------------------------------------------

    def type(
        self,
        key: str,
        *,
        title: str | Mapping[str, str],
        message: str | Mapping[str, str],
        params: Iterable[str] | None = None,
        optional: Iterable[str] = (),
        **rest: Any,
    ) -> Callable[[F], F]:
        """Declare a type of notification, or replace the texts of a built-in one.

        Texts are Jinja2 templates (sandboxed) of the parameters, or one by locale. The parameters
        are ``params`` and ``optional``, else those that the templates use; or decorate a pydantic
        model or a function, and they are its fields or arguments. ``rest``: ``icon``, ``url`` (a
        path or http(s); parameters are percent-encoded, ``{{ link|link }}`` is a whole one),
        ``category``, ``level`` (info, success, warning, error), ``critical`` (cannot be muted),
        ``ttl`` (seconds), ``group_key`` (a template) and ``group_seconds``. Raises
        `ConfigurationError`.
        """
        return self._declared.types.declare(
            key, params, optional, title=title, message=message, **rest
        )

    def sender(self, function: F) -> F:
        """Declare who may send over HTTP: (user object, type, user ids) -> bool. Else nobody."""
        self._declared.sender = function
        return function

    def locale(self, function: F) -> F:
        """Declare in which locale a user reads: user id -> ``"de"``, or None for the default."""
        self._declared.locale = function
        return function

    def types(self) -> Sequence[NotificationType]:
        """Return all types, by key."""
        return self._declared.types.all()

    def may_send(self, caller: Any, kind: str, user_ids: Sequence[str]) -> bool:
        """Say whether a user object may send over HTTP."""
        allowed = self._declared.sender
        return allowed is not None and allowed(caller, kind, user_ids) is True

    # -- sending ------------------------------------------------------------------------------

    def send(
        self,
        user_ids: str | Iterable[str],
        type: str,  # noqa: A002 - the contract's name
        data: Mapping[str, Any] | None = None,
        dedupe_key: str | None = None,
        actor: str | None = None,
        expires_in: float | None = None,
        commit: bool = True,
        fingerprint: str | None = None,
    ) -> Notified:
        """Tell users something: a few statements, however many they are.

        ``dedupe_key``: who has been told under it is not told again, whatever the rest says.
        ``actor``: the user id of who caused it; ``expires_in``: seconds. Users that muted the type
        are left out. Raises `InvalidFields` (unknown type, missing or unknown parameter),
        `EventTooLarge`, and `Conflict` when the key was used with another ``fingerprint``.
        """
        notice = Notice(user_ids, type, data, dedupe_key, actor, expires_in, fingerprint)
        return self.send_all([notice], commit)[0]

    def send_all(self, notices: Sequence[Notice], commit: bool = True) -> Sequence[Notified]:
        """Send several in one transaction, in order. Nothing is written if one of them is wrong.

        Of two transactions that each send several one by one, one may wait for the other and the
        other for it; with this neither does.
        """
        desk = self._open_desk()
        with transaction(desk.session, commit):
            return Sending(desk, self._declared.types, self._declared.locale).send(notices)

    # -- reading ------------------------------------------------------------------------------

    def list(
        self,
        user_id: str,
        state: str = "all",
        cursor: str | None = None,
        limit: int = 20,
        locale: str | None = None,
    ) -> JSON:
        """Return ``{"notifications", "nextCursor", "unread", "unseen", "version"}``, newest first.

        ``state``: all (not archived), unread, unseen, read or archived. ``cursor``: the last
        page's ``nextCursor``, which is None at the end. Raises `BadRequest`.
        """
        if state not in STATES:
            raise BadRequest(f"state must be one of {', '.join(STATES)}")
        user_id, desk = str(user_id), self._open_desk()
        limit = max(1, min(limit, MAX_PAGE))
        rows = desk.store.page(user_id, state, _rank(cursor), limit + 1, desk.now)
        more, rows = len(rows) > limit, rows[:limit]
        language = locale or self._locale_of(user_id)
        return {
            "notifications": [write_row(row, self._declared.types, language) for row in rows],
            "nextCursor": f"r{rows[-1].rank}" if more else None,
            **self._counts(desk, user_id).as_json(),
        }

    def unread_count(self, user_id: str) -> dict[str, int]:
        """Return ``{"unread", "unseen", "version"}``."""
        return self._counts(self._open_desk(), str(user_id)).as_json()

    def _locale_of(self, user_id: str) -> str | None:
        return None if self._declared.locale is None else self._declared.locale(user_id)

    @staticmethod
    def _counts(desk: Desk, user_id: str) -> Counts:
        return desk.store.counts([user_id], desk.now).get(user_id, NO_COUNTS)

    # -- changing -----------------------------------------------------------------------------

    def mark_read(
        self, user_id: str, ids: str | Sequence[str], commit: bool = True
    ) -> dict[str, int]:
        """Mark notifications read, and so seen. Raises `NotFound` when one is not the user's."""
        return self._change_some(user_id, ids, "read_at", "unread", "read", commit)

    def mark_unread(
        self, user_id: str, ids: str | Sequence[str], commit: bool = True
    ) -> dict[str, int]:
        """Mark notifications unread again; they stay seen. Raises `NotFound`."""
        return self._change_some(user_id, ids, "read_at", "read", "unread", commit, undo=True)

    def archive(
        self, user_id: str, ids: str | Sequence[str], commit: bool = True
    ) -> dict[str, int]:
        """Put notifications away: they are listed under ``archived`` only. Raises `NotFound`."""
        return self._change_some(user_id, ids, "archived_at", "all", "archived", commit)

    def delete(self, user_id: str, ids: str | Sequence[str], commit: bool = True) -> dict[str, int]:
        """Delete notifications; a repeat is no error. Raises `NotFound`."""
        return self._change_some(user_id, ids, "deleted_at", "any", "deleted", commit)

    def mark_all_read(
        self, user_id: str, up_to: str | None = None, commit: bool = True
    ) -> dict[str, int]:
        """Mark everything read up to a notification, the newest that the user saw, or all.

        What has come meanwhile stays unread. Raises `NotFound`.
        """
        return self._change_up_to(user_id, up_to, "read_at", "unread", "read", commit)

    def mark_seen(
        self, user_id: str, up_to: str | None = None, commit: bool = True
    ) -> dict[str, int]:
        """Mark everything seen (the bell was opened) up to a notification, or all."""
        return self._change_up_to(user_id, up_to, "seen_at", "unseen", "seen", commit)

    def clear(self, user_id: str, commit: bool = True) -> dict[str, int]:
        """Delete all notifications of a user."""
        return self._change_up_to(user_id, None, "deleted_at", "any", "deleted", commit)

    def _change_some(
        self,
        user_id: str,
        ids: str | Sequence[str],
        column: str,
        state: str,
        action: str,
        commit: bool,
        undo: bool = False,
    ) -> dict[str, int]:
        user_id, chosen = check_user_id(user_id), _check_ids(ids)
        with self._changing(user_id, commit) as (desk, change):
            found = desk.store.known(user_id, chosen)
            if found != set(chosen):
                raise NotFound("there is no such notification")
            moment = None if undo else desk.now
            changed = desk.store.change(user_id, {column: moment}, state, ids=chosen)
            return change(changed, {"action": action, "ids": chosen})

    def _change_up_to(
        self, user_id: str, up_to: str | None, column: str, state: str, action: str, commit: bool
    ) -> dict[str, int]:
        user_id = check_user_id(user_id)
        with self._changing(user_id, commit) as (desk, change):
            rank = None if up_to is None else desk.store.rank_of(user_id, *_check_ids(up_to))
            if up_to is not None and rank is None:
                raise NotFound("there is no such notification")
            changed = desk.store.change(user_id, {column: desk.now}, state, up_to=rank)
            return change(changed, {"action": action, "ids": None, "upTo": up_to})

    @contextmanager
    def _changing(
        self, user_id: str, commit: bool
    ) -> Iterator[tuple[Desk, Callable[[int, JSON], dict[str, int]]]]:
        """Take the user's inbox; give a function that tells what has been changed there."""
        desk = self._open_desk()

        def change(changed: int, body: JSON) -> dict[str, int]:
            if not changed:
                desk.store.unlock_unchanged(user_id)
                return self._counts(desk, user_id).as_json()
            counts = self._counts(desk, user_id).as_json()
            cleared = body["action"] in ("deleted", "archived")
            name = Events.NOTIFICATION_CLEAR if cleared else Events.NOTIFICATION_READ
            written = {**body, "userId": user_id, "at": iso(desk.now), **counts}
            desk.publish([desk.make_event(user(user_id), name, written)])
            return counts

        with transaction(desk.session, commit):
            desk.store.lock([user_id])
            yield desk, change

    # -- preferences --------------------------------------------------------------------------

    def preferences(self, user_id: str) -> JSON:
        """Return ``{"global": bool, "categories": {}, "types": {}}``; true: wanted."""
        return write_preferences(self._open_desk().store.preferences(str(user_id)))

    def set_preferences(self, user_id: str, said: Mapping[str, Any], commit: bool = True) -> JSON:
        """Replace what a user has said; what is not named is wanted. Raises `InvalidFields`."""
        user_id, rows = check_user_id(user_id), read_preferences(said, self._declared.types)
        desk = self._open_desk()
        with transaction(desk.session, commit):
            # Two at once: one replaces the other, whole.
            desk.store.lock([user_id])
            desk.store.unlock_unchanged(user_id)
            desk.store.set_preferences(user_id, rows)
        return write_preferences(rows)

    # -- purging ------------------------------------------------------------------------------

    def purge(self, keep_seconds: float) -> int:
        """Delete what is expired, and what was deleted ``keep_seconds`` ago; return how many rows.

        In batches, each its own transaction; several workers may do it at once. What was told
        under a ``dedupe_key`` and has expired is kept as deleted, for so long as well; a repeat
        after that tells everybody again. Users are told which of theirs have expired, with counts.
        """
        total = 0
        while True:
            desk = self._open_desk()
            old = desk.now - timedelta(seconds=keep_seconds)
            with transaction(desk.session, commit=True):
                gone = purge_some(desk, desk.now, old, _PURGED_AT_ONCE)
            total += gone
            if not gone:
                return total


def _rank(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise BadRequest("this cursor is none of ours: start without one")
    return int(match[1])


def _check_ids(ids: str | Sequence[str]) -> list[str]:
    """Return ids, each once. Raises `NotFound` for one that the database could not even hold."""
    chosen = list(dict.fromkeys([ids] if isinstance(ids, str) else ids))
    if not 0 < len(chosen) <= MAX_IDS:
        raise InvalidFields({"ids": f"must be 1 to {MAX_IDS} ids"})
    if not all(map(_ID.fullmatch, chosen)):
        raise NotFound("there is no such notification")
    return chosen
