"""Signing in as one of the demo users, and out again."""

from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from flask import Blueprint, Flask, abort, flash, redirect, render_template, request, url_for
from flask_login import LoginManager, current_user, login_required, login_user, logout_user
from sqlalchemy import select
from werkzeug.wrappers import Response

from example_app.guard import SAFE_METHODS, is_own_path, refuse_other_sites
from example_app.models import User, by_login, db, utc_now

# Often enough for days to be right, and not one write for each page.
ACTIVITY_STEP = timedelta(hours=1)

blueprint = Blueprint("auth", __name__)
blueprint.before_request(refuse_other_sites)
login_manager = LoginManager()


def init_app(app: Flask) -> None:
    """Adds sign-in to the app."""
    login_manager.init_app(app)
    app.register_blueprint(blueprint)
    app.before_request(note_activity)


def note_activity() -> None:
    """Keeps when somebody was here last, which trust decay asks: on pages, now and then."""
    is_page = request.method == "GET" and request.accept_mimetypes.best == "text/html"
    if is_page and current_user.is_authenticated:
        now = utc_now()
        if now - current_user.last_active > ACTIVITY_STEP:
            current_user.last_active = now
            db.session.commit()


@login_manager.user_loader
def load_user(user_id: str) -> User | None:
    """The user of a session."""
    return db.session.get(User, int(user_id))


@login_manager.unauthorized_handler
def ask_to_sign_in() -> Response | tuple[dict[str, str], int]:
    """A page leads to the sign-in page and back; a script gets a status it can read."""
    if request.accept_mimetypes.best == "application/json":
        return {"error": "Unauthorized", "detail": "Sign in and try again."}, 401
    return redirect(url_for("auth.sign_in", next=_page()))


@blueprint.get("/login")
def sign_in() -> Response | str:
    """The demo users to choose from, and a form."""
    if current_user.is_authenticated:
        return redirect(url_for("guilds.overview"))
    users = _to_choose_from()
    return render_template("login.html", users=users, next=request.args.get("next", ""))


@blueprint.post("/login")
def check_password() -> Response | tuple[str, int]:
    """Signs in with login and password."""
    user = by_login(request.form.get("login", ""))
    if user is None or not user.has_password(request.form.get("password", "")):
        flash("This login and password do not belong together.", "error")
        users = _to_choose_from()
        return render_template("login.html", users=users, next=_target("")), 422
    return _enter(user)


@blueprint.post("/login/<login>")
def sign_in_as(login: str) -> Response:
    """Signs in with a click: this is a demo, and everybody may be everybody."""
    return _enter(by_login(login) or abort(404))


@blueprint.get("/session")
def session() -> dict[str, str | None]:
    """Whose the browser's session is, for pages that may have been drawn for somebody else."""
    return {"user": current_user.get_id() if current_user.is_authenticated else None}


@blueprint.post("/logout")
@login_required
def sign_out() -> Response:
    """Ends the session."""
    logout_user()
    return redirect(url_for("auth.sign_in"))


def _to_choose_from() -> Sequence[User]:
    """Those the demo is about: generated people have no password, and are too many."""
    named = select(User).where(User.password_hash != "").order_by(User.id)
    return db.session.scalars(named).all()


def _enter(user: User) -> Response:
    login_user(user)
    return redirect(_target(url_for("guilds.overview")))


def _target(default: str) -> str:
    """Where to go next; only a path of our own, never another site."""
    path = request.form.get("next", "")
    return path if is_own_path(path) else default


def _page() -> str | None:
    """The page that the request is for, or that its form is on: a step cannot be gone back to."""
    if request.method in SAFE_METHODS:
        return request.full_path.rstrip("?")
    form = urlsplit(request.referrer or "")
    return form.path if form.netloc == request.host else None
