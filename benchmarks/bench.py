"""What a run has at hand: a folder for logs, a Redis, and servers that end with their block."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from .flask_sse_peer import FlaskSSE
from .load import Streams
from .nchan import Nchan
from .ours import Ours
from .redis_server import RedisServer
from .server import Server

OURS, NCHAN, FLASK_SSE = "ours", "Nchan", "flask-sse"


@dataclass(frozen=True)
class Bench:
    """One run of the suite."""

    folder: Path
    redis: RedisServer
    quick: bool

    @property
    def load_log(self) -> Path:
        """Where the generator complains."""
        return self.folder / "sseload.log"

    @contextmanager
    def serve(self, name: str) -> Iterator[Server]:
        """A fresh server, ended with the block."""
        server = self._start(name)
        try:
            yield server
        finally:
            server.stop()

    def _start(self, name: str) -> Server:
        if name == OURS:
            return Ours(self.folder, self.redis.url)
        if name == NCHAN:
            return Nchan(self.folder)
        return FlaskSSE(self.folder, self.redis.url)

    @contextmanager
    def streams(self, server: Server, channel: str, count: int) -> Iterator[Streams]:
        """``count`` streams of ``channel``, all subscribed."""
        path = server.stream_path(channel)
        options = {"rate": server.connect_rate, "inflight": 200 if server.answers_at_once else 0}
        with Streams(server.port, path, server.headers, count, self.load_log, **options) as streams:
            server.settle(channel, streams, seconds=60)
            yield streams

    def rounds(self, full: int) -> int:
        """How often to repeat: ``full`` times, once with --quick."""
        return 1 if self.quick else full


@contextmanager
def new_bench(quick: bool) -> Iterator[Bench]:
    """A bench whose processes and files are gone when the block ends."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        yield Bench(folder, stack.enter_context(RedisServer(folder)), quick)


def progress(text: str) -> None:
    """Tell the person who waits; the results themselves go to stdout."""
    print(f"... {text}", file=sys.stderr, flush=True)
