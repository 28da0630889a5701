"""What all pages share: the front door, the sidebar, error pages, security headers, colours."""

from flask import Flask, Response, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from example_app.conversations import sidebar
from flask_nexora_rt import NexoraError

AVATAR_COLOURS = 6
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'"
)


# Where a visitor can do nothing with what the library or the extension says: heading, and words.
WORDS = {
    400: ("That could not be read", "This address or form is incomplete: start again from a page."),
    404: ("There is nothing here", "This page does not exist, or not any more."),
    405: ("This is no page", "Only a form can be sent here: go to the page that has the form."),
    413: ("That is too large", "Send less at once: a smaller file, or a shorter text."),
    500: ("Something broke", "This is our fault, not yours. Try again in a moment."),
}
HEADINGS = {403: "This door is closed to you"}


def init_app(app: Flask) -> None:
    """Adds them to the app."""
    app.register_error_handler(HTTPException, show_error)
    app.register_error_handler(NexoraError, show_refusal)
    app.after_request(add_security_headers)
    app.add_template_filter(avatar_colour)
    app.add_template_global(sidebar)
    app.add_url_rule("/", "index", index)


def index() -> ResponseReturnValue:
    """The front door."""
    return redirect(url_for("guilds.overview"))


def show_error(error: HTTPException) -> ResponseReturnValue:
    """A page for people, JSON for scripts."""
    status = error.code or 500
    if status < 400:
        return error.get_response()
    if request.accept_mimetypes.best == "application/json":
        return {"error": error.name, "detail": error.description}, status
    own = (HEADINGS.get(status, "That did not work"), error.description)
    heading, words = WORDS.get(status, own)
    return render_template("error.html", error=error, heading=heading, words=words), status


def show_refusal(error: NexoraError) -> ResponseReturnValue:
    """What the extension's services refuse to our pages, as any other error."""
    try:
        abort(error.status, str(error) or None)
    except HTTPException as refusal:
        return show_error(refusal)


def add_security_headers(response: Response) -> Response:
    """Scripts and styles only from our own files."""
    response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    return response


def avatar_colour(user_id: int | str) -> int:
    """The number of a person's colour, 0 to 5; static/chat/dom.js computes the same."""
    return int(user_id) % AVATAR_COLOURS
