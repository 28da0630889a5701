"""What every blueprint does alike: JSON errors, the cross-site rule, bodies that are checked."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, jsonify, request
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import (
    HTTPException,
    MethodNotAllowed,
    NotFound,
    RequestEntityTooLarge,
)
from werkzeug.routing import RequestRedirect

from .. import errors
from ..state import current_state
from ..transaction import is_lost_race

logger = logging.getLogger(__name__)

M = TypeVar("M", bound=BaseModel)

_ENVELOPE_BYTES = 2 * 1024 * 1024
# "\ud83d\ude00" is one character of an event.
_ESCAPED_BYTES = 12


def guard(blueprint: Blueprint) -> None:
    """Give a blueprint the error answers of the contract and the cross-site rule."""
    blueprint.before_request(refuse_cross_site)
    blueprint.register_error_handler(errors.NexoraError, answer_error)
    blueprint.register_error_handler(HTTPException, answer_http_exception)
    blueprint.register_error_handler(OperationalError, answer_database_error)


def answer_error(error: errors.NexoraError) -> Response:
    """Write one of our errors as ``{"error", "detail"[, "fields"]}``."""
    if error.status >= 500 and not error.retryable:
        logger.error("%s: %s", error.error, error)
    body: dict[str, Any] = {"error": error.error}
    if str(error):
        body["detail"] = str(error)
    if isinstance(error, errors.InvalidFields):
        body["fields"] = error.fields
    response = jsonify(body)
    response.status_code = error.status
    response.headers["Cache-Control"] = "no-store"
    if isinstance(error, errors.Unauthorized):
        response.headers["WWW-Authenticate"] = 'Session realm="nexora-rt"'
    if error.retryable:
        response.headers["Retry-After"] = str(math.ceil(getattr(error, "retry_after", 2)))
    return response


def answer_database_error(error: OperationalError) -> Response:
    """Let the caller repeat what only met somebody else; anything else stays the error it is."""
    if not is_lost_race(error):
        raise error
    logger.warning("a transaction was undone, others were in its way: %s", error.orig)
    return answer_error(errors.DatabaseBusy("others were in the way, nothing is saved: try again"))


def answer_http_exception(error: HTTPException) -> Response:
    """Write Werkzeug's and Flask's own errors as JSON, never as a page."""
    detail = error.description
    if isinstance(error, RequestEntityTooLarge):
        size = request.content_length or "too many"
        detail = f"the body has {size} bytes, the limit is {request.max_content_length}"
    response = jsonify({"error": error.name, "detail": detail})
    response.status_code = error.code or 500
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def keep_private(response: Response) -> Response:
    """Let nobody between us and the caller keep an answer: the next one is somebody else."""
    response.headers.setdefault("Cache-Control", "private, no-store")
    return response


def refuse_cross_site() -> None:
    """Refuse what another site makes a signed-in browser send (CSRF; also streams).

    No Sec-Fetch-Site and no Origin means that no browser sent it.
    """
    origin = request.headers.get("Origin")
    if not request.cookies or origin in current_state().settings.allowed_origins:
        return
    crossing = request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")
    crossing = crossing or (origin is not None and not _is_ours(origin))
    if crossing:
        raise errors.Forbidden(
            "requests of other sites are refused: add the page's exact origin to "
            "NEXORA_RT_ALLOWED_ORIGINS if it is yours"
        )


def _is_ours(origin: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    default = {"http": ":80", "https": ":443"}.get(parts.scheme, "")
    return parts.netloc in (request.host, request.host.removesuffix(default))


def exempt_from_csrf(app: Flask, blueprints: Iterable[Blueprint]) -> None:
    """Keep Flask-WTF's CSRFProtect, if the host uses it, from asking our routes for tokens.

    `refuse_cross_site` protects them. The host may set CSRFProtect up after us: its check runs
    before each request and after this one, so asking here is early enough.
    """
    todo = list(blueprints)

    def exempt() -> None:
        csrf = app.extensions.get("csrf")
        while csrf is not None and todo:
            csrf.exempt(todo.pop())

    exempt()
    app.before_request(exempt)


def answer_routing_errors(app: Flask, blueprints: Iterable[Blueprint]) -> None:
    """Answer a wrong method on our routes as JSON; Flask would ask the host's handlers."""
    names = {blueprint.name for blueprint in blueprints}

    def answer() -> Response | None:
        error = request.routing_exception
        if isinstance(error, MethodNotAllowed) and _would_be_ours(app, error, names):
            return answer_http_exception(error)
        return None

    app.before_request(answer)


def _would_be_ours(app: Flask, error: MethodNotAllowed, names: set[str]) -> bool:
    adapter = app.create_url_adapter(request)
    if adapter is None or not error.valid_methods:
        return False
    try:
        endpoint, _ = adapter.match(method=next(iter(error.valid_methods)))
    except (NotFound, MethodNotAllowed, RequestRedirect):
        return False
    return endpoint.rpartition(".")[0] in names


def bound_body() -> None:
    """Let no more of the body be read than any of our JSON and forms can need."""
    limit = _ENVELOPE_BYTES + _ESCAPED_BYTES * current_state().settings.max_event_bytes
    given = request.max_content_length
    request.max_content_length = limit if given is None else min(limit, given)


def read_json() -> Any:
    """Return the JSON body. Raises `BadRequest` when there is none, or 413.

    Bounded here, before anybody is asked who it is: the host may have set no limit of its own.
    """
    bound_body()
    # Werkzeug cuts off a body that did not say how long it is.
    read = len(request.get_data())
    if read != request.content_length and read >= (request.max_content_length or 0):
        raise RequestEntityTooLarge
    try:
        body = request.get_json(silent=True)
    except RecursionError:
        body = None
    if body is None:
        raise errors.BadRequest("send a JSON body with Content-Type: application/json")
    return body


def parse(model: type[M], body: object) -> M:
    """Check a body against its model. Raises `InvalidFields` that names each bad field."""
    if not isinstance(body, dict):
        raise errors.BadRequest("the body must be a JSON object")
    try:
        return model.model_validate(body)
    except ValidationError as error:
        fields = {".".join(map(str, p["loc"])) or "body": p["msg"] for p in error.errors()}
        raise errors.InvalidFields(fields) from None


def whole_number(name: str) -> int | None:
    """Return a number of the query, None when it is not there. Raises `BadRequest`."""
    text = request.args.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise errors.BadRequest(f"{name} must be a whole number")
    return int(text)
