"""Who may listen to which channel."""

from typing import Any

from example_app.models import is_member
from flask_nexora_rt import NexoraRT

rt = NexoraRT()
rt.channel("platform-global", public=True)


@rt.channel("guild-{guild_id}")
def may_listen_to_guild(user: Any, guild_id: str) -> bool:
    """Members listen; asked at every subscribe and resume."""
    return guild_id.isdecimal() and is_member(user.id, int(guild_id))
