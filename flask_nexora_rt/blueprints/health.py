"""``GET /realtime/health``, for load balancers and people."""

from __future__ import annotations

import logging
from typing import Any

from flask import Blueprint, Response, jsonify
from sqlalchemy.exc import SQLAlchemyError

from ..errors import NexoraError
from ..state import State, current_state

logger = logging.getLogger(__name__)


def make_blueprints(prefix: str) -> list[Blueprint]:
    blueprint = Blueprint("nexora_rt_health", __name__)
    blueprint.add_url_rule(f"{prefix}/realtime/health", view_func=health)
    return [blueprint]


def health() -> Response:
    """Answer 200 when this worker can serve streams and publish, else 503; says which part."""
    state = current_state()
    parts = {"broker": _broker(state), "database": _database(state), "worker": _worker(state)}
    well = all(part is None or part["ok"] for part in parts.values())
    # Shown, but no reason for 503: a worker without its jobs still serves everybody.
    response = jsonify(status="ok" if well else "unavailable", **parts, scheduler=_scheduler(state))
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


def _scheduler(state: State) -> dict[str, Any] | None:
    """None: the host has given no database, so there are no jobs."""
    if state.db is None:
        return None
    reason = state.jobs.scheduler.reason
    running = {"running": reason is None} | ({"reason": reason} if reason else {})
    try:
        overdue = state.jobs.service.overdue()
    except SQLAlchemyError:
        logger.warning("the job runs cannot be read", exc_info=True)
        return {"ok": False, **running, "error": "the job runs cannot be read"}
    return {"ok": not overdue, **running, "overdue": overdue}


def _worker(state: State) -> dict[str, Any]:
    hub = state.runtime.hub
    return {
        "ok": not hub.draining,
        "streams": len(hub),
        "connected": hub.connected,
        "draining": hub.draining,
        "lag": round(hub.lag, 4),
    }
