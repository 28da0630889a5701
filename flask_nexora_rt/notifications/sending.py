"""Telling many users one thing: saved with set-based SQL, sent as a few entries of the log."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from ..errors import Conflict, InvalidFields, InvalidName
from ..events import dump_json
from ..user_ids import check_user_id
from ..vocabulary import Events, user
from .desk import Desk
from .store import Counts, Grouped
from .types import MAX_SECONDS, NotificationType, TypeRegistry
from .writing import write_event

MAX_RECIPIENTS: Final = 100_000
MAX_DEDUPE_KEY: Final = 400
# Users told by one entry of the log: about 100 kB.
_USERS_PER_ENTRY: Final = 1000
# For events that are only made to be checked.
_NO_CHANNEL: Final = "none"


class Notice(NamedTuple):
    """One thing to tell; see `NotificationService.send` for what the parts mean."""

    user_ids: str | Iterable[str]
    type: str
    data: Mapping[str, Any] | None = None
    dedupe_key: str | None = None
    actor: str | None = None
    expires_in: float | None = None
    fingerprint: str | None = None


class Notified(NamedTuple):
    """What a send has done.

    ``notification``: what all who were told see, as the contract writes it, without ``userId``
    and counts. ``user_ids``: who has been told by this call, or by the first one with the same
    ``fingerprint``. ``duplicate``: its ``dedupe_key`` had been used.
    """

    notification: dict[str, Any]
    user_ids: list[str]
    duplicate: bool


class _Checked(NamedTuple):
    """A notice in which nothing can be wrong any more."""

    kind: NotificationType
    users: list[str]
    event: dict[str, Any]
    row: dict[str, Any]
    fingerprint: str | None
    readers: dict[str | None, list[str]]


class Sending:
    """Sends notices in the transaction of a desk."""

    def __init__(
        self, desk: Desk, types: TypeRegistry, locale: Callable[[str], str | None] | None
    ) -> None:
        self._desk = desk
        self._store = desk.store
        self._types = types
        self._locale = locale

    def send(self, notices: Sequence[Notice]) -> list[Notified]:
        """Send in order. Nothing is written before every notice has been found right."""
        checked = [self._check(notice) for notice in notices]
        saved = self._save(checked)
        if len(checked) > 1:
            self._store.lock(sorted({user_id for one in checked for user_id in one.users}))
        return [self._send(one, *event) for one, event in zip(checked, saved, strict=True)]

    def _save(self, checked: Sequence[_Checked]) -> list[tuple[str, str | None]]:
        """Save the events, or find them by their keys.

        Every send takes its events first, in the order of their keys, and then its inboxes, in
        theirs: so no two wait for each other.
        """
        order = sorted(range(len(checked)), key=lambda at: checked[at].event["dedupe_key"] or "")
        saved = {at: self._store.add_event(checked[at].event) for at in order}
        return [saved[at] for at in range(len(checked))]

    # -- checking -----------------------------------------------------------------------------

    def _check(self, notice: Notice) -> _Checked:
        kind = self._types.get(notice.type)
        params = self._as_json(kind.check(notice.data))
        event = self._event(kind, params, notice)
        row = self._row(kind, params, event["id"], notice.expires_in)
        users = check_users(notice.user_ids)
        readers = self._by_locale(users)
        checked = _Checked(kind, users, event, row, notice.fingerprint, readers)
        for locale in {None, *readers}:
            self._write(checked, locale)
        return checked

    def _by_locale(self, users: list[str]) -> dict[str | None, list[str]]:
        """Ask the host in which languages they read: before anything is locked."""
        if self._locale is None:
            return {None: users}
        readers: dict[str | None, list[str]] = {}
        for user_id in users:
            readers.setdefault(self._locale(user_id), []).append(user_id)
        return readers

    def _as_json(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters as readers get them back. Raises `BadRequest`, `EventTooLarge`."""
        written = self._desk.make_event(_NO_CHANNEL, Events.NOTIFICATION_NEW, params).data
        read: dict[str, Any] = json.loads(written)
        return read

    def _event(
        self, kind: NotificationType, params: Mapping[str, Any], notice: Notice
    ) -> dict[str, Any]:
        shown = kind.render(params)
        return {
            "id": new_id(self._desk.now),
            "type": kind.key,
            "data": dict(params),
            "actor_id": _check_actor(notice.actor),
            "category": kind.category,
            "level": kind.level,
            **shown._asdict(),
            "dedupe_key": _check_dedupe_key(notice.dedupe_key),
            "fingerprint": notice.fingerprint,
            "created_at": self._desk.now,
        }

    def _row(
        self, kind: NotificationType, params: Mapping[str, Any], event_id: str, expires: Any
    ) -> dict[str, Any]:
        now = self._desk.now
        seconds = kind.ttl if expires is None else _check_seconds(expires)
        return {
            "id": event_id,
            "event_id": event_id,
            **self._group(kind, params),
            "group_count": 1,
            "created_at": now,
            "expires_at": None if seconds is None else now + timedelta(seconds=seconds),
        }

    def _group(self, kind: NotificationType, params: Mapping[str, Any]) -> dict[str, Any]:
        group, length = kind.group_of(params), timedelta(seconds=kind.group_seconds)
        return {
            "group_key": group,
            "group_until": None if group is None else self._desk.now + length,
        }

    # -- writing ------------------------------------------------------------------------------

    def _send(self, notice: _Checked, event_id: str, fingerprint: str | None) -> Notified:
        duplicate = event_id != notice.event["id"]
        users = notice.users
        if duplicate:
            if notice.fingerprint != fingerprint:
                raise Conflict("this key was used to send something else: use a new one")
            notice = self._as_saved(notice, event_id)
            told = self._store.told(event_id, users)
            if fingerprint is not None:
                # The same call again: the same answer, and nobody hears of it twice.
                return Notified(self._write(notice, None), sorted(told), duplicate)
            users = [user_id for user_id in users if user_id not in told]
        if not notice.kind.critical:
            muted = self._store.muted(users, notice.kind.key, notice.kind.category)
            users = [user_id for user_id in users if user_id not in muted]
        if users:
            self._tell(notice, users)
        return Notified(self._write(notice, None), users, duplicate)

    def _as_saved(self, notice: _Checked, event_id: str) -> _Checked:
        """Return the notice as its key was first used: that is what is told, by its own type."""
        event = dict(self._store.event(event_id))
        kind = self._types.get(event["type"])
        row = {**notice.row, "id": event_id, "event_id": event_id}
        if notice.fingerprint is not None:
            row["created_at"] = event["created_at"]
        row |= self._group(kind, event["data"])
        return notice._replace(kind=kind, event=event, row=row)

    def _tell(self, notice: _Checked, users: list[str]) -> None:
        self._store.lock(users)
        grouped: dict[str, Grouped] = {}
        if notice.row["group_key"] is not None:
            now, event_id = self._desk.now, notice.event["id"]
            grouped = self._store.regroup(users, event_id, notice.row, now)
        alone = [user_id for user_id in users if user_id not in grouped]
        if alone:
            self._store.add(alone, notice.row)
        if grouped and notice.event["dedupe_key"] is not None:
            self._store.add(sorted(grouped), notice.row, hidden=True)
        self._publish(notice, users, grouped)

    # -- telling ------------------------------------------------------------------------------

    def _publish(
        self, notice: _Checked, users: Sequence[str], grouped: Mapping[str, Grouped]
    ) -> None:
        counts, told = self._store.counts(users, self._desk.now), set(users)
        self._desk.publish(
            [
                self._new_event(notice, locale, some, counts, grouped)
                for locale, readers in notice.readers.items()
                for some in _chunks([one for one in readers if one in told], _USERS_PER_ENTRY)
            ]
        )

    def _new_event(
        self,
        notice: _Checked,
        locale: str | None,
        users: Sequence[str],
        counts: Mapping[str, Counts],
        grouped: Mapping[str, Grouped],
    ) -> Any:
        """One entry for many users: what they share once, and what differs by channel."""
        shared = self._desk.make_event(
            [user(user_id) for user_id in users],
            Events.NOTIFICATION_NEW,
            self._write(notice, locale),
        )
        parts = {
            user(user_id): self._part(notice, locale, user_id, counts[user_id], grouped)
            for user_id in users
        }
        return replace(shared, parts=parts)

    def _part(
        self,
        notice: _Checked,
        locale: str | None,
        user_id: str,
        counts: Counts,
        grouped: Mapping[str, Grouped],
    ) -> bytes:
        found = grouped.get(user_id)
        if found is None:
            # By hand, because there are thousands; `as_json` has the same names.
            unread, unseen, version = counts
            who = dump_json(user_id).decode()
            return (
                f'{{"userId":{who},"unread":{unread},"unseen":{unseen},"version":{version}}}'
            ).encode()
        shown = notice.kind.render(notice.event["data"], locale, found.stands_for)
        own = {"id": found.id, "groupCount": found.stands_for}
        texts = {"title": shown.title, "message": shown.message}
        return dump_json({"userId": user_id, **counts.as_json(), **own, **texts})

    def _write(self, notice: _Checked, locale: str | None) -> dict[str, Any]:
        shown = notice.kind.render(notice.event["data"], locale)
        written = write_event(notice.event, shown, notice.row)
        # Too large or no JSON: found before anything is saved.
        self._desk.make_event(_NO_CHANNEL, Events.NOTIFICATION_NEW, written)
        return written


def _chunks(users: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (users[start : start + size] for start in range(0, len(users), size))


def new_id(now: datetime) -> str:
    """Return an id that nobody can guess and that sorts by time, as UUIDv7 does (RFC 9562)."""
    return f"{int(now.timestamp() * 1000):012x}{secrets.token_hex(10)}"


def check_users(user_ids: object) -> list[str]:
    """Return the recipients, sorted, each once. Raises `InvalidFields`."""
    given = [user_ids] if isinstance(user_ids, str | int) else user_ids
    if not isinstance(given, Iterable):
        raise InvalidFields({"userIds": "must be a list of user ids"})
    users = sorted({_check_user(user_id) for user_id in given})
    if not 0 < len(users) <= MAX_RECIPIENTS:
        raise InvalidFields({"userIds": f"must be 1 to {MAX_RECIPIENTS} users"})
    return users


def _check_user(user_id: object) -> str:
    text = check_user_id(user_id, "userIds")
    try:
        user(text)
    except InvalidName:
        raise InvalidFields(
            {"userIds": f"{text[:40]!r} is too long for a channel's name"}
        ) from None
    return text


def _check_dedupe_key(key: object) -> str | None:
    if key is None:
        return None
    if isinstance(key, str) and 0 < len(key) <= MAX_DEDUPE_KEY and key.isprintable():
        return key
    raise InvalidFields({"dedupeKey": f"must be 1 to {MAX_DEDUPE_KEY} printable characters"})


def _check_actor(user_id: object) -> str | None:
    return None if user_id is None else check_user_id(user_id, "actor")


def _check_seconds(seconds: object) -> float:
    if isinstance(seconds, int | float) and 0 < seconds <= MAX_SECONDS:
        return float(seconds)
    raise InvalidFields({"expiresIn": "must be a number of seconds, more than 0"})
