"""``/attachments``: take a file from a member, give it to members."""

from __future__ import annotations

from typing import IO, Final

from flask import Blueprint, Response, jsonify, request, send_file
from pydantic import BaseModel
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestedRangeNotSatisfiable, RequestEntityTooLarge

from ..attachments.sniffing import SAFE_IMAGES
from ..errors import AttachmentTooLarge, BadRequest, InvalidFields, NotFound, Unauthorized
from ..state import State, current_state
from .auth import ChannelName
from .http import parse
from .messages import require_member

# What a multipart body has besides the file: boundaries, headers, the conversation's id.
_ENVELOPE_BYTES: Final = 16_384
# Whatever a browser makes of the bytes, it is nobody's page: no script, no origin, no requests.
_SANDBOX: Final = "sandbox; default-src 'none'"
# As GitHub serves raw images: the page that a browser builds around an image has a style.
_IMAGE_SANDBOX: Final = f"{_SANDBOX}; style-src 'unsafe-inline'"


class UploadForm(BaseModel):
    """What comes with the file."""

    conversationId: ChannelName  # noqa: N815 - the wire's name


def make_blueprints(prefix: str) -> list[Blueprint]:
    blueprint = Blueprint("nexora_rt_attachments", __name__)
    blueprint.add_url_rule(f"{prefix}/attachments", view_func=upload, methods=["POST"])
    blueprint.add_url_rule(f"{prefix}/attachments/<attachment_id>", view_func=download)
    return [blueprint]


def upload() -> tuple[Response, int]:
    """201 with the attachment, which its uploader may now send in a message."""
    state = current_state()
    state.limit_uploads(_caller_id(state))
    file, form = read_upload(state.settings.max_attachment_bytes)
    body = parse(UploadForm, form)
    user = require_member(state, body.conversationId)
    attachment = state.attachments.upload(
        body.conversationId, file.stream, file.filename or "", user, file.mimetype
    )
    return jsonify(attachment=attachment), 201


def download(attachment_id: str) -> Response:
    """The bytes, for members of the conversation; before it is sent, for its uploader."""
    state = current_state()
    _caller_id(state)
    row = state.attachments.get(attachment_id)
    user = require_member(state, row.conversation_id)
    if row.message_id is None and row.uploader_id != user:
        raise NotFound("there is no such attachment")
    about = {"key": row.id, "name": row.name, "mimetype": row.type, "size": row.size}
    # Before the storage is asked: it may be slow.
    state.release_database()
    return send_bytes(state.attachments.open(attachment_id), **about)


def read_upload(limit: int) -> tuple[FileStorage, dict[str, str]]:
    """Return the file, on disk unless it is small, and the fields beside it.

    Reads no more than ``limit`` bytes and an envelope, and none at all when Content-Length says
    that there are more. Raises `BadRequest`, `InvalidFields`, `AttachmentTooLarge`.
    """
    if request.mimetype != "multipart/form-data":
        raise BadRequest("send multipart/form-data with the parts file and conversationId")
    most, host_limit = limit + _ENVELOPE_BYTES, request.max_content_length
    request.max_content_length = most if host_limit is None else min(most, host_limit)
    try:
        files = request.files.getlist("file")
    except RequestEntityTooLarge:
        most = request.max_content_length
        size = request.content_length or f"more than {most}"
        raise AttachmentTooLarge(
            f"the request has {size} bytes, the limit is {min(limit, most)} for a file"
        ) from None
    if len(files) != 1:
        raise InvalidFields({"file": f"send one file, not {len(files)}"})
    return files[0], request.form.to_dict()


def send_bytes(file: IO[bytes], key: str, name: str, mimetype: str, size: int) -> Response:
    """Answer with a file: whole, a range of it, or 304. Only safe images are shown in a page."""
    inline = mimetype in SAFE_IMAGES
    answer = send_file(
        file, mimetype, as_attachment=not inline, download_name=name, conditional=False, etag=key
    )
    answer.content_length = size
    answer.headers.update(
        {
            "Content-Security-Policy": _IMAGE_SANDBOX if inline else _SANDBOX,
            "Cross-Origin-Resource-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            # Kept, but shown only after asking again: membership ends, and browsers are shared.
            "Cache-Control": "private, no-cache",
        }
    )
    try:
        answer.make_conditional(request, accept_ranges=True, complete_length=size)
    except RequestedRangeNotSatisfiable:
        answer.close()
        raise
    return answer


def _caller_id(state: State) -> str:
    caller = state.caller()
    if caller.id is None:
        raise Unauthorized
    return caller.id
