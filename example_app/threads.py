"""Threads: a list that grows while one looks at it, and pages that several people edit at once.

The pages are empty frames: static/threads/ fills them from the API below and keeps them live.
"""

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user, login_required
from sqlalchemy import select
from werkzeug.wrappers import Response

from example_app import forms
from example_app.changes import change
from example_app.guard import refuse_other_sites
from example_app.models import Guild, Membership, User, by_id, db
from example_app.thread_events import collab, may_see_thread, record
from example_app.thread_models import MOST_DESCRIPTION, MOST_TITLE, OPEN, SETTLED, Thread
from flask_nexora_rt.presets.collaboration import org
from flask_nexora_rt.presets.collaboration import thread as thread_channel

blueprint = Blueprint("threads", __name__)
blueprint.before_request(refuse_other_sites)

LENGTHS = {"title": (MOST_TITLE, 1), "description": (MOST_DESCRIPTION, 0)}
FEED_LENGTH = 50
MOST_REVISIONS = 2**31 - 1  # what the column holds


@blueprint.get("/threads")
@login_required
def overview() -> str:
    """The threads of the user's guilds, and what happens in them."""
    return render_template("threads.html", guilds=_guilds(), most=LENGTHS)


@blueprint.get("/threads/<int:thread_id>")
@login_required
def page(thread_id: int) -> str:
    """One thread."""
    thread = _require(thread_id)
    channels = {"thread": thread_channel(thread.id), "guild": org(thread.guild_id)}
    return render_template("thread.html", thread=thread, channels=channels, most=LENGTHS)


@blueprint.post("/threads")
@login_required
def start() -> Response:
    """Starts a thread in one of the user's guilds."""
    guild = next((one for one in _guilds() if str(one.id) == request.form.get("guild")), None)
    if guild is None:
        abort(403, "Threads are started by the guild's members.")
    values = {name: forms.text(name, *length) for name, length in LENGTHS.items()}
    me = db.session.get_one(User, current_user.id)
    thread = Thread(guild=guild, author=me, editor=me, **values)
    db.session.add(thread)
    db.session.flush()
    record(thread, "thread_created", me, started=thread.told())
    db.session.commit()
    flash("Your thread is there. Everybody in the guild sees it.")
    return redirect(url_for("threads.page", thread_id=thread.id))


@blueprint.get("/api/threads")
@login_required
def listing() -> dict[str, Any]:
    """All threads of the user's guilds, newest first, and the feed; live from `position` on."""
    guilds = _guilds()
    found = feed(guilds)
    mine = Thread.guild_id.in_([guild.id for guild in guilds])
    threads = db.session.scalars(select(Thread).where(mine).order_by(Thread.id.desc()))
    channels = [org(guild.id) for guild in guilds]
    return {**found, "threads": [one.told() for one in threads], "channels": channels}


@blueprint.get("/api/threads/<int:thread_id>")
@login_required
def read(thread_id: int) -> dict[str, Any]:
    """One thread and its guild's feed; live from `position` on."""
    thread = _require(thread_id)
    found = feed([thread.guild])
    db.session.refresh(thread)  # behind the position, as the feed
    return {**found, "thread": thread.told()}


@blueprint.patch("/api/threads/<int:thread_id>")
@login_required
def edit(thread_id: int) -> dict[str, Any]:
    """Changes title or description, if `revision` is still the thread's. Else aborts with 409."""
    thread, body = _require(thread_id), _body()
    values: dict[str, Any] = {
        name: forms.checked(name, body[name], *length)
        for name, length in LENGTHS.items()
        if name in body
    }
    revision = body.get("revision")
    if not values or not isinstance(revision, int) or not 0 < revision < MOST_REVISIONS:
        abort(422, "Please give a title or a description, and the revision that you have seen.")
    values |= {"revision": revision + 1, "editor_id": current_user.id}
    change(thread, Thread.revision == revision, **values)
    told = thread.told()
    changes = {name: told[name] for name in ("title", "description", "revision", "editor")}
    collab.thread_updated(thread.id, **changes)
    record(thread, f"{'title' if 'title' in values else 'description'}_changed", thread.editor)
    db.session.commit()
    return {"thread": told}


@blueprint.put("/api/threads/<int:thread_id>/status")
@login_required
def set_status(thread_id: int) -> dict[str, Any]:
    """Settles it, or opens it again; who is second of two finds it done."""
    thread, status = _require(thread_id), _body().get("status")
    if status not in (OPEN, SETTLED):
        abort(422, f"Status: please choose {OPEN} or {SETTLED}.")
    old = OPEN if status == SETTLED else SETTLED
    if thread.status == old:
        change(thread, Thread.status == old, status=status)
        collab.thread_status_changed(thread.id, old, status)
        record(thread, "status_changed", db.session.get_one(User, current_user.id))
        db.session.commit()
    return {"thread": thread.told()}


def feed(guilds: list[Guild]) -> dict[str, Any]:
    """The newest activities of all these guilds, newest first."""
    feeds = [collab.activity_feed(guild.id) for guild in guilds]
    activities = [one for found in feeds for one in found["activities"]]
    newest = sorted(activities, key=lambda one: one["timestamp"], reverse=True)
    # The first was taken first: from there on nothing is missed.
    position = feeds[0]["position"] if feeds else None
    return {"activities": newest[:FEED_LENGTH], "position": position}


def _guilds() -> list[Guild]:
    mine = Membership.user_id == current_user.id
    return list(db.session.scalars(select(Guild).join(Membership).where(mine).order_by(Guild.id)))


def _require(thread_id: int) -> Thread:
    thread = by_id(Thread, str(thread_id)) or abort(404)
    if may_see_thread(current_user, str(thread.id)) is None:
        abort(403, "Only the guild's members read its threads.")
    return thread


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    return body if isinstance(body, dict) else abort(400, "Please send a JSON object.")
