"""``python -m benchmarks [--quick] [--only ROW] [--out FILE]``."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

from . import machine, report
from .bench import Bench, new_bench, progress
from .build import build
from .comparison import Comparison
from .generator_proof import highest, prove
from .rows import (
    burst,
    cache,
    connecting,
    crowd,
    figures,
    jobs,
    notifying,
    painting,
    presence,
    seeding,
    sending,
    steady,
)

ROWS = ("1", "2", "3", "4", "5", "6", "7", "8", "cache", "jobs", "painting", "demo", "figures")
GROUPS = {
    steady: {"1", "4"},
    burst: {"2"},
    crowd: {"1", "3"},
    connecting: {"5"},
    presence: {"6"},
    sending: {"7"},
    notifying: {"8"},
    cache: {"cache"},
    jobs: {"jobs"},
    painting: {"painting"},
    seeding: {"demo"},
    figures: {"figures"},
}
RESULTS = Path(__file__).parent / "RESULTS.md"


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser("python -m benchmarks", description="Side-by-side benchmarks.")
    parser.add_argument("--quick", action="store_true", help="one repeat, smaller runs")
    rows = f"{', '.join(ROWS)}; may be repeated"
    parser.add_argument("--only", choices=ROWS, action="append", metavar="ROW", help=rows)
    out = f"the report; without it a whole run writes {RESULTS.name}, --quick and --only nothing"
    parser.add_argument("--out", type=Path, metavar="FILE", help=out)
    return parser.parse_args()


def measure(bench: Bench, wanted: set[str]) -> list[Comparison]:
    """All groups that hold a wanted row."""
    groups = [group for group, rows in GROUPS.items() if wanted & rows]
    lines = [line for group in groups for line in group.run(bench) if line.row in wanted]
    return sorted(lines, key=lambda line: ROWS.index(line.row))


def main() -> int:
    """Run, print, write; 1 when a budget is missed or a row could not run."""
    options, began = parse(), time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends the servers on the way out
    build()
    about, others = machine.describe(), machine.Others()
    with new_bench(options.quick) as bench:
        proof = prove(bench)
        lines = measure(bench, set(options.only or ROWS))
    about["CPU used by other processes during the run"] = str(others)
    proof += highest(lines)
    progress(f"{time.monotonic() - began:.0f} s")
    command = " ".join(["python -m benchmarks", *sys.argv[1:]])
    write(options, report.document(lines, about, proof, command))
    print(report.table(lines), report.notes(lines), *proof, f"others: {others}", sep="\n")
    return 0 if all(line.met for line in lines) else 1


def write(options: argparse.Namespace, text: str) -> None:
    """RESULTS.md holds whole runs only."""
    out = options.out or (None if options.quick or options.only else RESULTS)
    if out:
        out.write_text(text)


if __name__ == "__main__":
    sys.exit(main())
