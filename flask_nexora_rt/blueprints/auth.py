"""``POST /realtime/auth``: Pusher's signatures, for one channel or for many with a ticket."""

from __future__ import annotations

from typing import Annotated, Any

from flask import Blueprint, Response, jsonify, request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from .. import publishing
from ..channels import Grant, Refusal, check_channel
from ..errors import BadRequest, Forbidden, NexoraError, Unauthorized
from ..identity import Caller
from ..signing import check_socket_id
from ..state import State, current_state
from .http import bound_body, parse, read_json

ChannelName = Annotated[str, AfterValidator(check_channel)]
SocketId = Annotated[str, StringConstraints(max_length=64), AfterValidator(check_socket_id)]


class OneChannel(BaseModel):
    """What pusher-js posts."""

    model_config = ConfigDict(strict=True)

    socket_id: SocketId
    channel_name: ChannelName


class ManyChannels(BaseModel):
    """Many channels in one call; signatures only when there is a socket to bind them to."""

    model_config = ConfigDict(strict=True)

    channels: Annotated[list[ChannelName], Field(min_length=1)]
    socket_id: SocketId | None = None


def make_blueprints(prefix: str) -> list[Blueprint]:
    blueprint = Blueprint("nexora_rt_auth", __name__)
    blueprint.add_url_rule(f"{prefix}/realtime/auth", view_func=authenticate, methods=["POST"])
    # Where the seed systems' clients look for it.
    blueprint.add_url_rule("/pusher/auth", "pusher", view_func=authenticate, methods=["POST"])
    return [blueprint]


def authenticate() -> Response:
    """Sign what the caller may hold: one channel (form or JSON), or JSON ``channels``."""
    bound_body()
    body: Any = request.form.to_dict() if request.form else read_json()
    state = current_state()
    if isinstance(body, dict) and "channels" in body and not request.form:
        answer = _sign_many(state, parse(ManyChannels, body))
    else:
        answer = _sign_one(state, parse(OneChannel, body))
    response = jsonify(answer)
    response.headers["Cache-Control"] = "no-store"
    return response


def _sign_one(state: State, body: OneChannel) -> dict[str, str]:
    caller = state.caller()
    state.socket_ids.require_owner(body.socket_id, caller.id)
    decision = state.authorize([body.channel_name], caller)[0]
    if isinstance(decision, Refusal):
        raise refusal_error([decision])
    return _signature(state, decision, body.socket_id, caller)


def _sign_many(state: State, body: ManyChannels) -> dict[str, Any]:
    caller, limit = state.caller(), state.settings.max_channels
    if len(body.channels) > limit:
        raise BadRequest(f"{len(body.channels)} channels in one call, the limit is {limit}")
    if body.socket_id is not None:
        state.socket_ids.require_owner(body.socket_id, caller.id)
    # Before the authorizers: what is revoked from here on makes the ticket ask again.
    since = state.runtime.log.bounds().last
    decisions = state.authorize(list(dict.fromkeys(body.channels)), caller)
    grants = [decision for decision in decisions if isinstance(decision, Grant)]
    refusals = [decision for decision in decisions if isinstance(decision, Refusal)]
    if not grants:
        raise refusal_error(refusals)
    return {
        "channels": {
            grant.channel: _signature(state, grant, body.socket_id, caller) for grant in grants
        },
        "refused": {refusal.channel: refusal.status for refusal in refusals},
        "ticket": state.tickets.make(caller.id, {g.channel: g.user_info for g in grants}, since),
        "expiresIn": state.settings.ticket_seconds,
    }


def _signature(state: State, grant: Grant, socket_id: str | None, caller: Caller) -> dict[str, str]:
    if socket_id is None:
        return {}
    member: dict[str, Any] | None = None
    if caller.id is not None and state.is_presence(grant.channel):
        member = {"user_id": caller.id, "user_info": grant.user_info or {}}
    return publishing.authenticate(state, grant.channel, socket_id, member)


def refusal_error(refusals: list[Refusal]) -> NexoraError:
    """Return the error for a caller who may have nothing of what was asked."""
    if any(refusal.status == 401 for refusal in refusals):
        return Unauthorized()
    return Forbidden() if all(refusal.status == 403 for refusal in refusals) else NexoraError()
