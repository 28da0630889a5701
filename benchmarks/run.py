"""One measured run: publish, let every stream receive everything, read the clocks."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass

from . import processes
from .bench import Bench
from .load import Stats, Streams
from .payload import payload
from .server import Server

SEQ_STEP = 1_000_000  # more than any run publishes
_first_seqs = itertools.count(SEQ_STEP, SEQ_STEP)  # an old event cannot pass for one of this run


@dataclass(frozen=True)
class Run:
    """Figures of one run on one server; every stream got every event, once and in order."""

    deliveries: int
    server_us: float  # CPU of the server's worker per delivery
    redis_us: float  # CPU of Redis per delivery
    per_second: float  # deliveries per second, from the first publish to the last delivery
    p50_ms: float
    p99_ms: float
    max_ms: float
    publish_s: float  # how long the publishing itself took
    generator_share: float  # of one core, CPU of the load generator
    joined: float  # deliveries per read() of the generator: above 1 when frames came together


class Meter:
    """Reads the CPU clocks now and in :meth:`finish`."""

    def __init__(self, bench: Bench, server: Server, streams: Streams) -> None:
        self._pids = (server.pid, bench.redis.pid)
        self._streams = streams
        self._before = self._clocks()
        self._began = time.monotonic_ns()

    def _clocks(self) -> list[float]:
        return [processes.cpu_seconds(pid) for pid in self._pids]

    def finish(self, seconds: float) -> Run:
        """Wait up to ``seconds`` for the last delivery and work out the figures."""
        published = time.monotonic_ns()
        stats = self._streams.finish(seconds)
        spent = [now - before for now, before in zip(self._clocks(), self._before, strict=True)]
        return self._figures(stats, spent, published)

    def _figures(self, stats: Stats, spent: list[float], published: int) -> Run:
        count: int = stats["delivered"]
        return Run(
            deliveries=count,
            server_us=spent[0] / count * 1e6,
            redis_us=spent[1] / count * 1e6,
            per_second=count / (stats["last_ns"] - self._began) * 1e9,
            p50_ms=stats["p50"] / 1e3,
            p99_ms=stats["p99"] / 1e3,
            max_ms=stats["max"] / 1e3,
            publish_s=(published - self._began) / 1e9,
            generator_share=stats["cpu_s"] / stats["wall_s"],
            joined=count / stats["reads"],
        )


@dataclass(frozen=True)
class Setup:
    """A server with its open streams."""

    bench: Bench
    server: Server
    streams: Streams
    channel: str

    def paced(self, count: int, rate: float) -> Run:
        """Publish ``count`` events, ``rate`` per second, one by one."""
        first, meter = self._begin(count)
        began = time.monotonic()
        for index in range(count):
            time.sleep(max(0.0, began + index / rate - time.monotonic()))
            self.server.publish(self.channel, payload(first + index))
        return meter.finish(60)

    def burst(self, count: int) -> Run:
        """Publish ``count`` events as fast as the server allows."""
        first, meter = self._begin(count)
        self.server.publish_many(self.channel, [payload(first + index) for index in range(count)])
        return meter.finish(60)

    def _begin(self, count: int) -> tuple[int, Meter]:
        first = next(_first_seqs)
        self.streams.expect(first, count)
        return first, Meter(self.bench, self.server, self.streams)
