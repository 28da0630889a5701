"""``/notifications``: the caller's own, and sending for those whom the host lets."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from flask import Blueprint, Response, jsonify, request
from pydantic import BaseModel, ConfigDict, Field

from ..errors import BadRequest, Forbidden, InvalidFields, Unauthorized
from ..events import dump_json
from ..state import State, current_state
from .http import keep_private, parse, read_json, whole_number

MAX_RECIPIENTS = 1000
MAX_IDEMPOTENCY_KEY = 255

UserId = Annotated[str, Field(min_length=1, max_length=128)]


class SendNotification(BaseModel):
    """One notification for many users."""

    model_config = ConfigDict(strict=True)

    userIds: Annotated[list[UserId], Field(min_length=1, max_length=MAX_RECIPIENTS)]  # noqa: N815
    type: str
    data: dict[str, Any] | None = None


class UpTo(BaseModel):
    """The newest notification that the caller saw."""

    model_config = ConfigDict(strict=True)

    upTo: str | None = None  # noqa: N815 - the wire's name


def make_blueprints(prefix: str) -> list[Blueprint]:
    blueprint = Blueprint("nexora_rt_notifications", __name__)
    base = f"{prefix}/notifications"
    for rule, view, method in (
        (base, show_list, "GET"),
        (base, send, "POST"),
        (base, clear, "DELETE"),
        (f"{base}/unread-count", unread_count, "GET"),
        (f"{base}/read-all", read_all, "POST"),
        (f"{base}/seen", seen, "POST"),
        (f"{base}/preferences", preferences, "GET"),
        (f"{base}/preferences", set_preferences, "PUT"),
        (f"{base}/<notification_id>", delete, "DELETE"),
        (f"{base}/<notification_id>/read", read, "POST"),
        (f"{base}/<notification_id>/unread", unread, "POST"),
        (f"{base}/<notification_id>/archive", archive, "POST"),
    ):
        blueprint.add_url_rule(rule, view_func=view, methods=[method])
    blueprint.after_request(keep_private)
    return [blueprint]


def _caller() -> tuple[State, str]:
    state = current_state()
    caller = state.caller()
    if caller.id is None:
        raise Unauthorized
    return state, caller.id


def show_list() -> Response:
    """A page, the counts, and the position that was current before they were read."""
    state, user = _caller()
    position = state.position()
    page = state.notifications.list(
        user,
        request.args.get("state", "all"),
        request.args.get("cursor"),
        whole_number("limit") or 20,
    )
    return jsonify(**page, position=position)


def unread_count() -> Response:
    """The caller's counts."""
    state, user = _caller()
    return jsonify(state.notifications.unread_count(user))


def send() -> tuple[Response, int]:
    """201 with what was sent; 200 when this ``Idempotency-Key`` had been used for the same."""
    state, user = _caller()
    body = parse(SendNotification, read_json())
    if not state.notifications.may_send(state.caller().user, body.type, body.userIds):
        raise Forbidden("this caller may not send notifications: see rt.notifications.sender")
    key, fingerprint = _idempotency(user, body)
    sent = state.notifications.send(
        body.userIds, body.type, body.data, key, actor=user, fingerprint=fingerprint
    )
    answer = jsonify(
        success=True,
        notification=sent.notification,
        recipients=len(sent.user_ids),
        duplicate=sent.duplicate,
    )
    if sent.duplicate:
        answer.headers["Idempotency-Replayed"] = "true"
    return answer, 200 if sent.duplicate else 201


def _idempotency(user: str, body: SendNotification) -> tuple[str | None, str | None]:
    """Return the dedupe key of this caller's ``Idempotency-Key``, and what it promises to send."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None, None
    if not 0 < len(key) <= MAX_IDEMPOTENCY_KEY or not key.isascii() or not key.isprintable():
        raise InvalidFields(
            {"Idempotency-Key": f"must be 1 to {MAX_IDEMPOTENCY_KEY} printable ASCII characters"}
        )
    promise = dump_json([sorted(set(body.userIds)), body.type, body.data])
    caller = hashlib.sha256(user.encode()).hexdigest()[:32]
    return f"http:{caller}:{key}", hashlib.sha256(promise).hexdigest()


def read(notification_id: str) -> Response:
    """The counts after reading one."""
    state, user = _caller()
    return jsonify(state.notifications.mark_read(user, notification_id))


def unread(notification_id: str) -> Response:
    """The counts after making one unread again."""
    state, user = _caller()
    return jsonify(state.notifications.mark_unread(user, notification_id))


def archive(notification_id: str) -> Response:
    """The counts after putting one away."""
    state, user = _caller()
    return jsonify(state.notifications.archive(user, notification_id))


def delete(notification_id: str) -> Response:
    """The counts after deleting one."""
    state, user = _caller()
    return jsonify(state.notifications.delete(user, notification_id))


def clear() -> Response:
    """The counts after deleting all."""
    state, user = _caller()
    return jsonify(state.notifications.clear(user))


def read_all() -> Response:
    """The counts after reading all up to ``upTo``."""
    state, user = _caller()
    return jsonify(state.notifications.mark_all_read(user, _up_to()))


def seen() -> Response:
    """The counts after having seen all up to ``upTo``."""
    state, user = _caller()
    return jsonify(state.notifications.mark_seen(user, _up_to()))


def _up_to() -> str | None:
    """Return what the body says; there may be none."""
    return parse(UpTo, read_json()).upTo if request.get_data() else None


def preferences() -> Response:
    """What the caller wants to be told, and what there is to choose from."""
    state, user = _caller()
    return jsonify(state.notifications.preferences(user))


def set_preferences() -> Response:
    """What the caller wants from now on."""
    state, user = _caller()
    said = read_json()
    if not isinstance(said, dict):
        raise BadRequest("the body must be a JSON object")
    return jsonify(state.notifications.set_preferences(user, said))
