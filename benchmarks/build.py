"""Compiles the load generator."""

from __future__ import annotations

import subprocess
from pathlib import Path

HERE = Path(__file__).parent
SOURCE = HERE / "sseload.c"
BINARY = HERE / "build" / "sseload"


def build() -> Path:
    """``cc -O2`` into ``benchmarks/build/`` when the source is newer than the program."""
    BINARY.parent.mkdir(exist_ok=True)
    if not BINARY.exists() or BINARY.stat().st_mtime < SOURCE.stat().st_mtime:
        subprocess.run(
            ["cc", "-O2", "-Wall", "-Wextra", "-o", str(BINARY), str(SOURCE)], check=True
        )
    return BINARY
