"""The guild list, a guild's chat, and its messages as JSON."""

import logging
import re
import unicodedata
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_login import current_user, login_required
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response

from example_app.guard import refuse_other_sites
from example_app.models import Guild, Message, db, is_member
from example_app.realtime import rt
from flask_nexora_rt import NexoraError
from flask_nexora_rt.presets.nexora import Events

PAGE_SIZE = 50
MAX_CONTENT = 2000
CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

log = logging.getLogger(__name__)
blueprint = Blueprint("chat", __name__)
blueprint.before_request(refuse_other_sites)

Answer = tuple[dict[str, Any], int]


@blueprint.get("/")
def index() -> Response:
    """The front door."""
    return redirect(url_for("chat.guilds"))


@blueprint.get("/guilds")
@login_required
def guilds() -> str:
    """The guilds of the signed-in user."""
    return render_template("guilds.html")


@blueprint.get("/guilds/<int:guild_id>")
@login_required
def room(guild_id: int) -> str:
    """One guild's chat; its messages come through `history` and the stream."""
    guild = _guild_of_user(guild_id)
    return render_template("room.html", guild=guild, max_content=MAX_CONTENT)


@blueprint.get("/guilds/<int:guild_id>/messages")
@login_required
def history(guild_id: int) -> dict[str, Any]:
    """Up to 50 messages in the order they were sent: the newest, or those before `?before=<id>`."""
    guild = _guild_of_user(guild_id)
    query = select(Message).where(Message.guild_id == guild.id).order_by(Message.id.desc())
    if (before := request.args.get("before", type=int)) is not None:
        query = query.where(Message.id < before)
    rows = db.session.scalars(query.limit(PAGE_SIZE + 1)).all()
    page = [message.to_json() for message in reversed(rows[:PAGE_SIZE])]
    return {"messages": page, "hasMore": len(rows) > PAGE_SIZE}


@blueprint.post("/guilds/<int:guild_id>/messages")
@login_required
def send(guild_id: int) -> Answer:
    """Saves a message, then tells everybody who listens; the same `clientId` again is no second."""
    guild = _guild_of_user(guild_id)
    body = request.get_json(silent=True)
    content, client_id, problems = _read(body if isinstance(body, dict) else {})
    if problems:
        return {"error": "Unprocessable Entity", "fields": problems}, 422
    message = Message(
        guild_id=guild.id, sender_id=current_user.id, client_id=client_id, content=content
    )
    if not _save(message):
        return _answer_again(_stored(client_id), guild, content)
    _announce(message)
    return {"message": message.to_json()}, 201


def _guild_of_user(guild_id: int) -> Guild:
    guild = db.session.get(Guild, guild_id) or abort(404)
    if not is_member(current_user.id, guild.id):
        abort(403, f"Only members of {guild.name} can read and write here.")
    return guild


def _read(body: dict[str, Any]) -> tuple[str, str, dict[str, str]]:
    """Content, client id, and what is wrong with them by field."""
    content, client_id = body.get("content"), body.get("clientId")
    problems = {}
    if not isinstance(content, str) or not content.strip():
        problems["content"] = "Write something."
    elif len(content) > MAX_CONTENT:
        problems["content"] = f"At most {MAX_CONTENT} characters."
    elif not _is_plain_text(content):
        problems["content"] = "Control characters are not allowed."
    if not isinstance(client_id, str) or not CLIENT_ID.fullmatch(client_id):
        problems["clientId"] = "1 to 64 letters, digits, - or _."
    return str(content).strip(), str(client_id), problems


def _is_plain_text(content: str) -> bool:
    """No control characters but newline and tab, and no half of a surrogate pair."""
    return not {unicodedata.category(one) for one in content if one not in "\n\t"} & {"Cc", "Cs"}


def _save(message: Message) -> bool:
    """Whether it was saved now; False when it had been before."""
    db.session.add(message)
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        return False
    return True


def _answer_again(stored: Message, guild: Guild, content: str) -> Answer:
    """A client that never saw our answer gets it again; one that meant another message does not."""
    if (stored.guild_id, stored.content) != (guild.id, content):
        return {"error": "Conflict", "detail": "This clientId belongs to another message."}, 409
    return {"message": stored.to_json(), "duplicate": True}, 200


def _stored(client_id: str) -> Message:
    query = select(Message).filter_by(sender_id=current_user.id, client_id=client_id)
    return db.session.scalars(query).one()


def _announce(message: Message) -> None:
    """A saved message is a success, also while nobody can be told: clients refetch later."""
    try:
        rt.trigger(message.guild.channel, Events.MESSAGE_NEW, message.to_json())
    except NexoraError:
        log.exception("message %s is saved, but its event was not published", message.id)
