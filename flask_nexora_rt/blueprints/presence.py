"""``/realtime/presence`` and ``/realtime/typing``."""

from __future__ import annotations

from typing import Literal

from flask import Blueprint, Response, jsonify
from pydantic import BaseModel, ConfigDict

from ..channels import Refusal
from ..errors import NotFound, Unauthorized
from ..services import presence_members
from ..state import current_state
from .auth import ChannelName, SocketId, refusal_error
from .http import parse, read_json
from .steering import owner


class SetStatus(BaseModel):
    """One stream's status; the client restates it after a reconnect."""

    model_config = ConfigDict(strict=True)

    socket_id: SocketId
    status: Literal["online", "away"]


class SetTyping(BaseModel):
    """Whether the caller types in a conversation."""

    model_config = ConfigDict(strict=True)

    conversationId: ChannelName  # noqa: N815 - the wire's name
    isTyping: bool  # noqa: N815 - the wire's name
    socket_id: SocketId | None = None


def make_blueprints(prefix: str) -> list[Blueprint]:
    blueprint = Blueprint("nexora_rt_presence", __name__)
    route = f"{prefix}/realtime"
    blueprint.add_url_rule(f"{route}/presence", view_func=set_status, methods=["POST"])
    blueprint.add_url_rule(f"{route}/presence/<channel>", view_func=members)
    blueprint.add_url_rule(f"{route}/typing", view_func=set_typing, methods=["POST"])
    return [blueprint]


def set_status() -> Response:
    """Set the status of one stream; its user is away when all its streams are."""
    state, body = current_state(), parse(SetStatus, read_json())
    caller = owner(state, body.socket_id)
    if caller.id is None:
        raise Unauthorized
    presence = state.runtime.presence
    if not presence.set_status(body.socket_id, caller.id, body.status):
        raise NotFound("no open stream has this socket_id: open a new stream")
    return jsonify(status=presence.status(caller.id).status)


def members(channel: str) -> Response:
    """Answer who is on a presence channel that the caller may hold."""
    state = current_state()
    decision = state.authorize([channel], state.caller())[0]
    if isinstance(decision, Refusal):
        raise refusal_error([decision])
    # Before the members: what is told after this position is not older than they are.
    position = state.runtime.log.bounds().last
    found = presence_members(state, channel)
    return jsonify(count=len(found), members=found, position=str(position))


def set_typing() -> Response:
    """Tell the others in a conversation that the caller types, or has stopped."""
    state, body = current_state(), parse(SetTyping, read_json())
    caller = state.caller()
    if caller.id is None:
        raise Unauthorized
    if body.socket_id is not None:
        owner(state, body.socket_id)
    decision = state.authorize([body.conversationId], caller)[0]
    if isinstance(decision, Refusal):
        raise refusal_error([decision])
    typing = state.runtime.typing
    if body.isTyping:
        return jsonify(sent=typing.start(body.conversationId, caller.id))
    typing.stop(body.conversationId, caller.id)
    return jsonify(sent=True)
