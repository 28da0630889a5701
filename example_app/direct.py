"""Direct messages: every two people have one conversation, which needs no table."""

from typing import Any

from flask import Blueprint, abort, render_template
from flask_login import current_user, login_required
from sqlalchemy import select

from example_app import conversations, listing
from example_app.activity import Conversation as Talk
from example_app.activity import Message
from example_app.conversations import Conversation, Kind, Participant
from example_app.models import User, by_id, db
from example_app.realtime import rt
from flask_nexora_rt.presets import nexora

blueprint = Blueprint("direct", __name__)

IN_SIDEBAR = 12
PAGE = 50


@rt.channel("dm-{first:int}-{second:int}", presence=True)
def may_follow(user: Any, first: str, second: str) -> bool:
    """The two it names, under the one name it has."""
    return str(user.id) in (first, second) and find(f"{first}-{second}") is not None


@blueprint.get("/people")
@login_required
def people() -> str:
    """People to write to, or to find by name."""
    others = select(User).where(User.id != current_user.id).order_by(User.name, User.id)
    found = listing.find(others, User.name, User.login, most=PAGE)
    people = [between(current_user, other) for other in found.rows]
    return render_template("people.html", people=people, found=found)


@blueprint.get("/people/<int:user_id>")
@login_required
def talk(user_id: int) -> str:
    """The conversation with one of them."""
    other = by_id(User, str(user_id))
    if other is None or other.id == current_user.id:
        abort(404)
    return conversations.show(between(current_user, other))


def find(ids: str) -> Conversation | None:
    """The conversation of two users, by their ids in a channel's name."""
    first_id, _, second_id = ids.partition("-")
    first, second = by_id(User, first_id), by_id(User, second_id)
    if first is None or second is None or first.id == second.id:
        return None
    found = between(first, second)
    # Else the two would have a second conversation, under the name with the ids swapped.
    return found if found.id == f"dm-{ids}" else None


def of_user(user: User) -> list[Conversation]:
    """A user's conversations for the sidebar: the latest first, then a few more to begin one."""
    known = _talked_with(user)
    there = select(User).where(User.id.not_in([user.id, *(one.id for one in known)]))
    first = db.session.scalars(there.order_by(User.id).limit(IN_SIDEBAR - len(known)))
    others = [*known, *sorted(first, key=lambda one: one.name)]
    return [between(user, other) for other in others]


def _talked_with(user: User) -> list[User]:
    """Whom the user has a conversation with, the one with the newest message first."""
    has = Talk.id.startswith(f"dm-{user.id}-") | Talk.id.like(f"dm-%-{user.id}")
    newest = (Message.conversation_id == Talk.id) & (Message.seq == Talk.last_seq)
    query = select(Talk.id).join(Message, newest).where(has)
    latest = query.order_by(Message.created_at.desc(), Talk.id).limit(IN_SIDEBAR)
    pairs = [set(map(int, channel.split("-")[1:])) for channel in db.session.scalars(latest)]
    ids = [other for pair in pairs for other in pair - {user.id}]
    people = {one.id: one for one in db.session.scalars(select(User).where(User.id.in_(ids)))}
    return [people[other] for other in ids if other in people]


def between(user: User, other: User) -> Conversation:
    """The conversation of two users, as the first one sees it."""
    return Conversation(
        id=nexora.dm(user.id, other.id),
        kind="dm",
        topic=other.about,
        endpoint="direct.talk",
        key={"user_id": other.id},
        participants=[Participant(user), Participant(other)],
    )


KIND = Kind("dm", "People", "direct.people", find, of_user)
