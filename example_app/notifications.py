"""A user's notifications on a page of their own, and what they want to be told."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from example_app import forms
from example_app.guard import refuse_other_sites
from example_app.realtime import rt

blueprint = Blueprint("notifications", __name__, url_prefix="/notifications")
blueprint.before_request(refuse_other_sites)

# Those that the demo sends; rt.notifications.types() has those of other platforms as well.
CATEGORIES = {
    "bounty": "Bounties",
    "guild": "Guilds",
    "dispute": "Disputes and tribunals",
    "order": "Orders",
    "message": "Mentions and direct messages",
    "profile": "Rank and trust",
}
STATES = ("all", "unread", "archived")
PAGE = 20


@blueprint.get("")
@login_required
def page() -> str:
    """A page of them, newest first."""
    state = request.args.get("state", "all")
    found = rt.notifications.list(
        _me(), state if state in STATES else "all", request.args.get("cursor"), PAGE
    )
    return render_template("notifications.html", **found, state=state, states=STATES)


@blueprint.post("/read")
@login_required
def read_all() -> Response:
    """Reads everything up to the newest that the page has shown; what came meanwhile stays."""
    rt.notifications.mark_all_read(_me(), up_to=forms.text("newest", 64))
    return _back()


@blueprint.post("/<notification_id>")
@login_required
def change_one(notification_id: str) -> Response:
    """Reads, unreads, archives or deletes one."""
    actions = {
        "read": rt.notifications.mark_read,
        "unread": rt.notifications.mark_unread,
        "archive": rt.notifications.archive,
        "delete": rt.notifications.delete,
    }
    actions[forms.choice("action", *actions)](_me(), notification_id)
    return _back()


@blueprint.get("/preferences")
@login_required
def preferences() -> str:
    """What they want to be told."""
    said = rt.notifications.preferences(_me())
    return render_template("preferences.html", said=said, categories=CATEGORIES)


@blueprint.post("/preferences")
@login_required
def set_preferences() -> Response:
    """What they want to be told from now on; what was said about single types stays."""
    wanted = request.form.getlist("category")
    muted = {name: False for name in CATEGORIES if name not in wanted}
    said: dict[str, Any] = {"global": "pause" not in request.form, "categories": muted}
    types = rt.notifications.preferences(_me())["types"]
    rt.notifications.set_preferences(_me(), {**said, "types": types})
    flash("Saved.")
    return redirect(url_for("notifications.preferences"))


def _me() -> str:
    return str(current_user.id)


def _back() -> Response:
    """The same list; its name comes from a form, so only a known one counts."""
    state = request.form.get("state", "")
    return redirect(url_for("notifications.page", state=state if state in STATES else None))
