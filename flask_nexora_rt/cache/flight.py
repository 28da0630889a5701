"""One making of a value at a time in a process; who comes meanwhile waits for it."""

from __future__ import annotations

import threading
from enum import Enum, auto
from typing import Any


class Ending(Enum):
    """How a flight ended."""

    LANDED = auto()  # with a value for everybody
    FAILED = auto()  # with an error for everybody
    ABANDONED = auto()  # with nothing: who waits has to try for itself


class Flight:
    """One making of one value, led by the thread that began it."""

    def __init__(self) -> None:
        self._leader = threading.get_ident()
        self._over = threading.Event()
        self.ending = Ending.ABANDONED
        self.value: Any = None
        self.error: Exception | None = None

    def is_mine(self) -> bool:
        """Say whether the current thread leads it: a factory has asked for its own key."""
        return self._leader == threading.get_ident()

    def wait(self, seconds: float) -> bool:
        """Wait until it is over; False when it is not after so many seconds."""
        return self._over.wait(max(0.0, seconds))

    def land(self, value: Any) -> None:
        self.value, self.ending = value, Ending.LANDED

    def fail(self, error: Exception) -> None:
        self.error, self.ending = error, Ending.FAILED

    def end(self) -> None:
        self._over.set()


class Flights:
    """The flights of one process, by key. ``_lock`` guards ``_flying``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flying: dict[str, Flight] = {}

    def join(self, key: str) -> tuple[Flight, bool]:
        """Return the flight of a key, and whether the caller has begun it and has to end it."""
        with self._lock:
            found = self._flying.get(key)
            if found is not None:
                return found, False
            made = self._flying[key] = Flight()
            return made, True

    def end(self, key: str, flight: Flight) -> None:
        """Take the flight off the list and let everybody go on who waits for it."""
        with self._lock:
            del self._flying[key]
        flight.end()
