"""A store that is away: the cache goes on without it."""

from __future__ import annotations

import logging
import time
from typing import Final

from .stats import Statistics

logger = logging.getLogger(__name__)

_PAUSE_SECONDS: Final = 1.0
# For who asks: a store that is stopped answers nothing until the driver's timeout.
_ASKING_SECONDS: Final = 10.0


class Outage:
    """Whether the store is away. Then one caller asks it, a second after the last: it may hang."""

    def __init__(
        self, name: str, passing: tuple[type[Exception], ...], statistics: Statistics
    ) -> None:
        self._name = name
        self._passing = passing
        self._statistics = statistics
        self.active = False
        self._ask_again = 0.0

    def blocks(self) -> bool:
        """Say whether to leave the store alone for the moment; who may ask is the only one."""
        if not self.active:
            return False
        now = time.monotonic()
        if now < self._ask_again:
            return True
        self._ask_again = now + _ASKING_SECONDS
        return False

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
