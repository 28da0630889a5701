"""A store that is away: the cache goes on without it."""

from __future__ import annotations

import logging
import time
from typing import Final

from .stats import Statistics

logger = logging.getLogger(__name__)

_PAUSE_SECONDS: Final = 1.0


class Outage:
    """Whether the store is away. Then it is asked once a second only: asking may take long."""

    def __init__(
        self, name: str, passing: tuple[type[Exception], ...], statistics: Statistics
    ) -> None:
        self._name = name
        self._passing = passing
        self._statistics = statistics
        self.active = False
        self._ask_again = 0.0

    def blocks(self) -> bool:
        """Say whether to leave the store alone for the moment."""
        return self.active and time.monotonic() < self._ask_again

    def failed(self, what: str, error: Exception) -> None:
        """An operation has failed. An outage is logged once, a fault of one entry each time."""
        self._statistics.count("store_errors")
        if not isinstance(error, self._passing):
            logger.warning("%s has failed, the cache goes on without: %r", what, error)
            return
        self._ask_again = time.monotonic() + _PAUSE_SECONDS
        if not self.active:
            self.active = True
            logger.warning("the cache's %s is away, it goes on without: %r", self._name, error)

    def succeeded(self) -> None:
        if self.active:
            self.active = False
            logger.info("the cache's %s is back", self._name)
