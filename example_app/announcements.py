"""Announcements: what the hall's admins say to everybody."""

import secrets

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_login import current_user, login_required
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response

from example_app import forms
from example_app.guard import is_own_path, refuse_other_sites
from example_app.models import Announcement, User, db
from example_app.realtime import platform

blueprint = Blueprint("announcements", __name__, url_prefix="/announcements")
blueprint.before_request(refuse_other_sites)


@blueprint.before_request
@login_required
def require_admin() -> None:
    """Aborts with 403 for everybody else."""
    if not current_user.is_admin:
        abort(403, "Announcements are made by the hall's admins.")


@blueprint.get("")
def page() -> str:
    """A form, and what was announced."""
    made = db.session.scalars(select(Announcement).order_by(Announcement.id.desc()))
    return render_template("announcements.html", made=made.all(), key=secrets.token_hex(16))


@blueprint.post("")
def announce() -> Response:
    """Tells everybody, once for each form."""
    key = forms.text("key", 40)
    title, message = forms.text("title", 120), forms.text("message", 1000)
    url = _own_path()
    made = Announcement(key=key, title=title, message=message, url=url, author_id=current_user.id)
    db.session.add(made)
    try:
        db.session.flush()
    except IntegrityError:
        db.session.rollback()  # the form's second click: its key is there already
    else:
        everybody = map(str, db.session.scalars(select(User.id)))
        platform.announce(everybody, title, message, url or None, commit=False)
        db.session.commit()
    flash("Everybody has been told.")
    return redirect(url_for("announcements.page"))


def _own_path() -> str:
    """Where it links to: a path of ours, or nothing."""
    url = forms.text("link", 200, least=0)
    if url and not is_own_path(url):
        abort(422, "Link: please give a path of this site, such as /bounties.")
    return url
