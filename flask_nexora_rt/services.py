"""What the extension offers besides publishing: who is where, who types, who is sent away."""

from __future__ import annotations

import logging
from threading import Thread
from typing import Any

from .channels import check_channel
from .errors import BadRequest, NexoraError
from .presence.roster import last_seen_text
from .revocation import Revocation
from .state import State, current_state

logger = logging.getLogger(__name__)


class PresenceService:
    """``rt.presence``: reads the shared record. What streams do shows there within a second."""

    def members(self, channel: str) -> list[dict[str, Any]]:
        """Return ``[{"id", "info", "status", "lastSeen"}, ...]`` of a presence channel, by id."""
        return presence_members(current_state(), channel)

    def status(self, user_id: str) -> dict[str, Any]:
        """Return ``{"status": "online"|"away"|"offline", "lastSeen": text or None}``."""
        found = current_state().runtime.presence.status(str(user_id))
        seen = None if found.last_seen is None else last_seen_text(found.last_seen)
        return {"status": found.status, "lastSeen": seen}


class TypingService:
    """``rt.typing``: told to those who are there, never stored; runs out after 6 s."""

    def start(self, channel: str, user_id: str) -> bool:
        """Tell that a user types; False when it was told less than 3 s ago."""
        return current_state().runtime.typing.start(check_channel(channel), str(user_id))

    def stop(self, channel: str, user_id: str) -> None:
        """Tell that a user has stopped typing."""
        current_state().runtime.typing.stop(check_channel(channel), str(user_id))


def presence_members(state: State, channel: str) -> list[dict[str, Any]]:
    """Return the members of a presence channel. Raises `BadRequest` when it is none."""
    if not state.is_presence(check_channel(channel)):
        raise BadRequest(f"{channel!r} is not a presence channel: it has no members")
    members = state.runtime.presence.snapshot(channel).members
    return [_member(state, members[user]) for user in sorted(members)]


def _member(state: State, member: Any) -> dict[str, Any]:
    return {
        "id": member.user_id,
        "info": state.app.json.loads(member.info),
        "status": member.status,
        "lastSeen": last_seen_text(member.last_seen),
    }


def channel_info(state: State, name: str) -> dict[str, Any]:
    """Return ``{"occupied", "subscription_count"[, "user_count"]}``, for all workers together."""
    occupancy = state.runtime.presence.occupancy(check_channel(name))
    info: dict[str, Any] = {
        "occupied": occupancy.subscriptions > 0,
        "subscription_count": occupancy.subscriptions,
    }
    return info | ({"user_count": occupancy.users} if state.is_presence(name) else {})


def channels_info(state: State, prefix: str | None) -> dict[str, Any]:
    """Return ``{"channels": {name: info}}`` of the occupied channels."""
    found = state.runtime.presence.channels(prefix or "")
    return {
        "channels": {
            name: {"subscription_count": occupancy.subscriptions}
            | ({"user_count": occupancy.users} if state.is_presence(name) else {})
            for name, occupancy in sorted(found.items())
        }
    }


def workers_info(state: State) -> dict[str, Any]:
    """Return ``{"workers": [figures, ...]}`` of the workers that serve streams."""
    found = state.runtime.presence.workers().values()
    return {"workers": sorted(found, key=lambda one: (one["host"], one["pid"]))}


def users_info(state: State, name: str) -> dict[str, Any]:
    """Return ``{"users": [{"id"}, ...]}`` of a presence channel."""
    return {"users": [{"id": member["id"]} for member in presence_members(state, name)]}


def revoke(state: State, user_id: str, channel: str | None, reason: str) -> None:
    """Append a revocation; every worker obeys it where it stands in the log."""
    revocation = Revocation(str(user_id), channel and check_channel(channel), reason)
    state.runtime.log.append([revocation.event()])


def end_streams_on_sign_out(state: State, user_id: str) -> None:
    """Flask-Login has signed a user out: its streams end. Signing out neither waits nor fails."""
    name = "nexora-rt-sign-out"
    Thread(target=_end_streams, args=(state, user_id), name=name, daemon=True).start()


def _end_streams(state: State, user_id: str) -> None:
    try:
        revoke(state, user_id, None, "signed out")
    except NexoraError as error:
        logger.warning("the streams of a signed-out user end later, by their age: %s", error)
