"""What RESULTS.md says about the load generator."""

from __future__ import annotations

from collections.abc import Sequence

from . import generator
from .bench import Bench, progress
from .comparison import Comparison
from .report import number

# Streams, frames per send, frames: as in the steady rows, and as our bursts arrive.
LOADS = ((1000, 1, 200), (1000, 500, 5000), (100, 500, 50000))


def prove(bench: Bench) -> list[str]:
    """That it counts right, and what it can take."""
    return [f"self-check: {generator.check(bench)}", *(_ceiling(bench, *load) for load in LOADS)]


def _ceiling(bench: Bench, streams: int, join: int, frames: int) -> str:
    progress(f"generator ceiling: {streams} streams, {join} frames per send")
    found = generator.ceiling(bench, streams, join, frames)
    alone = f"; kernel alone: {found.server_us:.2f} us per delivery" if join == 1 else ""
    full_core = found.per_second / found.generator_share
    alone = f"; kernel alone: {found.server_us:.2f} us per delivery" if join == 1 else ""
    return (
        f"{streams:,} streams, {join} frames per send: {number(found.per_second)} deliveries/s "
        f"checked with {found.generator_share:.0%} of a core, so {number(full_core)}/s per core"
        f"{alone}"
    )


def highest(lines: Sequence[Comparison]) -> list[str]:
    """Our highest rate, to set beside the ceiling."""
    rates = {line.work: max(line.ours.values) for line in lines if line.row == "2" and line.ours}
    return [f"ours at its highest, {work}: {number(rate)}/s" for work, rate in rates.items()]
