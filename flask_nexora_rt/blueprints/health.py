"""``GET /realtime/health``, for load balancers and people."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from ..errors import NexoraError
from ..state import State, current_state


def make_blueprints(prefix: str) -> list[Blueprint]:
    blueprint = Blueprint("nexora_rt_health", __name__)
    blueprint.add_url_rule(f"{prefix}/realtime/health", view_func=health)
    return [blueprint]


def health() -> Response:
    """Answer 200 when this worker can serve streams and publish, else 503; says which part."""
    state = current_state()
    parts = {"broker": _broker(state), "database": _database(state), "worker": _worker(state)}
    well = all(part is None or part["ok"] for part in parts.values())
    response = jsonify(status="ok" if well else "unavailable", **parts)
    response.status_code = 200 if well else 503
    response.headers["Cache-Control"] = "no-store"
    return response


def _broker(state: State) -> dict[str, Any]:
    try:
        return {"ok": True, "position": str(state.runtime.log.bounds().last)}
    except NexoraError as error:
        return {"ok": False, "error": error.error}


def _database(state: State) -> dict[str, Any] | None:
    """None: the host has given no database."""
    return None if state.db is None else {"ok": state.database_answers()}


def _worker(state: State) -> dict[str, Any]:
    hub = state.runtime.hub
    return {
        "ok": not hub.draining,
        "streams": len(hub),
        "connected": hub.connected,
        "draining": hub.draining,
        "lag": round(hub.lag, 4),
    }
