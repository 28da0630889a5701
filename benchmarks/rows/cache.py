"""The cache: a hit beside a raw Flask-Caching get, and how often a cold key's factory runs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

from .. import processes
from ..apps import cache as app_module
from ..bench import OURS, Bench, progress
from ..comparison import Budget, Comparison, Series
from .attempts import why

RAW = "Flask-Caching get"
VALUE = {"id": "user-1", "name": "Ada", "skills": ["python", "sql"], "trust": 87.5}
KEY = "user:profile:1"
PROCESSES = 4
TURNS = 10


def run(bench: Bench) -> list[Comparison]:
    """Hits on both stores, then the cold key."""
    redis, simple, once = Budget(1.3), Budget(3, unit="us"), Budget(1, unit="runs")
    lines = [
        ("cache hit, Redis", "us", redis, _redis_hits),
        ("cache hit, SimpleCache, above a raw get", "us", simple, _simple_hits),
        ("50 threads x 4 processes on one cold key, factory runs", "runs", once, _cold_key),
    ]
    return [line for work in lines for line in _attempt(bench, *work)]


Measured = list[tuple[str, Series, Series | None, str]]


def _attempt(
    bench: Bench, work: str, unit: str, budget: Budget, measure: Callable[[Bench], Measured]
) -> Iterator[Comparison]:
    progress(f"ours: {work}")
    try:
        for suffix, ours, peer, detail in measure(bench):
            name = RAW if peer else ""
            told = {OURS: detail}
            yield Comparison("cache", work + suffix, unit, budget, ours, name, peer, details=told)
    except Exception as error:  # noqa: BLE001 - a row that could not run says why
        progress(why(error))
        yield Comparison("cache", work, unit, budget, None, note=why(error))


def _redis_hits(bench: Bench) -> Measured:
    took = _hits(bench, "RedisCache", 500 if bench.quick else 2000, time.perf_counter)
    raw = Series.of(took.pop("raw"))
    return [(f", {name}", Series.of(us), raw, "") for name, us in took.items()]


def _simple_hits(bench: Bench) -> Measured:
    # All of it is this thread's own work: the CPU's clock leaves other processes out.
    took = _hits(bench, "SimpleCache", 5000 if bench.quick else 20_000, time.thread_time)
    raw = took.pop("raw")
    return [
        (
            f", {name}",
            Series.of(ours - theirs for ours, theirs in zip(us, raw, strict=True)),
            None,
            f"a hit {median(us):.2f} us, a raw get {median(raw):.2f} us",
        )
        for name, us in took.items()
    ]


def _hits(
    bench: Bench, kind: str, calls: int, clock: Callable[[], float]
) -> dict[str, list[float]]:
    """Microseconds per call; raw and ours take turns in one process, in blocks."""
    app = app_module.create_app(kind, bench.redis.url)
    raw, rt = app.extensions["raw"], app_module.rt
    with app.app_context():
        raw.set(KEY, VALUE, timeout=600)
        rt.cache.set(KEY, VALUE, 600)
        work: dict[str, Callable[[], Any]] = {
            "raw": lambda: raw.get(KEY),
            "get": lambda: rt.cache.get(KEY),
            "get_or_set": lambda: rt.cache.get_or_set(KEY, dict, 600),
        }
        for call in work.values():
            assert call() == VALUE
        took: dict[str, list[float]] = {name: [] for name in work}
        for _ in range(TURNS):
            for name, call in work.items():
                took[name].append(_block(call, calls, clock))
    return took


def _block(call: Callable[[], Any], calls: int, clock: Callable[[], float]) -> float:
    began = clock()
    for _ in range(calls):
        call()
    return (clock() - began) / calls * 1e6


def _cold_key(bench: Bench) -> Measured:
    told = [_ask_cold(bench, f"cold:{turn}") for turn in range(bench.rounds(5))]
    runs = Series.of(sum(one["runs"] for one in turn) for turn in told)
    asked = [sum(one["asked"] for one in turn) for turn in told]
    slowest = max(one["slowest_ms"] for turn in told for one in turn)
    detail = f"{min(asked)} callers got the value, the slowest after {slowest:.0f} ms"
    # The worst turn counts: once in most runs would not be once.
    return [("", Series.of([max(runs.values)]), None, f"{detail}; factory takes 300 ms")]


def _ask_cold(bench: Bench, key: str) -> list[dict[str, float]]:
    with _asking(bench, key) as started:
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in started:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        return [json.loads(process.stdout.readline()) for process in started if process.stdout]


@contextmanager
def _asking(bench: Bench, key: str) -> Iterator[list[subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "benchmarks.cold_key", bench.redis.url, key]
    log = bench.folder / "cold_key.log"
    started = [processes.start(command, log, piped=True) for _ in range(PROCESSES)]
    try:
        yield started
    finally:
        for process in started:
            processes.stop(process)
