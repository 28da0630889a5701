"""The collaboration app: threads of an organisation, their comments, and a feed of activities.

Comments are messages of the thread's conversation, ``rt.messages.send(thread(7), ...)``, so they
have a ``seq``, revisions, tombstones and a history; the thread's channel tells them as
``comment:created``, ``comment:updated`` and ``comment:deleted`` as well.

The seed told everything about every thread to the whole organisation. Here a thread's events go to
those who may see the thread, and to the organisation only when the host says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from ..channels import Authorizer, Pattern, check_channel, escape_part
from ..errors import BadRequest, NotServable
from ..extension import NexoraRT
from ..state import State, current_state
from ..times import iso
from ..transaction import transaction
from ..vocabulary import Events as Nexora
from .activity import FEED_LENGTH, ActivityStore

_ORGS: Final = "private-org-{org_id}"
_THREADS: Final = "presence-thread-{thread_id}"
_THREAD = Pattern(_THREADS)
_COMMENT_NAMES: Final = {"senderId": "authorId", "sender": "author"}
_OWN_EVENT: Final = frozenset({"threadId", "timestamp", "status"})


class Events(StrEnum):
    """Event names as they stand on the wire."""

    THREAD_UPDATED = "thread:updated"
    THREAD_STATUS_CHANGED = "thread:status_changed"
    COMMENT_CREATED = "comment:created"
    COMMENT_UPDATED = "comment:updated"
    COMMENT_DELETED = "comment:deleted"
    ITEM_ADDED = "item:added"
    ACTIVITY_NEW = "activity:new"


def org(org_id: object) -> str:
    """``private-org-{id}``: for the members of an organisation."""
    return check_channel(f"private-org-{escape_part(org_id)}")


def thread(thread_id: object) -> str:
    """``presence-thread-{id}``: who looks at a thread; also the id of its conversation."""
    return check_channel(f"presence-thread-{escape_part(thread_id)}")


class Collaboration:
    """Declares the channels on ``rt`` and publishes what happens to threads.

    ``may_see_org(user, org_id)`` and ``may_see_thread(user, thread_id)`` answer as the authorizers
    of `NexoraRT.channel` do; a dict of the second is what presence shows (``{"name", "avatar"}``).
    ``org_of_thread(thread_id)`` names the organisation whose members may *all* read the thread, or
    None: its channel then gets the thread's events and comments too, as in the seed. Without
    it the organisation is told activities alone.

    Methods publish when the host's transaction commits; times are ISO 8601 text in UTC. They raise
    what `NexoraRT.publish_on_commit` raises.
    """

    def __init__(
        self,
        rt: NexoraRT,
        *,
        may_see_org: Authorizer,
        may_see_thread: Authorizer,
        org_of_thread: Callable[[str], object | None] | None = None,
    ) -> None:
        self._rt = rt
        rt.channel(_ORGS, conversation=False)(may_see_org)
        rt.channel(_THREADS)(may_see_thread)
        self._tell_comments(_THREADS)
        if org_of_thread is not None:
            rt.mirror(_THREADS, _org_channel(org_of_thread))
            self._tell_comments(_ORGS)

    def _tell_comments(self, pattern: str) -> None:
        for name, alias, shape in (
            (Nexora.MESSAGE_NEW, Events.COMMENT_CREATED, write_created),
            (Nexora.MESSAGE_EDIT, Events.COMMENT_UPDATED, write_updated),
            (Nexora.MESSAGE_DELETE, Events.COMMENT_DELETED, write_deleted),
        ):
            self._rt.alias(pattern, name, alias, shape)

    def thread_updated(self, thread_id: object, **changes: Any) -> None:
        """Publish ``thread:updated``: ``{"threadId", "title"?, "description"?, ..., "timestamp"}``.

        Give what has changed, such as ``title="New"``, and what the host checks edits with, such as
        ``revision=4``. Raises `BadRequest` for a status, which has an event of its own.
        """
        if not changes or changes.keys() & _OWN_EVENT:
            raise BadRequest("give the changed fields; a status goes to thread_status_changed")
        self._tell(thread_id, Events.THREAD_UPDATED, changes)

    def thread_status_changed(self, thread_id: object, old: str, new: str) -> None:
        """Publish ``thread:status_changed``: ``{"threadId", "oldStatus", "newStatus", ...}``."""
        body = {"oldStatus": old, "newStatus": new}
        self._tell(thread_id, Events.THREAD_STATUS_CHANGED, body)

    def item_added(self, thread_id: object, item: Mapping[str, Any]) -> None:
        """Publish ``item:added``: ``{"threadId", "item", "timestamp"}``."""
        self._tell(thread_id, Events.ITEM_ADDED, {"item": dict(item)})

    def _tell(self, thread_id: object, name: str, body: Mapping[str, Any]) -> None:
        stamped = {"threadId": str(thread_id), **body, "timestamp": iso(_now(current_state()))}
        self._rt.publish_on_commit(thread(thread_id), name, stamped)

    def record_activity(
        self, org_id: object, activity: Mapping[str, Any], commit: bool = True
    ) -> dict[str, Any]:
        """Put an activity into the feed and publish ``activity:new``; the newest 50 are kept.

        ``activity`` is the host's own JSON object, shown to every member of the organisation: it
        gets the feed's next ``seq`` and, unless it has one, that as its ``id``. Commits; with
        ``commit=False`` it joins the host's transaction. Returns ``{"activity", "timestamp"}``.
        """
        state, known = current_state(), str(org_id)
        channel, store = org(known), _store(state)
        with transaction(state.db.session, commit):
            seq, now = store.next_seq(known), _now(state)
            written = {"id": str(seq), **activity, "seq": seq}
            body = {"activity": written, "timestamp": iso(now)}
            self._rt.publish_on_commit(channel, Events.ACTIVITY_NEW, body)
            store.add(known, seq, state.app.json.dumps(written), now)
        return body

    def activity_feed(self, org_id: object, limit: int = FEED_LENGTH) -> dict[str, Any]:
        """Return ``{"activities": [{"activity", "timestamp"}, ...], "position"}``, newest first.

        ``position`` was taken before the rows were read: a stream opened with it as
        ``last_event_id`` misses nothing; what it shows again has a ``seq`` that is known.
        """
        state = current_state()
        position = state.position()
        rows = _store(state).newest(str(org_id), max(1, min(limit, FEED_LENGTH)))
        activities = [
            {"activity": json.loads(row.data), "timestamp": iso(row.created_at)} for row in rows
        ]
        return {"activities": activities, "position": position}


def _now(state: State) -> datetime:
    return datetime.fromtimestamp(state.now(), UTC)


def _store(state: State) -> ActivityStore:
    if state.models is None:
        raise NotServable("this needs the database: call rt.init_app(app, db=db)")
    return ActivityStore(state.models, state.db.session)


def _org_channel(org_of_thread: Callable[[str], object | None]) -> Callable[..., str | None]:
    def find(thread_id: str) -> str | None:
        org_id = org_of_thread(thread_id)
        return None if org_id is None else org(org_id)

    return find


def write_created(message: Mapping[str, Any], **_: str) -> dict[str, Any] | None:
    """Write ``message:new`` as ``comment:created``; None when it is no comment."""
    return _write_comment(message, message["createdAt"])


def write_updated(message: Mapping[str, Any], **_: str) -> dict[str, Any] | None:
    """Write ``message:edit`` as ``comment:updated``; None when it is no comment."""
    return _write_comment(message, message["editedAt"])


def _write_comment(message: Mapping[str, Any], timestamp: str) -> dict[str, Any] | None:
    thread_id = _thread_of(message)
    if thread_id is None:
        return None
    comment = {_COMMENT_NAMES.get(name, name): value for name, value in message.items()}
    return {"threadId": thread_id, "comment": comment, "timestamp": timestamp}


def write_deleted(gone: Mapping[str, Any], **_: str) -> dict[str, Any] | None:
    """Write ``message:delete`` as ``comment:deleted``; None when it was no comment."""
    thread_id = _thread_of(gone)
    if thread_id is None:
        return None
    return {"threadId": thread_id, "commentId": gone["id"], "timestamp": gone["deletedAt"]}


def _thread_of(message: Mapping[str, Any]) -> str | None:
    # On an organisation's channel there may be messages to the organisation itself.
    ids = _THREAD.match(message["conversationId"])
    return None if ids is None else ids["thread_id"]
