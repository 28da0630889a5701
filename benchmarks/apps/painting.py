"""A page with a conversation, a bell and toasts, which notes when it has painted what."""

from __future__ import annotations

import os

from flask import Flask, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import login_user
from flask_sqlalchemy import SQLAlchemy

from flask_nexora_rt import NexoraRT

from .login import User, add_login

db = SQLAlchemy()
rt = NexoraRT()


@rt.channel("guild-{number}")
def may_talk(user: object, number: str) -> bool:
    """Every signed-in user may."""
    return True


@rt.notifications.type("sample", title="{{ name }}", message="")
def sample(name: str) -> None:
    """One of many."""


def create_app() -> Flask:
    """The app; database and Redis are in the environment."""
    app = Flask(__name__, template_folder=".")
    add_login(app)
    app.config.update(
        SQLALCHEMY_DATABASE_URI=os.environ["BENCH_DATABASE"],
        NEXORA_RT_URL=os.environ["BENCH_REDIS_URL"],
        NEXORA_RT_SECRET="x" * 32,
        NEXORA_RT_MESSAGE_RATE=1_000_000,
    )
    db.init_app(app)
    rt.init_app(app, db=db)
    with app.app_context():
        db.create_all()
    app.add_url_rule("/login/<user_id>", view_func=sign_in)
    app.add_url_rule("/page", view_func=page)
    app.add_url_rule("/notify", view_func=notify, methods=["POST"])
    return app


def sign_in(user_id: str) -> str:
    """Sign anybody in."""
    login_user(User(user_id))
    return "signed in"


def page() -> str:
    """The page of the row."""
    return render_template("painting.html")


def notify() -> ResponseReturnValue:
    """Send one notification, as a host's view does."""
    body = request.get_json()
    rt.notifications.send(body["to"], "sample", {"name": body["name"]})
    return jsonify(ok=True)
