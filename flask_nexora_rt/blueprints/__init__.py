"""The HTTP face: one blueprint per part, what they share, and how they enter a host's app."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from flask import Blueprint, Flask
from flask_cors import CORS

from ..errors import ConfigurationError
from ..settings import Part, Settings
from . import (
    assets,
    attachments,
    auth,
    cron,
    health,
    messages,
    metrics,
    notifications,
    presence,
    steering,
    stream,
)
from .http import answer_routing_errors, exempt_from_csrf, guard

_FACTORIES: dict[Part, Sequence[Callable[[str], list[Blueprint]]]] = {
    "auth": [auth.make_blueprints],
    "stream": [stream.make_blueprints, steering.make_blueprints],
    "presence": [presence.make_blueprints],
    "messages": [messages.make_blueprints, attachments.make_blueprints],
    "notifications": [notifications.make_blueprints],
    "cron": [cron.make_blueprints],
    "health": [health.make_blueprints],
    "assets": [assets.make_blueprints],
    "metrics": [metrics.make_blueprints],
}


# What needs a table is left out without a database.
_STORED: frozenset[Part] = frozenset({"messages", "notifications", "cron"})


def register_blueprints(app: Flask, settings: Settings, with_database: bool) -> None:
    """Add the routes of every part that ``PARTS`` names.

    Raises `ConfigurationError` when the host has one of the routes already.
    """
    blueprints = [
        blueprint
        for part in settings.parts
        if with_database or part not in _STORED
        for make in _FACTORIES[part]
        for blueprint in make(settings.url_prefix)
    ]
    taken = {_shape(rule.rule): rule.endpoint for rule in app.url_map.iter_rules()}
    for blueprint in blueprints:
        guard(blueprint)
        if settings.allowed_origins:
            # Exact origins only, and no header for anybody else.
            CORS(
                blueprint,
                # As patterns: it would read an IPv6 origin as one, and ignore case.
                origins=[re.compile(rf"{re.escape(o)}\Z") for o in settings.allowed_origins],
                supports_credentials=True,
                always_send=False,
            )
        app.register_blueprint(blueprint)
    _refuse_conflicts(app, taken)
    exempt_from_csrf(app, blueprints)
    answer_routing_errors(app, blueprints)


def _shape(rule: str) -> str:
    """Return a route with its placeholders made equal: the names do not tell routes apart."""
    return re.sub(r"<[^>]*>", "<>", rule)


def _refuse_conflicts(app: Flask, taken: dict[str, str]) -> None:
    problems = [
        f"the route {rule.rule} belongs to {taken[_shape(rule.rule)]!r} already: move it, set "
        "NEXORA_RT_URL_PREFIX, or leave the part out of NEXORA_RT_PARTS"
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("nexora_rt_") and _shape(rule.rule) in taken
    ]
    if problems:
        raise ConfigurationError(problems)


__all__ = ["Blueprint", "register_blueprints"]
