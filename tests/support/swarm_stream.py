"""One stream of a swarm, over all its connections."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.support.event_stream import EventStreamParser, ServerSentEvent
from tests.support.http_response import HttpResponse
from tests.support.sse_client import StreamRequest


@dataclass(eq=False, slots=True)
class SwarmStream:
    """What a stream asked for and what it saw; only the swarm's thread writes to it.

    `state` is "closed", "connecting" or "open" (its head has come). `ends` counts the
    connections that the server ended, `cuts` those that we cut. `retries` are the reconnection
    times the server has asked for, in order; `retry_ms` is the last.
    """

    name: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)
    last_event_id: str = ""
    reconnects: bool = False
    state: str = "closed"
    events: list[ServerSentEvent] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    connects: int = 0
    ends: int = 0
    cuts: int = 0
    refusals: int = 0
    retries: list[int] = field(default_factory=list)
    connection: socket.socket | None = None
    response: HttpResponse = field(default_factory=HttpResponse)
    parser: EventStreamParser = field(default_factory=EventStreamParser)

    @property
    def retry_ms(self) -> int | None:
        """The reconnection time that holds now; None when the server never asked for one."""
        return self.retries[-1] if self.retries else None

    def named(self, *names: str) -> list[ServerSentEvent]:
        """The events with one of these names, in the order of arrival."""
        return [event for event in list(self.events) if event.name in names]

    def request(self) -> StreamRequest:
        """What the next connection asks for."""
        return StreamRequest(self.url, self.headers, self.cookies, self.last_event_id or None)
