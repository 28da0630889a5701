"""The response that is a stream: what it says first, and which transport carries it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Response
from werkzeug.http import http_date

from . import sse
from .channels import Grant, Refusal
from .dice import dice
from .errors import NotServable
from .events import (
    CONNECTION_ESTABLISHED,
    GAP,
    SUBSCRIPTION_ERROR,
    SUBSCRIPTION_SUCCEEDED,
    Position,
)
from .hub import Hub
from .joining import Join, gap_body
from .server import request_slot_limit
from .transport import Stream, Subscription
from .transport.socket import HandedOver, SocketStream, can_take_over
from .transport.wsgi import QueueStream

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

HEADERS = {
    # WHATWG 9.2: nothing on the way may keep or delay it (the second one is nginx's).
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
}


@dataclass(frozen=True)
class Opening:
    """What is decided about a stream before its first byte."""

    socket_id: str
    user_id: str | None
    decisions: Sequence[Grant | Refusal]
    cursor: Position | None
    join: Join
    codec: sse.Codec
    # What presence channels show of the user, JSON text by channel; they answer later.
    infos: Mapping[str, str]
    authorised_at: Position

    @property
    def subscription(self) -> Subscription:
        return Subscription(self.socket_id, self.user_id, self.channels, self.codec, self.infos)

    @property
    def channels(self) -> tuple[str, ...]:
        return tuple(d.channel for d in self.decisions if isinstance(d, Grant))

    def blocks(self, heartbeat: int) -> bytes:
        """Write the first blocks: who you are, what you hold, and what is lost.

        Until the gap has been told they carry the client's own cursor: cut before it, the
        client asks again and is told again.
        """
        at = self.cursor or self.join.start.position
        parts = [self.codec.control(at, CONNECTION_ESTABLISHED, self._established(heartbeat))]
        parts += (self._result(at, d) for d in self.decisions if d.channel not in self.infos)
        gap = self.join.gap
        if gap is not None:
            body = gap_body(self.channels, gap.reason, at, gap.bounds.floor)
            parts.append(self.codec.control(self.join.start.position, GAP, body))
        return b"".join(parts)

    def _established(self, heartbeat: int) -> dict[str, Any]:
        return {
            "socket_id": self.socket_id,
            "activity_timeout": math.ceil(2.5 * heartbeat),
            "user_id": self.user_id,
            "channels": list(self.channels),
            "recovered": self.join.recovered,
            "replayed": self._replayed() if self.join.recovered else 0,
        }

    def _replayed(self) -> int:
        held = set(self.channels)
        backlog = self.join.start.backlog
        return sum(len(held.intersection(entry.event.channels)) for entry in backlog)

    def _result(self, at: Position, decision: Grant | Refusal) -> bytes:
        if isinstance(decision, Grant):
            return self.codec.control(at, SUBSCRIPTION_SUCCEEDED, {}, decision.channel)
        body = {"status": decision.status, "error": decision.error}
        return self.codec.control(at, SUBSCRIPTION_ERROR, body, decision.channel)


def stream_response(*blocks: bytes) -> Response:
    """Return a finite event stream: these blocks, then the end."""
    return Response(blocks, content_type=sse.CONTENT_TYPE, headers=HEADERS)


def come_back(cursor: Position | None, head: Position) -> list[bytes]:
    """Write the answer to an overload: 200, wait, try again; any other status stops for good.

    A client without a cursor is given ``head``, so that it misses nothing while it waits.
    """
    blocks = [sse.retry(dice.randint(2000, 6000))]  # spreads the reconnects
    if cursor is None and head > (0, 0):
        blocks.append(sse.checkpoint(head))
    return blocks


class StreamResponse(Response):
    """An open stream. It starts when the server calls it: after every ``after_request``."""

    def __init__(self, hub: Hub, opening: Opening) -> None:
        super().__init__(
            iter(()), content_type=sse.CONTENT_TYPE, headers=HEADERS, direct_passthrough=True
        )
        self._hub = hub
        self._opening = opening

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        hub = self._hub
        kind = choose_transport(hub.settings.transport, environ)
        expires, buffer_bytes = hub.expiry(), hub.settings.stream_buffer_bytes
        join = self._opening.join
        stream = kind(hub, self._opening.subscription, join.start, expires, buffer_bytes)
        # All that can fail comes before the stream is counted in.
        head = self._head(environ)
        if _slots_are_full(kind, hub) or not hub.admit(stream, self._opening.authorised_at):
            self.response = come_back(self._opening.cursor, join.start.position)
            return super().__call__(environ, start_response)
        hub.count_join(join)
        first = self._opening.blocks(hub.settings.heartbeat)
        if isinstance(stream, SocketStream):
            stream.open(environ, head + first)
            raise HandedOver
        stream.carried_by(environ.get("gunicorn.socket") or environ.get("werkzeug.socket"))
        stream.push(first)
        self.response = stream
        return super().__call__(environ, start_response)

    def _head(self, environ: WSGIEnvironment) -> bytes:
        """Write the status line and headers, as nobody else will on a socket of our own."""
        headers = [*self.get_wsgi_headers(environ), ("Date", http_date()), ("Connection", "close")]
        lines = [f"HTTP/1.1 {self.status}", *(f"{name}: {value}" for name, value in headers)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def choose_transport(wanted: str, environ: WSGIEnvironment) -> type[SocketStream | QueueStream]:
    """Return the transport for this request: the socket itself wherever that works.

    Raises `NotServable` when the host wants the socket and this server cannot give it.
    """
    if wanted != "wsgi" and can_take_over(environ):
        return SocketStream
    if wanted == "socket":
        raise NotServable(
            "NEXORA_RT_TRANSPORT=socket needs gunicorn's gevent worker, plain HTTP/1 and Linux: "
            "use 'auto'"
        )
    return QueueStream


def _slots_are_full(kind: type[Stream], hub: Hub) -> bool:
    slots = request_slot_limit()
    return kind is QueueStream and slots is not None and len(hub) >= slots
