"""Who is calling: the one place that knows Flask-Login."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from flask import current_app
from flask_login import current_user


class Caller(NamedTuple):
    """The host's user object and its public id; both None when nobody is signed in."""

    user: Any
    id: str | None


ANONYMOUS = Caller(None, None)


def default_user_id(user: Any) -> str:
    """The public id of a Flask-Login user: `get_id` as text."""
    return str(user.get_id())


def current_caller(user_id: Callable[[Any], object] | None = None) -> Caller:
    """Return the signed-in caller of this request, or `ANONYMOUS`.

    Never calls the login manager's ``unauthorized``: whether that redirects is the host's taste.
    """
    if not hasattr(current_app, "login_manager"):
        return ANONYMOUS
    user = current_user._get_current_object()
    if user is None or not user.is_authenticated:
        return ANONYMOUS
    return Caller(user, public_id(user, user_id))


def public_id(user: Any, user_id: Callable[[Any], object] | None = None) -> str:
    """Return the public id of a user object, by the host's function if it has one."""
    return str((user_id or default_user_id)(user))
