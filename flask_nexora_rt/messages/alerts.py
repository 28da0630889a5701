"""Whom a message concerns besides those who read along: the mentioned, and the other in a DM.

Notifications tell that there is a message, not what it says: its text stays where an edit or a
delete can change it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..notifications import Notice
from ..vocabulary import dm_users


class Alerts:
    """``notify`` sends notices in the transaction that the message is written in."""

    def __init__(self, notify: Callable[[Sequence[Notice]], object]) -> None:
        self._notify = notify

    def tell(
        self, message: Mapping[str, Any], mentioned: Sequence[str], members: Sequence[str]
    ) -> None:
        """A message has been sent: notify who is mentioned, and in a DM its other side.

        ``message`` as the contract writes it; ``members``: of its conversation, as far as known.
        """
        known = {message["senderId"], *mentioned}
        others = sorted(set(members) - known) if dm_users(message["conversationId"]) else []
        self._tell(message, {"mention": mentioned, "message_received": others})

    def tell_mentioned(self, message: Mapping[str, Any], users: Sequence[str]) -> None:
        """An edit has named these users."""
        self._tell(message, {"mention": users})

    def _tell(self, message: Mapping[str, Any], by_type: Mapping[str, Sequence[str]]) -> None:
        sender = message["senderId"]
        about = {
            "senderName": (message["sender"] or {}).get("name") or sender,
            "conversationId": message["conversationId"],
            "messageId": message["id"],
        }
        told = [(kind, users) for kind, users in by_type.items() if users]
        if told:
            self._notify([Notice(users, kind, about, actor=sender) for kind, users in told])
