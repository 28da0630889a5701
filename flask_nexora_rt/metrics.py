"""Figures of all workers as Prometheus text. Needs the ``metrics`` extra (prometheus-client).

Each worker leaves its figures with its lease every two seconds; whoever is scraped shows those
of all, with the labels ``host`` and ``pid``. So no shared directory is needed, and a worker that
has died is gone within its lease. The cache's figures are sums over all processes that use it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from .cache.stats import COUNTERS as CACHE_COUNTERS
from .state import State

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_COUNTERS: Final = {
    "connections": "Streams opened.",
    "events": "Events read from the log, on each worker.",
    "deliveries": "Events times streams that were sent.",
    "bytes": "Bytes handed to streams.",
    "evictions": "Streams cut because their client did not read.",
    "replays": "Streams that resumed without loss.",
    "gaps": "Streams that were told of a gap.",
}
_GAUGES: Final = {
    "streams": "Streams that are open.",
    "subscriptions": "Channels held by open streams.",
    "lag": "Seconds between an event's append and its fan-out, for the newest batch.",
}


def render(state: State) -> bytes:
    """Return the exposition. Raises `BrokerUnavailable`, ImportError without the extra."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Workers(state.runtime.presence.workers()))
    registry.register(_Cache(state.cache.counters()))
    return bytes(generate_latest(registry))


class _Workers:
    """A prometheus-client collector over the figures that workers left."""

    def __init__(self, workers: Mapping[str, Mapping[str, Any]]) -> None:
        self._workers = workers

    def collect(self) -> Iterator[Any]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        for names, family in ((_COUNTERS, CounterMetricFamily), (_GAUGES, GaugeMetricFamily)):
            for name, help_text in names.items():
                metric = family(f"nexora_rt_{name}", help_text, labels=["host", "pid"])
                for figures in self._workers.values():
                    labels = [str(figures["host"]), str(figures["pid"])]
                    metric.add_metric(labels, figures[name])
                yield metric


class _Cache:
    """A prometheus-client collector over the cache's counters."""

    def __init__(self, counters: Mapping[str, int]) -> None:
        self._counters = counters

    def collect(self) -> Iterator[Any]:
        from prometheus_client.core import CounterMetricFamily

        for name, help_text in CACHE_COUNTERS.items():
            value = self._counters[name]
            yield CounterMetricFamily(f"nexora_rt_cache_{name}", help_text, value=value)
