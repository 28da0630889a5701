"""Whom a message names: resolved by the host, and of its conversation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..user_ids import check_user_id
from ..vocabulary import dm_users
from .content import mentioned_names
from .hooks import Hooks
from .store import MessageStore


class Mentions:
    """Asks the host who is meant, and lets those count it."""

    def __init__(self, store: MessageStore, hooks: Hooks) -> None:
        self._store = store
        self._hooks = hooks

    def members(self, conversation_id: str) -> Sequence[str]:
        """Return who takes part, as far as it is known: the host's word, or the two of a DM."""
        asked = self._hooks.members(conversation_id) if self._hooks.members else ()
        return [str(user) for user in asked] or dm_users(conversation_id)

    def note(self, message: Any, members: Sequence[str]) -> Sequence[str]:
        """Let those it names count it as a mention; return who had not been named before."""
        mentioned = self._mentioned(message, members)
        return self._store.add_mentions(message, mentioned) if mentioned else ()

    def _mentioned(self, message: Any, members: Sequence[str]) -> Sequence[str]:
        names = mentioned_names(message.content)
        if not names or self._hooks.mentions is None:
            return ()
        named = self._hooks.mentions(message.conversation_id, names)
        users = {check_user_id(user, "mentions") for user in named}
        allowed = users & set(members) if self._hooks.members or members else users
        return sorted(allowed - {message.sender_id})
