"""flask-sse behind gunicorn; the publisher is the benchmark's own process."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import redis

from .gunicorn_server import GunicornServer
from .load import LoadFailed, Streams
from .payload import Payload
from .server import Server

EVENT = "tick"


class FlaskSSE(Server):
    """flask-sse from PyPI, one gevent worker, Redis pub/sub."""

    connect_rate = 400  # each stream makes a Redis connection of its own first
    answers_at_once = False

    def __init__(self, folder: Path, redis_url: str) -> None:
        from flask_sse import sse

        from .apps.flask_sse_peer import create_app

        self._sse = sse
        self._context = create_app(redis_url).app_context()
        self._redis = redis.Redis.from_url(redis_url)
        app = "benchmarks.apps.flask_sse_peer:create_app()"
        self._gunicorn = GunicornServer(app, folder, {"BENCH_REDIS_URL": redis_url})
        self.port, self.pid = self._gunicorn.port, self._gunicorn.pid
        self.headers = {}

    def stream_path(self, channel: str) -> str:
        """See :class:`Server`."""
        return f"/stream?channel={channel}"

    def publish(self, channel: str, data: Payload) -> None:
        """One ``sse.publish``."""
        self._receivers(channel, data)

    def publish_many(self, channel: str, events: Sequence[Payload]) -> None:
        """flask-sse has no batch."""
        for data in events:
            self.publish(channel, data)

    def settle(self, channel: str, streams: Streams, seconds: float) -> None:
        """Publish now and then until Redis counts every stream among the receivers."""
        deadline = time.monotonic() + seconds
        while not self._all_subscribed(channel, streams.count):
            if time.monotonic() > deadline:
                raise LoadFailed(f"flask-sse did not subscribe {streams.count} streams in time")
            time.sleep(0.5)
        streams.wait_ready(seconds)

    def _all_subscribed(self, channel: str, count: int) -> bool:
        # PUBSUB NUMSUB would do, but Valkey 9.1 answers nonsense for some counts above 500.
        connected: int = self._redis.info("clients")["connected_clients"]
        return connected >= count and self._receivers(channel, {"warm": True}) >= count

    def _receivers(self, channel: str, data: Payload) -> int:
        with self._context:
            return int(self._sse.publish(data, type=EVENT, channel=channel))

    def stop(self) -> None:
        """End gunicorn."""
        self._redis.close()
        self._gunicorn.stop()
