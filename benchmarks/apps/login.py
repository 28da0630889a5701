"""Flask-Login for the apps: one in-memory user class, a route that signs in, no SQL."""

from __future__ import annotations

from flask import Flask
from flask_login import LoginManager, UserMixin, login_user

SECRET_KEY = "benchmark-only"


class User(UserMixin):
    """A user that exists as soon as somebody names its id."""

    def __init__(self, user_id: str) -> None:
        self.id = user_id


def add_login(app: Flask) -> None:
    """Session cookies, a user loader without SQL, and ``/login``."""
    app.secret_key = SECRET_KEY
    LoginManager(app).user_loader(User)

    @app.get("/login")
    def login() -> str:
        login_user(User("1"))
        return "signed in"
