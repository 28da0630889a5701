"""Guilds: who is in which, their channels and pages."""

from typing import Any

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from example_app import conversations, listing
from example_app.conversations import Conversation, Kind, Participant
from example_app.models import Guild, Membership, User, by_id, db, row_id
from example_app.realtime import rt
from flask_nexora_rt.presets import nexora

blueprint = Blueprint("guilds", __name__)

PAGE = 30


@rt.channel("guild-{guild_id:int}", presence=True)
def may_follow(user: Any, guild_id: str) -> bool:
    """Its members; asked at every subscribe and resume."""
    number = row_id(guild_id)
    return number is not None and db.session.get(Membership, (number, user.id)) is not None


@blueprint.get("/guilds")
@login_required
def overview() -> str:
    """The guilds of the signed-in user; the others by page, or found by name."""
    is_in = select(Membership.guild_id).where(Membership.user_id == current_user.id)
    others = select(Guild).where(Guild.id.not_in(is_in)).order_by(Guild.name, Guild.id)
    found = listing.find(others, Guild.name, most=PAGE)
    return render_template("guilds.html", guilds=of_user(current_user), others=found)


@blueprint.get("/guilds/<int:guild_id>")
@login_required
def room(guild_id: int) -> ResponseReturnValue:
    """One guild's chat; who is outside is led to the page where one can apply.

    Notifications link here, also those of an invitation and of an application that was declined.
    """
    guild = find(str(guild_id))
    if guild is not None and guild.participant(current_user.id) is None:
        return redirect(url_for("membership.hall", guild_id=guild_id))
    return conversations.show(guild)


def find(guild_id: str) -> Conversation | None:
    """The chat of a guild, by the guild's id."""
    guild = by_id(Guild, guild_id)
    return None if guild is None else _conversation(guild)


def of_user(user: User) -> list[Conversation]:
    """The chats of a user's guilds."""
    query = select(Guild).join(Membership).where(Membership.user_id == user.id).order_by(Guild.id)
    guilds = db.session.scalars(query.options(selectinload(Guild.memberships)))
    return [_conversation(guild) for guild in guilds]


def _conversation(guild: Guild) -> Conversation:
    return Conversation(
        id=nexora.guild(guild.id),
        kind="guild",
        title=guild.name,
        topic=guild.purpose,
        endpoint="guilds.room",
        key={"guild_id": guild.id},
        participants=[_participant(one) for one in guild.memberships],
        subject=guild,
    )


def _participant(membership: Membership) -> Participant:
    leads = membership.role == "leader"
    return Participant(membership.user, "Leader" if leads else "", moderates=leads)


KIND = Kind("guild", "Guilds", "guilds.overview", find, of_user)
