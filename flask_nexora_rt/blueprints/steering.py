"""Routes that steer an open stream, on whichever worker it is: subscribe, unsubscribe, events."""

from __future__ import annotations

from typing import Annotated, Any

from flask import Blueprint, Response, jsonify
from pydantic import BaseModel, ConfigDict, Field

from ..channels import Grant, Refusal
from ..errors import BadRequest, Forbidden
from ..events import Event, Position, check_event_name, dump_json, require_size
from ..identity import Caller
from ..limiter import CLIENT_EVENTS
from ..state import State, current_state
from .auth import ChannelName, SocketId
from .http import parse, read_json


class Subscribe(BaseModel):
    """More channels for an open stream."""

    model_config = ConfigDict(strict=True)

    socket_id: SocketId
    channels: Annotated[list[ChannelName], Field(min_length=1)]
    last_event_id: str | None = None


class Unsubscribe(BaseModel):
    """Fewer channels for an open stream."""

    model_config = ConfigDict(strict=True)

    socket_id: SocketId
    channels: Annotated[list[ChannelName], Field(min_length=1)]


class ClientEvent(BaseModel):
    """What one client tells the others on a channel."""

    model_config = ConfigDict(strict=True)

    socket_id: SocketId
    channel: ChannelName
    event: str
    data: Any = None


def make_blueprints(prefix: str) -> list[Blueprint]:
    blueprint = Blueprint("nexora_rt_steering", __name__)
    for path, view in (
        ("subscribe", subscribe),
        ("unsubscribe", unsubscribe),
        ("events", send_event),
    ):
        blueprint.add_url_rule(f"{prefix}/realtime/{path}", view_func=view, methods=["POST"])
    return [blueprint]


def subscribe() -> Response:
    """Add channels, with a replay of what came after ``last_event_id``."""
    state, body = current_state(), parse(Subscribe, read_json())
    channels = list(dict.fromkeys(body.channels))
    _require_at_most(state, channels)
    caller = owner(state, body.socket_id)
    cursor = Position.parse(body.last_event_id) if body.last_event_id else None
    since = state.runtime.hub.position
    decisions = state.authorize(channels, caller)
    refused = {d.channel: d.status for d in decisions if isinstance(d, Refusal)}
    granted = {d.channel: state.presence_info(d, caller) for d in decisions if isinstance(d, Grant)}
    answer: dict[str, Any] = {"subscribed": [], "refused": {}}
    if granted:
        action, command = "subscribe", {"channels": granted, "since": since}
        if cursor is not None:
            action, command = "subscribe_since", {**command, "cursor": cursor}
        answer = state.runtime.station.steering.call(body.socket_id, action, command)
    return jsonify(subscribed=answer["subscribed"], refused={**answer["refused"], **refused})


def unsubscribe() -> Response:
    """Take channels away; answers what the stream still holds."""
    state, body = current_state(), parse(Unsubscribe, read_json())
    _require_at_most(state, body.channels)
    owner(state, body.socket_id)
    command = {"channels": body.channels}
    answer = state.runtime.station.steering.call(body.socket_id, "unsubscribe", command)
    return jsonify(answer)


def send_event() -> Response:
    """Send a ``client-*`` event to the others who hold the channel right now."""
    state, body = current_state(), parse(ClientEvent, read_json())
    caller = owner(state, body.socket_id)
    event = _client_event(state, body, caller)
    state.runtime.limiter.require(CLIENT_EVENTS, state.settings.app_id, body.socket_id)
    question = {"channel": body.channel}
    if not state.runtime.station.steering.call(body.socket_id, "holds", question)["holds"]:
        raise Forbidden("the stream does not hold this channel: subscribe to it first")
    state.runtime.log.emit([event])
    return jsonify(success=True)


def _client_event(state: State, body: ClientEvent, caller: Caller) -> Event:
    if not check_event_name(body.event).startswith("client-"):
        raise BadRequest("the name of a client event begins with 'client-'")
    if state.is_public(body.channel):
        raise Forbidden("client events are not allowed on public channels")
    data = require_size(dump_json(body.data), state.settings.max_event_bytes)
    sender = caller.id if state.is_presence(body.channel) else None
    return Event((body.channel,), body.event, data, exclude=body.socket_id, user_id=sender)


def owner(state: State, socket_id: str) -> Caller:
    """Return the caller when the stream is its own, else raise `Forbidden`."""
    caller = state.caller()
    if not state.socket_ids.is_owner(socket_id, caller.id):
        raise Forbidden("this socket_id belongs to another connection")
    return caller


def _require_at_most(state: State, channels: list[str]) -> None:
    if len(channels) > state.settings.max_channels:
        raise BadRequest(
            f"{len(channels)} channels in one call, the limit is {state.settings.max_channels}"
        )
