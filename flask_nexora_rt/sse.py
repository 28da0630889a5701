"""Server-sent events as bytes (WHATWG HTML, section 9.2): frames and the two codecs. Pure."""

from __future__ import annotations

import json
import re
from typing import Any, Protocol

from .events import Event, Position, dump_json

CONTENT_TYPE = "text/event-stream; charset=utf-8"
_LINE_END = re.compile(r"\r\n|\r|\n")


def frame(data: str, event: str | None = None, id: str | None = None) -> bytes:  # noqa: A002
    """Write one block. CR, LF and CRLF in ``data`` start a new data line; nothing else does.

    A receiver joins data lines with LF (step "data" of the parser), so CR comes back as LF.
    """
    lines = [f"id: {id}"] if id is not None else []
    if event is not None:
        lines.append(f"event: {event}")
    lines += (f"data: {line}" for line in _LINE_END.split(data))
    return ("\n".join(lines) + "\n\n").encode("utf-8", "replace")


def retry(milliseconds: int) -> bytes:
    """Write the block that sets the browser's reconnection time."""
    return b"retry: %d\n\n" % milliseconds


def checkpoint(position: Position) -> bytes:
    """Write a block without data: no event fires, but the browser's last event id moves."""
    return f"id: {position}\n\n".encode()


class Codec(Protocol):
    """How one kind of client reads events. An event is encoded once per codec and channel."""

    def encode(
        self, position: Position, event: Event, channel: str, place: Position | None = None
    ) -> bytes:
        """Write the block that a holder of ``channel`` receives.

        ``position`` is where the client goes on from, ``place`` where the event itself stands in
        the log; None when it is in no log.
        """

    def control(
        self, position: Position, name: str, data: Any, channel: str | None = None
    ) -> bytes:
        """Write a block of the connection itself, or about one channel of it."""


class NamedCodec:
    """For native EventSource listeners: the name in ``event:``."""

    def encode(
        self, position: Position, event: Event, channel: str, place: Position | None = None
    ) -> bytes:
        return b'id: %b\nevent: %b\ndata: {"channel": "%b", "data": %b%b}\n\n' % (
            str(position).encode(),
            event.name.encode(),
            channel.encode(),
            event.data_for(channel),
            _sender(event),
        )

    def control(
        self, position: Position, name: str, data: Any, channel: str | None = None
    ) -> bytes:
        body = {"data": data} if channel is None else {"channel": channel, "data": data}
        return frame(dump_json(body).decode(), event=name, id=str(position))


class EnvelopeCodec:
    """For clients that listen to everything: the name inside, no ``event:`` field.

    ``position`` in the data is the event's own where the id of the block is another one: when an
    event is told in several blocks, or to a late subscriber. Null: it is in no log.
    """

    def encode(
        self, position: Position, event: Event, channel: str, place: Position | None = None
    ) -> bytes:
        return b'id: %b\ndata: {"event": %b, "channel": "%b", "data": %b%b%b}\n\n' % (
            str(position).encode(),
            json.dumps(event.name).encode(),
            channel.encode(),
            event.data_for(channel),
            _sender(event),
            _place(place, position),
        )

    def control(
        self, position: Position, name: str, data: Any, channel: str | None = None
    ) -> bytes:
        body = {"event": name, "data": data}
        if channel is not None:
            body["channel"] = channel
        return frame(dump_json(body).decode(), id=str(position))


def _place(place: Position | None, position: Position) -> bytes:
    if place == position:
        return b""
    return b', "position": null' if place is None else b', "position": "%b"' % str(place).encode()


def _sender(event: Event) -> bytes:
    if event.user_id is None:
        return b""
    return b', "user_id": ' + dump_json(event.user_id)


CODECS: dict[str, Codec] = {"named": NamedCodec(), "envelope": EnvelopeCodec()}
