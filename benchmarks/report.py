"""The table on the terminal and benchmarks/RESULTS.md."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from .comparison import Comparison, Series

METHOD = Path(__file__).parent / "METHOD.md"
PROOF = (
    "A C server that only sends prebuilt frames (`sseload blast`) feeds it; the share of a core "
    "that generator and worker took in each run stands under every repeat below."
)
HEADINGS = ("row", "work", "unit", "ours", "peer", "", "ours / peer", "budget", "")
ALIGNMENT = ("---", "---", "---", "---:", "---", "---:", "---:", "---", "---")


def number(value: float) -> str:
    """Three significant digits, thousands with commas."""
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 1000 else f"{value:.3g}"


def _figure(series: Series | None) -> str:
    return number(series.median) if series else "-"


def _verdict(line: Comparison) -> str:
    return {True: "met", False: "**missed**", None: "not measured"}[line.met]


def _cells(line: Comparison) -> Sequence[str]:
    ratio = "-" if line.ratio is None else f"{line.ratio:.3g}"
    ours, peer = _figure(line.ours), _figure(line.peer)
    figures = (ours, line.peer_name or "-", peer, ratio, str(line.budget), _verdict(line))
    return (line.row, line.work, line.unit, *figures)


def table(lines: Sequence[Comparison]) -> str:
    """Markdown table of the comparisons."""
    rows = (HEADINGS, ALIGNMENT, *map(_cells, lines))
    return "\n".join("| " + " | ".join(cells) + " |" for cells in rows)


def notes(lines: Sequence[Comparison]) -> str:
    """Why something was not measured."""
    return "\n".join(f"- row {line.row}, {line.work}: {line.note}" for line in lines if line.note)


def _repeats(line: Comparison) -> str:
    text = [f"- row {line.row}, {line.work} ({line.unit})"]
    for name, series in (("ours", line.ours), (line.peer_name, line.peer)):
        if series:
            text.append(f"  - {name}: " + ", ".join(map(number, series.values)))
    text += [f"  - {name}, medians: {detail}" for name, detail in line.details.items()]
    return "\n".join(text)


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def document(
    lines: Sequence[Comparison], machine: dict[str, str], proof: Sequence[str], command: str
) -> str:
    """The whole of RESULTS.md."""
    moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    parts = [
        "# Benchmark results",
        f"Written by `{command}`; do not edit. Taken {moment}.",
        _bullets([f"{name}: {value}" for name, value in machine.items()]),
        "## Table",
        table(lines),
        notes(lines),
        "## The load generator is not the bottleneck",
        PROOF,
        _bullets(proof),
        "## How each number was taken",
        METHOD.read_text().strip(),
        "## Every repeat",
        "\n".join(map(_repeats, lines)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"
