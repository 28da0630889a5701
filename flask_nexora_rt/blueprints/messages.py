"""``/messages``: send, read, edit, delete, react, receipts."""

from __future__ import annotations

from typing import Annotated, Any

from flask import Blueprint, Response, jsonify, request
from pydantic import BaseModel, ConfigDict, Field

from ..channels import Refusal, check_channel
from ..errors import Forbidden, NotFound, Unauthorized
from ..state import State, current_state
from .auth import ChannelName, refusal_error
from .http import keep_private, parse, read_json, whole_number


class SendMessage(BaseModel):
    """A message to a conversation; ``clientId`` makes a repeat harmless."""

    model_config = ConfigDict(strict=True)

    conversationId: ChannelName  # noqa: N815 - the wire's names
    content: str = ""
    clientId: str | None = None  # noqa: N815
    attachments: list[str] = []


class EditMessage(BaseModel):
    """Other text for a message, if it still is at that revision."""

    model_config = ConfigDict(strict=True)

    content: str
    expectedRevision: int | None = None  # noqa: N815


class MarkRead(BaseModel):
    """How far the caller has read."""

    model_config = ConfigDict(strict=True)

    conversationId: ChannelName  # noqa: N815
    upToSeq: Annotated[int, Field(ge=0)]  # noqa: N815


def make_blueprints(prefix: str) -> list[Blueprint]:
    blueprint = Blueprint("nexora_rt_messages", __name__)
    message = f"{prefix}/messages/<message_id>"
    for rule, view, method in (
        (f"{prefix}/messages", send, "POST"),
        (f"{prefix}/messages", history, "GET"),
        (f"{prefix}/messages/read", mark_read, "POST"),
        (f"{prefix}/messages/unread", unread, "GET"),
        (message, edit, "PATCH"),
        (message, delete, "DELETE"),
        (f"{message}/reactions/<key>", react, "PUT"),
        (f"{message}/reactions/<key>", unreact, "DELETE"),
    ):
        blueprint.add_url_rule(rule, view_func=view, methods=[method])
    blueprint.after_request(keep_private)
    return [blueprint]


def send() -> tuple[Response, int]:
    """201 with the message; 200 when this ``clientId`` had been sent."""
    state, body = current_state(), parse(SendMessage, read_json())
    user = require_member(state, body.conversationId)
    state.limit_messages(user)
    sent = state.messages.send(
        body.conversationId, body.content, user, body.clientId, body.attachments
    )
    answer: dict[str, Any] = {
        "success": True,
        "data": {"messageId": sent.message["id"]},
        "message": sent.message,
    }
    if sent.duplicate:
        return jsonify(**answer, duplicate=True), 200
    state.stop_typing(body.conversationId, user)
    return jsonify(answer), 201


def history() -> Response:
    """A page of messages, and the position that was current before they were read."""
    state = current_state()
    conversation = check_channel(request.args.get("conversationId", ""))
    require_member(state, conversation)
    position = state.position()
    page = state.messages.history(
        conversation,
        whole_number("beforeSeq"),
        whole_number("afterSeq"),
        whole_number("limit") or 50,
    )
    return jsonify(**page, position=position)


def edit(message_id: str) -> Response:
    """The message with its new text."""
    state, body = current_state(), parse(EditMessage, read_json())
    user = require_reader(state, message_id)
    state.limit_changes(user)
    return jsonify(
        message=state.messages.edit(message_id, body.content, user, body.expectedRevision)
    )


def delete(message_id: str) -> Response:
    """The tombstone."""
    state = current_state()
    user = require_reader(state, message_id)
    return jsonify(message=state.messages.delete(message_id, user))


def react(message_id: str, key: str) -> Response:
    """The totals after adding the caller's reaction."""
    state = current_state()
    user = require_reader(state, message_id)
    state.limit_changes(user)
    return jsonify(reactions=state.messages.react(message_id, key, user))


def unreact(message_id: str, key: str) -> Response:
    """The totals after taking the caller's reaction back."""
    state = current_state()
    user = require_reader(state, message_id)
    state.limit_changes(user)
    return jsonify(reactions=state.messages.unreact(message_id, key, user))


def mark_read() -> Response:
    """Where the caller's receipt stands now."""
    state, body = current_state(), parse(MarkRead, read_json())
    user = require_member(state, body.conversationId)
    state.limit_changes(user)
    up_to = state.messages.mark_read(body.conversationId, user, body.upToSeq)
    return jsonify(conversationId=body.conversationId, upToSeq=up_to)


def unread() -> Response:
    """The caller's counts, for the conversations it may still hold."""
    state = current_state()
    caller = state.caller()
    if caller.id is None:
        raise Unauthorized
    counts = state.messages.unread(caller.id)
    decisions = state.authorize(list(counts), caller)
    denied = {decision.channel for decision in decisions if isinstance(decision, Refusal)}
    return jsonify(conversations={c: n for c, n in counts.items() if c not in denied})


def require_member(state: State, conversation_id: str) -> str:
    """Return the caller's id when it may hold the channel, and messages belong there."""
    caller = state.caller()
    if caller.id is None:
        raise Unauthorized
    if not state.is_conversation(conversation_id):
        raise Forbidden
    decision = state.authorize([conversation_id], caller)[0]
    if isinstance(decision, Refusal):
        raise refusal_error([decision])
    return caller.id


def require_reader(state: State, message_id: str) -> str:
    """As `require_member`, by a message; 404 when there is none."""
    if state.caller().id is None:
        raise Unauthorized
    try:
        conversation = state.messages.get(message_id)["conversationId"]
    except NotFound:
        raise NotFound("there is no such message") from None
    return require_member(state, conversation)
