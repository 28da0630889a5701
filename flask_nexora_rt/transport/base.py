"""What the hub needs of a stream, whatever carries its bytes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol

from ..events import Entry, Position
from ..sse import Codec


class Source(Protocol):
    """Where a stream gets its bytes from: the hub."""

    def catch_up(self, stream: Stream) -> bytes | None:
        """Return the next piece of the stream's replay; None once it is live (or has ended)."""

    def drop(self, stream: Stream, evicted: bool = False) -> None:
        """Forget a stream that has ended. Idempotent. ``evicted``: its client did not read."""


class Start(NamedTuple):
    """Where a stream begins, and what it is shown again before it is live.

    ``until``: the position up to which ``backlog`` has everything there was.
    """

    position: Position
    backlog: list[Entry]
    until: Position


class Subscription(NamedTuple):
    """What a stream is about: whose it is, what it holds, how it reads."""

    socket_id: str
    user_id: str | None
    channels: tuple[str, ...]
    codec: Codec
    # What presence channels show of the user: JSON text by channel.
    infos: Mapping[str, str] = MappingProxyType({})


class Stream(ABC):
    """One open connection to one client.

    First it catches up: its transport pulls chunks of replay from the hub as fast as the client
    reads. Then it is live: the hub pushes. ``position`` is the last position handed to the
    transport while it catches up; a live stream has everything up to the hub's position.
    The hub's lock guards ``live``, ``ending``, ``position``, ``backlog``, ``until``, ``slot``,
    ``channels`` and ``infos``.
    """

    __slots__ = (
        "backlog", "buffer_bytes", "channels", "codec", "ending", "expires", "infos", "live",
        "position", "slot", "socket_id", "source", "until", "user_id",
    )  # fmt: skip

    def __init__(
        self,
        source: Source,
        subscription: Subscription,
        start: Start,
        expires: float,
        buffer_bytes: int,
    ) -> None:
        self.source = source
        self.socket_id, self.user_id, self.channels, self.codec, self.infos = subscription
        self.position, self.backlog, self.until = start
        self.expires = expires
        self.buffer_bytes = buffer_bytes
        self.live = False
        self.ending = False
        self.slot = 0

    @abstractmethod
    def push(self, data: bytes) -> None:
        """Take whole blocks to send. Never blocks and never raises.

        A client that is more than ``buffer_bytes`` behind is cut: it resumes from the
        last block it has read.
        """

    @abstractmethod
    def finish(self, data: bytes) -> None:
        """Send the last blocks, then end the response cleanly."""

    @abstractmethod
    def abort(self) -> None:
        """End at once; what the client has not read yet may be lost to it until it resumes."""
