"""The extension object. Each kind of conversation declares its channels itself."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from example_app.models import User, by_id, db
from flask_nexora_rt import NexoraRT
from flask_nexora_rt.presets.nexora import GLOBAL_CHANNEL, Nexora

rt = NexoraRT()
rt.channel(GLOBAL_CHANNEL, public=True, conversation=False)
rt.trust_columns(User.id, User.trust_score, User.last_active)

# One method per thing that happens: it publishes the event and notifies whom it concerns.
platform = Nexora(rt)


@rt.channel("private-user-{user_id:int}")
def may_follow_user(user: Any, user_id: str) -> bool:
    """Nobody but the user."""
    return str(user.id) == user_id


@rt.user_info
def public_profile(user_id: str) -> dict[str, Any] | None:
    """What others see of a user: beside a message, and in presence."""
    user = by_id(User, user_id)
    return None if user is None else {"name": user.name, "image": None}


@rt.admins
def admin_ids() -> Sequence[int]:
    """Who is told what the oracle finds."""
    return db.session.scalars(select(User.id).where(User.is_admin)).all()
