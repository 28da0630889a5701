"""A stream that keeps what it is given, for tests of those who write to streams."""

from collections.abc import Mapping
from itertools import count
from typing import Any

from flask_nexora_rt.event_stream import EventStreamParser, ServerSentEvent
from flask_nexora_rt.events import Position
from flask_nexora_rt.hub import Hub
from flask_nexora_rt.sse import CODECS
from flask_nexora_rt.transport import Start, Stream, Subscription

_numbers = count(1)
NOWHERE = Start(Position(0, 0), [], Position(0, 0))


class Recorder(Stream):
    """Keeps every piece it is given; `late` are those that came when it had ended.

    `stubborn`: it does not end when it is told to finish.
    """

    __slots__ = ("ended", "farewell", "late", "pieces", "stubborn")

    def __init__(
        self,
        *channels: str,
        hub: Any = None,
        start: Start = NOWHERE,
        user_id: str | None = None,
        socket_id: str | None = None,
        codec: str = "named",
        infos: Mapping[str, str] | None = None,
        expires: float = float("inf"),
        stubborn: bool = False,
    ) -> None:
        socket = socket_id or f"1.{next(_numbers)}"
        subscription = Subscription(socket, user_id, channels, CODECS[codec], infos or {})
        super().__init__(hub, subscription, start, expires, 1 << 20)
        self.pieces: list[bytes] = []
        self.late: list[bytes] = []
        self.farewell: bytes | None = None
        self.ended = False
        self.stubborn = stubborn

    @classmethod
    def open(cls, hub: Hub, *channels: str, cursor: Position | None = None, **rest: Any) -> Any:
        """Join the hub as the endpoint does, be admitted, and read the replay to its end."""
        stream = cls(*channels, hub=hub, start=hub.join(cursor, channels).start, **rest)
        assert hub.admit(stream)
        return stream.catch_up()

    def catch_up(self) -> "Recorder":
        """Pull replay as a transport does, until the stream is live or has ended."""
        while (piece := self.source.catch_up(self)) is not None:
            self.push(piece)
        return self

    def push(self, data: bytes) -> None:
        (self.late if self.ended else self.pieces).append(data)

    def finish(self, data: bytes) -> None:
        self.push(data)
        self.farewell = data
        if not self.stubborn:
            self.abort()

    def abort(self) -> None:
        self.ended = True
        self.source.drop(self)

    @property
    def events(self) -> list[ServerSentEvent]:
        """What a browser has read so far."""
        return EventStreamParser().feed(b"".join(self.pieces))

    @property
    def numbers(self) -> list[Any]:
        """The payloads of the channels' events."""
        return [e.payload for e in self.events if not e.name.startswith(("nexora:", "pusher:"))]

    def named(self, name: str) -> list[ServerSentEvent]:
        return [event for event in self.events if event.name == name]

    @property
    def cursor(self) -> Position:
        """Where a browser would resume."""
        parser = EventStreamParser()
        parser.feed(b"".join(self.pieces))
        return Position.parse(parser.last_event_id) if parser.last_event_id else self.position

    @property
    def retry_ms(self) -> int | None:
        parser = EventStreamParser()
        parser.feed(b"".join(self.pieces))
        return parser.retry_ms
