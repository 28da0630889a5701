"""The baseline of row 5: a view that returns "ok" to a signed-in user."""

from __future__ import annotations

from flask import Flask, abort
from flask_login import current_user

from .login import add_login


def create_app() -> Flask:
    """Flask, Flask-Login and one view."""
    app = Flask(__name__)
    add_login(app)

    @app.get("/bare")
    def bare() -> str:
        if not current_user.is_authenticated:
            abort(401)
        return "ok"

    return app
