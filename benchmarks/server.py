"""What every server under test offers to the rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from .load import Streams
from .payload import Payload


class Server(ABC):
    """A running server whose event streams can be opened and published to."""

    port: int
    pid: int  # the one worker process whose CPU and memory are measured
    headers: dict[str, str]
    connect_rate: int  # streams opened per second; below what makes its accept queue overflow
    answers_at_once = True  # False: a stream gets no byte, not even a head, before the first event

    @abstractmethod
    def stream_path(self, channel: str) -> str:
        """Path and query of the stream of ``channel``."""

    @abstractmethod
    def publish(self, channel: str, data: Payload) -> None:
        """Publish one event; returns when the server has taken it."""

    @abstractmethod
    def publish_many(self, channel: str, events: Sequence[Payload]) -> None:
        """Publish as fast as this server allows; returns when it has taken all."""

    def settle(self, channel: str, streams: Streams, seconds: float) -> None:
        """Return when every stream of ``channel`` is subscribed and has had body bytes."""
        streams.wait_ready(seconds)

    @abstractmethod
    def stop(self) -> None:
        """End the server."""
