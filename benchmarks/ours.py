"""flask-nexora-rt behind gunicorn; the publisher is the benchmark's own process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .gunicorn_server import GunicornServer
from .payload import Payload
from .server import Server

EVENT = "tick"


def serve(folder: Path, redis_url: str) -> GunicornServer:
    """Only the web side: one gevent worker, log in Redis."""
    app, config = "benchmarks.apps.ours:create_app()", "python:flask_nexora_rt.gunicorn"
    return GunicornServer(app, folder, {"BENCH_REDIS_URL": redis_url}, config)


class Ours(Server):
    """The web side, and an app of the same kind in this process that publishes."""

    connect_rate = 1500

    def __init__(self, folder: Path, redis_url: str) -> None:
        # Late: without the package the other servers can still be measured.
        from .apps import ours as app_module

        self._rt = app_module.rt
        self._context = app_module.create_app(redis_url).app_context()
        self._gunicorn = serve(folder, redis_url)
        self.port, self.pid = self._gunicorn.port, self._gunicorn.pid
        self.headers = {}

    def stream_path(self, channel: str) -> str:
        """See :class:`Server`."""
        return f"/api/realtime/stream?channels={channel}"

    def publish(self, channel: str, data: Payload) -> None:
        """One ``rt.trigger``."""
        with self._context:
            self._rt.trigger(channel, EVENT, data)

    def publish_many(self, channel: str, events: Sequence[Payload]) -> None:
        """One ``rt.trigger_batch``."""
        with self._context:
            self._rt.trigger_batch(
                [{"channel": channel, "name": EVENT, "data": data} for data in events]
            )

    def stop(self) -> None:
        """End gunicorn."""
        self._gunicorn.stop()
