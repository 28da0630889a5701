"""Who may follow a guild's threads, and what is told about them: the collaboration preset at work.

A guild is the preset's organisation. All its members may read all its threads, so the guild's
channel gets the threads' events as well, and the list of threads follows that one channel.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from example_app.conversations import Conversation, Kind, Participant
from example_app.models import Membership, User, by_id, db, row_id
from example_app.realtime import rt
from example_app.thread_models import Thread
from flask_nexora_rt.presets.collaboration import Collaboration
from flask_nexora_rt.presets.collaboration import thread as thread_channel

PREFIX = "presence-thread"


def may_see_org(user: Any, org_id: str) -> bool:
    """The guild's members."""
    number = row_id(org_id)
    return number is not None and db.session.get(Membership, (number, user.id)) is not None


def may_see_thread(user: Any, thread_id: str) -> dict[str, Any] | None:
    """The members of its guild; presence shows their names."""
    thread = by_id(Thread, thread_id)
    may = thread is not None and may_see_org(user, str(thread.guild_id))
    return {"name": user.name} if may else None


def guild_of(thread_id: str) -> int | None:
    """The guild whose members are told of a thread."""
    thread = by_id(Thread, thread_id)
    return None if thread is None else thread.guild_id


collab = Collaboration(
    rt, may_see_org=may_see_org, may_see_thread=may_see_thread, org_of_thread=guild_of
)


def record(thread: Thread, what: str, actor: User, **more: Any) -> None:
    """Puts it into the guild's feed; the caller commits."""
    activity = {
        "what": what,
        "actor": {"id": str(actor.id), "name": actor.name},
        "thread": {"id": str(thread.id), "title": thread.title, "guild": thread.guild.name},
        **more,
    }
    collab.record_activity(thread.guild_id, activity, commit=False)


@rt.message_sent
def note_comment(message: Mapping[str, Any]) -> None:
    """A comment counts, and is in the feed; not its text, which may be edited or deleted."""
    prefix, _, thread_id = message["conversationId"].rpartition("-")
    thread = by_id(Thread, thread_id) if prefix == PREFIX else None
    writer = by_id(User, message["senderId"])
    if thread is None or writer is None:
        return
    thread.comments = message["seq"]
    record(thread, "comment_created", writer)


def find(thread_id: str) -> Conversation | None:
    """A thread's comments, by the thread's id."""
    thread = by_id(Thread, thread_id)
    return None if thread is None else _conversation(thread)


def of_user(user: User) -> list[Conversation]:
    """The comments of a user's threads."""
    guilds = db.session.scalars(select(Membership.guild_id).filter_by(user_id=user.id))
    query = select(Thread).where(Thread.guild_id.in_(guilds.all())).order_by(Thread.id.desc())
    return [_conversation(thread) for thread in db.session.scalars(query)]


def _conversation(thread: Thread) -> Conversation:
    return Conversation(
        id=thread_channel(thread.id),
        kind=PREFIX,
        title=thread.title,
        topic=thread.guild.name,
        endpoint="threads.page",
        key={"thread_id": thread.id},
        participants=[_participant(one) for one in thread.guild.memberships],
        subject=thread,
    )


def _participant(membership: Membership) -> Participant:
    return Participant(membership.user, moderates=membership.role == "leader")


# Not by name in the sidebar: to follow a thread's channel is to be seen as looking at it.
KIND = Kind(PREFIX, "Threads", "threads.overview", find, of_user, instead="All threads")
