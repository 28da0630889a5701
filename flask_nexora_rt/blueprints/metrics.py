"""``GET /realtime/metrics``: only when ``PARTS`` names it, for whoever reaches the route."""

from __future__ import annotations

from flask import Blueprint, Response

from ..metrics import CONTENT_TYPE, render
from ..state import current_state


def make_blueprints(prefix: str) -> list[Blueprint]:
    blueprint = Blueprint("nexora_rt_metrics", __name__)
    blueprint.add_url_rule(f"{prefix}/realtime/metrics", view_func=metrics)
    return [blueprint]


def metrics() -> Response:
    """Answer the figures of all workers as Prometheus text."""
    return Response(render(current_state()), content_type=CONTENT_TYPE)
