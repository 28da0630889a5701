"""What all pages share: error pages, security headers, and colours for people."""

from flask import Flask, Response, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

AVATAR_COLOURS = 6
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'"
)


def init_app(app: Flask) -> None:
    """Adds them to the app."""
    app.register_error_handler(HTTPException, show_error)
    app.after_request(add_security_headers)
    app.add_template_filter(avatar_colour)


def show_error(error: HTTPException) -> ResponseReturnValue:
    """A page for people, JSON for scripts."""
    status = error.code or 500
    if status < 400:
        return error.get_response()
    if request.accept_mimetypes.best == "application/json":
        return {"error": error.name, "detail": error.description}, status
    return render_template("error.html", error=error), status


def add_security_headers(response: Response) -> Response:
    """Scripts and styles only from our own files."""
    response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    return response


def avatar_colour(user_id: int | str) -> int:
    """The number of a person's colour, 0 to 5; chat.js computes the same."""
    return int(user_id) % AVATAR_COLOURS
