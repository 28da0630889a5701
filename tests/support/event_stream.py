"""The package's own parser, under the name the other helpers use."""

from flask_nexora_rt.event_stream import EventStreamParser, ServerSentEvent

__all__ = ["EventStreamParser", "ServerSentEvent"]
