"""The events of messages: rows of the outbox, in the transaction of what they tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy.orm import Session, scoped_session

from ..errors import EventTooLarge
from ..events import Event
from ..outbox import Outbox
from ..times import iso
from ..vocabulary import Events

MESSAGE_REACTION: Final = "message:reaction"
MESSAGE_READ: Final = "message:read"


class MessageEvents:
    """Each event is checked when it is added: one that can never be sent is refused before commit.

    All of a message's own have its key, so that replay shows what the last one of them says.
    """

    def __init__(
        self,
        make_event: Callable[..., Event],
        outbox: Outbox,
        session: Session | scoped_session[Any],
    ) -> None:
        self._make_event = make_event
        self._outbox = outbox
        self._session = session

    def sent(self, written: dict[str, Any]) -> None:
        """Tell of a new message."""
        self._add_of(written, Events.MESSAGE_NEW, written)

    def edited(self, written: dict[str, Any]) -> None:
        """Others' reactions must not keep an edit from being made: they may come after it."""
        try:
            self._add_of(written, Events.MESSAGE_EDIT, written, replay=written)
        except EventTooLarge:
            if not written["reactions"]:
                raise
            bare = {**written, "reactions": {}}
            self._add_of(written, Events.MESSAGE_EDIT, bare, replay=bare)
            self.reacted(written, written["reactions"])

    def deleted(self, message: Any) -> None:
        """Replay shows the message no more."""
        gone = {
            "id": message.id,
            "conversationId": message.conversation_id,
            "seq": message.seq,
            "deletedAt": iso(message.deleted_at),
            "deletedBy": message.deleted_by,
        }
        self._add_of(gone, Events.MESSAGE_DELETE, gone, replay=b"")

    def reacted(self, about: dict[str, Any], totals: dict[str, Any]) -> None:
        """Where there is no room for who has reacted, how many have is told all the same."""
        channel, key = about["conversationId"], f"reactions:{about['id']}"
        body = {"id": about["id"], "conversationId": channel, "reactions": totals}
        try:
            self._add(channel, MESSAGE_REACTION, body, key)
        except EventTooLarge:
            counts = {name: {**one, "userIds": []} for name, one in totals.items()}
            self._add(channel, MESSAGE_REACTION, {**body, "reactions": counts}, key)

    def read(self, channel: str, user_id: str, up_to: int) -> None:
        """Tell a conversation how far a member has read."""
        body = {"conversationId": channel, "userId": user_id, "upToSeq": up_to}
        self._add(channel, MESSAGE_READ, body, f"read:{channel}:{user_id}")

    def _add_of(self, about: dict[str, Any], name: str, body: Any, **rest: Any) -> None:
        self._add(about["conversationId"], name, body, f"message:{about['id']}", **rest)

    def _add(self, channel: str, name: str, body: Any, key: str, **rest: Any) -> None:
        self._outbox.add(self._session, [self._make_event([channel], name, body, key=key, **rest)])
