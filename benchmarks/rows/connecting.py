"""Row 5: how fast streams open, against a bare Flask view behind the same gunicorn."""

from __future__ import annotations

from ..bench import OURS, Bench, progress
from ..comparison import Budget, Comparison, Series
from ..connecting_target import Target, bare_view, our_stream
from ..load import Stats
from .attempts import why

CONCURRENCY = 32
BARE = "bare Flask view"
WORK = f"connecting: opened, first block received, closed; {CONCURRENCY} at a time"
BUDGET = Budget(0.5, at_least=True)


def run(bench: Bench) -> list[Comparison]:
    """Interleaved repeats; new TCP connection per request on both sides."""
    try:
        with our_stream(bench) as ours, bare_view(bench) as bare:
            found = _measure(bench, {OURS: ours, BARE: bare})
    except Exception as error:  # noqa: BLE001 - a row that could not run says why
        progress(why(error))
        return [Comparison("5", WORK, "per second", BUDGET, None, BARE, None, why(error))]
    rates = {name: Series.of(map(_rate, runs)) for name, runs in found.items()}
    details = {name: _detail(runs) for name, runs in found.items()}
    ours_rate, bare_rate = rates[OURS], rates[BARE]
    return [Comparison("5", WORK, "per second", BUDGET, ours_rate, BARE, bare_rate, "", details)]


def _measure(bench: Bench, targets: dict[str, Target]) -> dict[str, list[Stats]]:
    found: dict[str, list[Stats]] = {name: [] for name in targets}
    for target in targets.values():
        target.loop(CONCURRENCY, 0.5)  # warm
    for turn in range(bench.rounds(5)):
        for name, target in list(targets.items())[:: -1 if turn % 2 else 1]:
            progress(f"{name}: connecting")
            found[name].append(target.loop(CONCURRENCY, 2 if bench.quick else 4))
    return found


def _rate(stats: Stats) -> float:
    return float(stats["finished"] / stats["wall_s"])


def _detail(runs: list[Stats]) -> str:
    p50, p99 = (Series.of(run[name] / 1e3 for run in runs).median for name in ("p50", "p99"))
    share = Series.of(run["cpu_s"] / run["wall_s"] for run in runs).median
    return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, generator {share:.0%} of a core"
