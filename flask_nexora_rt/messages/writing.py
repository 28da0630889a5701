"""How a message is written for its readers: as the contract has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..attachments import AttachmentService
from ..times import iso
from .store import MessageStore


class MessageWriter:
    """Writes rows with what belongs to them. ``user_info`` is the host's, asked once per sender."""

    def __init__(
        self,
        store: MessageStore,
        attachments: AttachmentService,
        user_info: Callable[[str], Mapping[str, Any] | None],
    ) -> None:
        self._store = store
        self._attachments = attachments
        self._user_info = user_info

    def one(self, row: Any) -> dict[str, Any]:
        """Write a message as it is now."""
        return self.all([row])[0]

    def all(self, rows: Sequence[Any]) -> list[dict[str, Any]]:
        """Write messages, in their order."""
        ids = [row.id for row in rows]
        reactions, files = self._store.reactions(ids), self._attachments.of(ids)
        senders = {user: self.sender(user) for user in {row.sender_id for row in rows}}
        return [
            write_message(
                row, senders[row.sender_id], reactions.get(row.id, {}), files.get(row.id, [])
            )
            for row in rows
        ]

    def sender(self, user_id: str) -> dict[str, Any] | None:
        """What the host shows of a user, or None."""
        info = self._user_info(user_id)
        return None if info is None else dict(info)


def write_message(
    message: Any,
    sender: dict[str, Any] | None,
    reactions: dict[str, Any],
    attachments: list[dict[str, Any]],
) -> dict[str, Any]:
    """Write a message as the contract does."""
    return {
        "id": message.id,
        "conversationId": message.conversation_id,
        "seq": message.seq,
        "clientId": message.client_id,
        "senderId": message.sender_id,
        "sender": sender,
        "content": message.content,
        "createdAt": iso(message.created_at),
        "editedAt": iso(message.edited_at),
        "revision": message.revision,
        "deletedAt": iso(message.deleted_at),
        "attachments": attachments,
        "reactions": reactions,
    }
