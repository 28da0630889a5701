"""How to make a value: what a caller of ``get_or_set`` has asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from ..errors import BadRequest
from .envelope import Lifetime, seconds

Errors = Literal["raise", "stale", "negative"]
_ERRORS: Final = ("raise", "stale", "negative")
_LONGEST_LOCK: Final = 3600


@dataclass(frozen=True, slots=True)
class Recipe:
    """A key, its factory, and what to do when things go wrong. Raises `BadRequest`.

    ``lock_timeout``, ``wait_timeout`` and ``negative_ttl`` are seconds.
    """

    key: str
    factory: Callable[[], Any]
    lifetime: Lifetime
    lock_timeout: float
    wait_timeout: float
    errors: Errors
    negative_ttl: float
    cache_if: Callable[[Any], bool] | None
    beta: float = 0

    def __post_init__(self) -> None:
        if not callable(self.factory):
            raise BadRequest(f"the factory of {self.key!r} cannot be called: pass a function")
        if self.errors not in _ERRORS:
            raise BadRequest(f"errors is one of {', '.join(_ERRORS)}, not {self.errors!r}")
        if not 0 < seconds("lock_timeout", self.lock_timeout) <= _LONGEST_LOCK:
            raise BadRequest(f"lock_timeout is more than 0 and at most {_LONGEST_LOCK} seconds")
        if not self.beta >= 0:
            raise BadRequest(f"beta is 0 or more, not {self.beta!r}")
        seconds("wait_timeout", self.wait_timeout)
        seconds("negative_ttl", self.negative_ttl)

    def wants(self, value: Any) -> bool:
        """Say whether the value is to be kept."""
        return self.cache_if is None or self.cache_if(value)
