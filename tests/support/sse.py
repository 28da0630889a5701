"""Everything a test needs to read event streams, in one import."""

from tests.support.event_stream import EventStreamParser, ServerSentEvent
from tests.support.http_response import HttpResponse
from tests.support.sse_client import SseClient, StreamRequest
from tests.support.swarm import StreamSwarm
from tests.support.swarm_stream import SwarmStream

__all__ = [
    "EventStreamParser",
    "HttpResponse",
    "ServerSentEvent",
    "SseClient",
    "StreamRequest",
    "StreamSwarm",
    "SwarmStream",
]
