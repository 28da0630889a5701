"""One measured run: publish, let every stream receive everything, read the clocks."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass
from typing import NamedTuple

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
    worker_share: float  # of one core, CPU of the server's worker: near 1 it is the bottleneck
    publish_s: float  # how long the publishing itself took
    generator_share: float  # of one core, CPU of the load generator
    others_share: float  # of one core, CPU of processes that are no part of the run
    joined: float  # deliveries per read() of the generator: above 1 when frames came together


class Clocks(NamedTuple):
    """CPU seconds so far."""

    server: float
    redis: float
    publisher: float
    machine: float

    def since(self, before: Clocks) -> Clocks:
        """What was spent in between."""
        return Clocks(*(now - then for now, then in zip(self, before, strict=True)))


class Meter:
    """Reads the CPU clocks now and in :meth:`finish`."""

    def __init__(self, bench: Bench, server: Server, streams: Streams) -> None:
        self._pids = (server.pid, bench.redis.pid)
        self._streams = streams
        self._before = self._clocks()
        self._began = time.monotonic_ns()

    def _clocks(self) -> Clocks:
        server, redis = map(processes.cpu_seconds, self._pids)
        return Clocks(server, redis, time.process_time(), processes.busy_seconds())

    def finish(self, seconds: float) -> Run:
        """Wait up to ``seconds`` for the last delivery and work out the figures."""
        published = time.monotonic_ns()
        stats = self._streams.finish(seconds)
        return self._figures(stats, self._clocks().since(self._before), published)

    def _figures(self, stats: Stats, spent: Clocks, published: int) -> Run:
        count: int = stats["delivered"]
        seconds = (stats["last_ns"] - self._began) / 1e9
        own = spent.server + spent.redis + spent.publisher + stats["cpu_s"]
        return Run(
            deliveries=count,
            server_us=spent.server / count * 1e6,
            redis_us=spent.redis / count * 1e6,
            per_second=count / seconds,
            p50_ms=stats["p50"] / 1e3,
            p99_ms=stats["p99"] / 1e3,
            max_ms=stats["max"] / 1e3,
            worker_share=spent.server / seconds,
            publish_s=(published - self._began) / 1e9,
            generator_share=stats["cpu_s"] / stats["wall_s"],
            others_share=max(0.0, spent.machine - own) / seconds,
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
