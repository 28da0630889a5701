"""The figures the project began with: first event, idle latency, the cost of ``rt.trigger``."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..bench import OURS, Bench, progress
from ..comparison import Budget, Comparison, Series
from ..connecting_target import our_stream
from ..payload import payload
from ..server import Server
from .attempts import opener, why

Measured = tuple[Series, str]
EVENTS_PER_SECOND = 20.0


def run(bench: Bench) -> list[Comparison]:
    """Small measurements of ours alone; the budgets are absolute."""
    return [
        _figure(bench, "connect -> first event, one by one, p99", 200, _first_event),
        _figure(bench, "rt.trigger -> client, idle, one stream, p99", 50, _idle_latency),
        _figure(bench, "rt.trigger, p50", 2, _trigger),
    ]


def _figure(
    bench: Bench, work: str, limit: float, measure: Callable[[Bench], Measured]
) -> Comparison:
    progress(f"ours: {work}")
    budget = Budget(limit, unit="ms")
    try:
        series, detail = measure(bench)
    except Exception as error:  # noqa: BLE001 - a row that could not run says why
        progress(why(error))
        return Comparison("figures", work, "ms", budget, None, note=why(error))
    return Comparison("figures", work, "ms", budget, series, details={OURS: detail})


def _first_event(bench: Bench) -> Measured:
    with our_stream(bench) as target:
        target.loop(1, 0.5)  # warm
        runs = [target.loop(1, 1.0) for _ in range(bench.rounds(3))]
    middle = Series.of(run["p50"] / 1e3 for run in runs).median
    worst = max(run["max"] / 1e3 for run in runs)
    return Series.of(run["p99"] / 1e3 for run in runs), f"p50 {middle:.2f} ms, max {worst:.2f} ms"


def _idle_latency(bench: Bench) -> Measured:
    count = 20 if bench.quick else 60
    with opener(bench, "public-idle", 1)(OURS) as setup:
        setup.paced(5, EVENTS_PER_SECOND)  # warm
        runs = [setup.paced(count, EVENTS_PER_SECOND) for _ in range(bench.rounds(3))]
    middle = Series.of(run.p50_ms for run in runs).median
    worst = max(run.max_ms for run in runs)
    return Series.of(run.p99_ms for run in runs), f"p50 {middle:.2f} ms, max {worst:.2f} ms"


def _trigger(bench: Bench) -> Measured:
    with bench.serve(OURS) as server:
        runs = [_durations_ms(server, 1000) for _ in range(bench.rounds(3))]
    p99 = Series.of(run[990] for run in runs).median
    return Series.of(run[500] for run in runs), f"p99 {p99:.2f} ms of 1,000 calls"


def _durations_ms(server: Server, count: int) -> list[float]:
    """Sorted."""
    durations = []
    for seq in range(count):
        data, began = payload(seq), time.perf_counter()
        server.publish("public-trigger", data)
        durations.append((time.perf_counter() - began) * 1e3)
    return sorted(durations)
