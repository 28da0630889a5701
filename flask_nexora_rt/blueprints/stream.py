"""``GET /realtime/stream``: open a stream, or say in which way it cannot be."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

from flask import Blueprint, Response, request

from ..channels import UNDECIDED, Grant, Refusal, check_channel
from ..errors import BadRequest, BrokerUnavailable, NexoraError, Overloaded, Unauthorized
from ..events import Position
from ..identity import Caller
from ..server import require_concurrency
from ..sse import CODECS
from ..state import State, current_state
from ..stream import Opening, StreamResponse, choose_transport, come_back, stream_response
from .auth import refusal_error

logger = logging.getLogger(__name__)


class Query(NamedTuple):
    """What the URL and the Last-Event-ID header ask for."""

    channels: list[str]
    cursor: Position | None
    ticket: str | None
    format: str


def make_blueprints(prefix: str) -> list[Blueprint]:
    blueprint = Blueprint("nexora_rt_stream", __name__)
    blueprint.add_url_rule(f"{prefix}/realtime/stream", view_func=stream)
    return [blueprint]


def stream() -> Response:
    """Answer 200 with a stream; 400, 401, 403 or 503 only when trying again cannot help."""
    state = current_state()
    query = read_query(state.settings.max_channels)
    require_concurrency(request.environ)
    choose_transport(state.settings.transport, request.environ)
    # Before the authorizers: what is revoked from here on is seen when the stream is admitted.
    authorised_at = state.runtime.hub.position
    try:
        caller = state.caller()
        decisions = decide(state, query, caller)
    except NexoraError:
        raise
    except Exception:
        # The host could not load its user. A 500 would end an EventSource for good.
        logger.exception("a stream is sent away: the host could not say whose it is")
        return stream_response(*come_back(query.cursor, authorised_at))
    if decisions and not any(isinstance(decision, Grant) for decision in decisions):
        # Refused for now: somewhere an authorizer broke, and a 500 would be for good.
        return stream_response(*come_back(query.cursor, authorised_at))
    infos = {
        decision.channel: info
        for decision in decisions
        if isinstance(decision, Grant)
        and (info := state.presence_info(decision, caller)) is not None
    }
    state.release_database()
    if request.method == "HEAD":
        return stream_response()
    try:
        return _open(state, query, caller, decisions, infos, authorised_at)
    except (Overloaded, BrokerUnavailable) as error:
        logger.info("a stream is sent away for a while: %s", error)
        return stream_response(*come_back(query.cursor, state.runtime.hub.position))


def read_query(max_channels: int) -> Query:
    """Read the request. Raises `BadRequest` when it is malformed."""
    arguments = request.args
    joined = [name for name in arguments.get("channels", "").split(",") if name]
    names = map(check_channel, joined + arguments.getlist("channel"))
    channels = list(dict.fromkeys(names))
    if len(channels) > max_channels:
        raise BadRequest(f"{len(channels)} channels in one stream request, {max_channels} allowed")
    form = arguments.get("format", "named")
    if form not in CODECS:
        raise BadRequest("format must be 'named' or 'envelope'")
    # The header wins: a browser sends it when it reconnects to a URL that holds an older one.
    cursor = request.headers.get("Last-Event-ID") or arguments.get("last_event_id")
    position = Position.parse(cursor) if cursor else None
    return Query(channels, position, arguments.get("ticket"), form)


def decide(state: State, query: Query, caller: Caller) -> list[Grant | Refusal]:
    """Say for each channel whether the caller may hold it; raise when there is nothing to do.

    A ticket stands in for the authorizers on a first connect only; a resume asks again.
    """
    if not query.channels:
        if caller.id is None:
            raise Unauthorized
        return []
    proved: dict[str, Any] = {}
    if query.ticket and query.cursor is None:
        proved, since = state.tickets.read(query.ticket, caller.id)
        if state.runtime.hub.revoked_since(since, caller.id, query.channels):
            proved = {}
    decisions: list[Grant | Refusal] = []
    for channel in query.channels:
        if channel in proved:
            decisions.append(Grant(channel, user_info=proved[channel]))
        else:
            decisions += state.authorize([channel], caller)
    refusals = [decision for decision in decisions if isinstance(decision, Refusal)]
    undecided = any(refusal.status == UNDECIDED for refusal in refusals)
    if len(refusals) == len(decisions) and not undecided:
        raise refusal_error(refusals)
    return decisions


def _open(
    state: State,
    query: Query,
    caller: Caller,
    decisions: list[Grant | Refusal],
    infos: dict[str, str],
    authorised_at: Position,
) -> StreamResponse:
    runtime = state.runtime
    granted = tuple(d.channel for d in decisions if isinstance(d, Grant))
    join = runtime.hub.join(query.cursor, granted)
    opening = Opening(
        socket_id=state.socket_ids.make(runtime.worker, caller.id),
        user_id=caller.id,
        decisions=decisions,
        cursor=query.cursor,
        join=join,
        codec=CODECS[query.format],
        infos=infos,
        authorised_at=authorised_at,
    )
    return StreamResponse(runtime.hub, opening)
