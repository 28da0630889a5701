"""Functions of the host that fill the cache before anybody asks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import BadRequest

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class WarmUp:
    """A function, and how often it is to run, in seconds; None: only when it is asked for."""

    function: Callable[[], Any]
    every: float | None


def run_warm_ups(
    declared: Mapping[str, WarmUp], names: Sequence[str] | None
) -> list[dict[str, Any]]:
    """Run them in order and return ``[{"name", "seconds", "error"}, ...]``; ``error`` None: done.

    One that raises is logged and the others run. Raises `BadRequest` for a name nobody declared.
    """
    chosen = list(declared) if names is None else list(names)
    if unknown := [name for name in chosen if name not in declared]:
        known = ", ".join(sorted(declared)) or "none"
        raise BadRequest(f"no warm-up is named {', '.join(unknown)}; declared: {known}")
    return [_run(name, declared[name]) for name in chosen]


def _run(name: str, warm_up: WarmUp) -> dict[str, Any]:
    began, failed = time.monotonic(), None
    try:
        warm_up.function()
    except Exception as error:
        logger.exception("the cache warm-up %s has failed", name)
        failed = f"{type(error).__name__}: {error}"
    return {"name": name, "seconds": round(time.monotonic() - began, 3), "error": failed}
