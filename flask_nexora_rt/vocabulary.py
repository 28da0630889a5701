"""The names of channels and events that every part speaks: Nexora's. Pure.

`presets.nexora` is where hosts find them; ``static/nexora-channels.js`` builds the same names in
the browser.
"""

from __future__ import annotations

from enum import StrEnum

from .channels import Pattern, check_channel, escape_part

_DM = Pattern("dm-{first:part}-{second:part}")
GLOBAL_CHANNEL = "platform-global"


class Events(StrEnum):
    """Event names as they stand on the wire."""

    MESSAGE_NEW = "message:new"
    MESSAGE_EDIT = "message:edit"
    MESSAGE_DELETE = "message:delete"
    TYPING_START = "typing:start"
    TYPING_STOP = "typing:stop"
    NOTIFICATION_NEW = "notification:new"
    NOTIFICATION_READ = "notification:read"
    NOTIFICATION_CLEAR = "notification:clear"
    BOUNTY_NEW = "bounty:new"
    BOUNTY_ACCEPTED = "bounty:accepted"
    BOUNTY_SUBMITTED = "bounty:submitted"
    BOUNTY_REVIEWED = "bounty:reviewed"
    GUILD_MEMBER_JOIN = "guild:member-join"
    GUILD_UPDATED = "guild:updated"
    DISPUTE_RAISED = "dispute:raised"
    DISPUTE_ESCALATED = "dispute:escalated"
    DISPUTE_RESOLVED = "dispute:resolved"
    USER_RANK_CHANGED = "user:rank-changed"
    USER_TRUST_CHANGED = "user:trust-changed"


def guild(guild_id: object) -> str:
    """``guild-{id}``: for the members of a guild."""
    return check_channel(f"guild-{escape_part(guild_id)}")


def dm(user_id: object, other_id: object) -> str:
    """``dm-{id}-{id}``: for two users, the same name whoever asks.

    Ids are escaped (also their ``-``) and then sorted, as plain ASCII text.
    """
    first, second = sorted(escape_part(i, keep_dash=False) for i in (user_id, other_id))
    return check_channel(f"dm-{first}-{second}")


def dm_users(channel: str) -> list[str]:
    """Return the two users of a DM's channel, none when it is another kind."""
    ids = _DM.match(channel)
    return [] if ids is None else sorted(ids.values())


def dispute(dispute_id: object) -> str:
    """``dispute-{id}``: for the parties of a dispute."""
    return check_channel(f"dispute-{escape_part(dispute_id)}")


def user(user_id: object) -> str:
    """``private-user-{id}``: for one user alone."""
    return check_channel(f"private-user-{escape_part(user_id)}")


def global_channel() -> str:
    """``platform-global``: for everybody."""
    return GLOBAL_CHANNEL
