"""What guild rooms, direct messages and dispute threads have in common.

A conversation's id is the name of its channel. Each kind says how to find its conversations
(`Kind`, see `use`); everything else is the same for all of them, the page as well.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from flask import Blueprint, abort, redirect, render_template, url_for
from flask_login import current_user, login_required
from sqlalchemy import select
from werkzeug.wrappers import Response

from example_app.models import Receipt, User, db
from example_app.realtime import rt

blueprint = Blueprint("conversations", __name__)


class Participant(NamedTuple):
    """A user in a conversation; `moderates`: may edit and delete what others wrote."""

    user: User
    role: str = ""
    moderates: bool = False


@dataclass(frozen=True)
class Conversation:
    """One conversation as pages and hooks need it.

    Without a `title` it is named after the others in it. `endpoint` and `key` are its page's.
    `subject` is the row it is about; `panel` a template that shows what can be done with it.
    """

    id: str
    kind: str
    topic: str
    endpoint: str
    key: dict[str, Any]
    participants: Sequence[Participant]
    title: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    subject: Any = None
    panel: str = ""

    @property
    def overview(self) -> str:
        """The endpoint of the list that it is in."""
        return _kinds[self.kind].overview

    @property
    def url(self) -> str:
        """Where its page is."""
        return url_for(self.endpoint, **self.key)

    def title_for(self, user: User) -> str:
        """Its name as this user knows it."""
        return self.title or ", ".join(other.name for other in self.others(user))

    def others(self, user: User) -> list[User]:
        """The participants but this one."""
        return [one.user for one in self.participants if one.user.id != user.id]

    def participant(self, user_id: object) -> Participant | None:
        """The user's place in it, or None."""
        return next((one for one in self.participants if str(one.user.id) == str(user_id)), None)


class Kind(NamedTuple):
    """One kind of conversation: `find` gets what follows the prefix in a channel's name.

    Those of `of_user` are listed in the sidebar, or else one link to the overview that says
    `instead`; without any it says `if_none`.
    """

    prefix: str
    label: str
    overview: str
    find: Callable[[str], Conversation | None]
    of_user: Callable[[User], list[Conversation]]
    instead: str = ""
    if_none: str = "None yet"


_kinds: dict[str, Kind] = {}


def use(*kinds: Kind) -> None:
    """Makes the kinds known to the hooks, and to the sidebar in this order."""
    _kinds.update({kind.prefix: kind for kind in kinds})


def sidebar() -> Iterable[tuple[Kind, list[Conversation]]]:
    """The signed-in user's conversations by kind."""
    kinds = _kinds.values()
    return [(kind, [] if kind.instead else kind.of_user(current_user)) for kind in kinds]


def find(conversation_id: str) -> Conversation | None:
    """The conversation of a channel, or None when there is none."""
    for prefix, kind in _kinds.items():
        if conversation_id.startswith(f"{prefix}-"):
            return kind.find(conversation_id.removeprefix(f"{prefix}-"))
    return None


def show(conversation: Conversation | None) -> str:
    """The page of a conversation, for those who are in it. Aborts with 404 or 403."""
    found = _require(conversation)
    return render_template("conversation.html", conversation=found)


@blueprint.get("/messages/<conversation_id>")
@login_required
def open_from_notification(conversation_id: str) -> Response:
    """The page of a conversation by its id: where notifications about messages link to."""
    found = _require(find(conversation_id))
    # As this user sees it: a direct message's page is named after the other.
    if found.kind == "dm":
        return redirect(url_for(found.endpoint, user_id=found.others(current_user)[0].id))
    return redirect(found.url)


@blueprint.get("/conversations/<conversation_id>")
@login_required
def details(conversation_id: str) -> dict[str, Any]:
    """Who is in it, and how far each has read: what the page needs besides the messages."""
    conversation = _require(find(conversation_id))
    receipts = db.session.scalars(select(Receipt).filter_by(conversation_id=conversation.id))
    return {
        "participants": [
            {
                "id": str(one.user.id),
                "login": one.user.login,
                "name": one.user.name,
                "moderates": one.moderates,
            }
            for one in conversation.participants
        ],
        "receipts": {one.user_id: one.read_seq for one in receipts},
    }


def _require(conversation: Conversation | None) -> Conversation:
    if conversation is None:
        abort(404)
    if conversation.participant(current_user.id) is None:
        abort(403, "Only those who take part can read and write here.")
    return conversation


@rt.conversation_members
def member_ids(conversation_id: str) -> list[str]:
    """Who gets unread counts, and who can be mentioned."""
    conversation = find(conversation_id)
    return [str(one.user.id) for one in conversation.participants] if conversation else []


@rt.mentioned_users
def mentioned_ids(conversation_id: str, names: Sequence[str]) -> list[str]:
    """A name after an @ is a login, in any case."""
    conversation, logins = find(conversation_id), {name.lower() for name in names}
    if conversation is None:
        return []
    return [str(one.user.id) for one in conversation.participants if one.user.login in logins]


@rt.message_moderator
def may_moderate(user_id: str, conversation_id: str) -> bool:
    """A guild's leaders and a dispute's tribunal; nobody in direct messages."""
    conversation = find(conversation_id)
    participant = conversation.participant(user_id) if conversation else None
    return participant is not None and participant.moderates
