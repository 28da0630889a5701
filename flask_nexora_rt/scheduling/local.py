"""Warm-ups of a cache that belongs to one process: run in each, by its own clock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from ..cache.warmup import WarmUp


class LocalWarmUps:
    """Runs what is due in threads of their own; one at a time of each.

    ``run`` runs one by name. A shared cache is warmed by jobs, once for all processes.
    """

    def __init__(
        self, declared: Mapping[str, WarmUp], run: Callable[[str], Any], clock: Callable[[], float]
    ) -> None:
        self._declared = declared
        self._run = run
        self._clock = clock
        self._due: dict[str, float] = {}
        self._running: dict[str, threading.Thread] = {}

    def tick(self) -> None:
        """Begin what is due; the first tick begins all."""
        now = self._clock()
        for name, warm_up in self._declared.items():
            if warm_up.every is None or now < self._due.get(name, 0) or self._is_running(name):
                continue
            self._due[name] = now + warm_up.every
            thread = threading.Thread(target=self._run, args=(name,), name=f"warm-up-{name}")
            thread.daemon = True
            self._running[name] = thread
            thread.start()

    def _is_running(self, name: str) -> bool:
        thread = self._running.get(name)
        return thread is not None and thread.is_alive()
