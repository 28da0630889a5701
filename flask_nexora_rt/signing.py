"""Pusher signatures, stream tickets and socket ids: who signed what. Pure.

Signatures follow Pusher Channels, "Auth signatures": HMAC-SHA256 in hex, keyed by the secret.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer

from .errors import BadRequest, Forbidden
from .events import Position

_SOCKET_ID = re.compile(r"[0-9]{1,20}\.[0-9]{1,40}", re.ASCII)
_MAC_BITS = 64
_NONCE_BITS = 32


def sign(secret: str, text: str) -> str:
    """Return the hex HMAC-SHA256 of ``text``."""
    return hmac.digest(secret.encode(), text.encode(), "sha256").hex()


def channel_signature(
    key: str, secret: str, socket_id: str, channel: str, channel_data: str | None = None
) -> str:
    """Return Pusher's auth string ``key:hex`` for a private or (with data) presence channel."""
    signed = ":".join(part for part in (socket_id, channel, channel_data) if part is not None)
    return f"{key}:{sign(secret, signed)}"


def check_socket_id(socket_id: object) -> str:
    """Return ``socket_id`` when it has Pusher's form, two integers; else raise `BadRequest`."""
    if isinstance(socket_id, str) and _SOCKET_ID.fullmatch(socket_id):
        return socket_id
    raise BadRequest("socket_id must be two integers joined by a dot, as the stream gave it")


class SocketIds:
    """Makes and checks ids of streams: ``<worker>.<nonce and MAC over worker, nonce, user>``.

    Any worker can tell whose id it is without asking the one that holds the stream.
    """

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), b"nexora-rt socket id", "sha256")

    def make(self, worker: int, user_id: str | None) -> str:
        nonce = secrets.randbits(_NONCE_BITS) | 1 << _NONCE_BITS
        return f"{worker}.{nonce << _MAC_BITS | self._mac(worker, nonce, user_id)}"

    def is_owner(self, socket_id: str, user_id: str | None) -> bool:
        """Say whether the id was made here for ``user_id``."""
        worker, nonce, mac = _split(socket_id)
        return nonce > 0 and hmac.compare_digest(str(mac), str(self._mac(worker, nonce, user_id)))

    def require_owner(self, socket_id: str, user_id: str | None) -> None:
        """Raise `Forbidden` when the id is one of ours and belongs to somebody else.

        Ids of another Pusher service are shorter than ours and open nothing here.
        """
        if _split(socket_id)[1] and not self.is_owner(socket_id, user_id):
            raise Forbidden("this socket_id belongs to another connection")

    def _mac(self, worker: int, nonce: int, user_id: str | None) -> int:
        owner = "anonymous" if user_id is None else f"user {user_id}"
        digest = hmac.digest(self._key, f"{worker}.{nonce}:{owner}".encode(), "sha256")
        return int.from_bytes(digest[: _MAC_BITS // 8])


def _split(socket_id: str) -> tuple[int, int, int]:
    """Return worker, nonce (0 when the id is not one of ours) and MAC."""
    worker, connection = map(int, check_socket_id(socket_id).split("."))
    return worker, connection >> _MAC_BITS, connection & ((1 << _MAC_BITS) - 1)


class Tickets:
    """Expiring proof that the authorizers have just said yes to these channels for this user."""

    def __init__(self, secret: str, lifetime: float, clock: Callable[[], float]) -> None:
        self.lifetime = lifetime
        self._clock = clock
        self._serializer = URLSafeSerializer(secret, salt="nexora-rt ticket")

    def make(self, user_id: str | None, channels: Mapping[str, Any], since: Position) -> str:
        """``channels`` maps each granted name to its presence user_info or None.

        ``since``: the log's position before the authorizers ran.
        """
        expires = self._clock() + self.lifetime
        claims = {"u": user_id, "c": dict(channels), "e": expires, "p": list(since)}
        return str(self._serializer.dumps(claims))

    def read(self, ticket: str, user_id: str | None) -> tuple[dict[str, Any], Position]:
        """Return the granted channels, and since when.

        Raises `Forbidden`: not ours, not yours, or expired.
        """
        try:
            claims = self._serializer.loads(ticket)
        except BadSignature:
            raise Forbidden("the ticket is not valid: ask POST /realtime/auth for one") from None
        if claims["u"] != user_id:
            raise Forbidden("the ticket was made for somebody else: ask for your own")
        if claims["e"] < self._clock():
            raise Forbidden("the ticket has expired: ask POST /realtime/auth for a new one")
        return dict(claims["c"]), Position(*claims["p"])
