"""How often somebody may do something, counted for all workers together."""

from __future__ import annotations

from typing import Any, Final

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from .errors import BrokerUnavailable, TooManyRequests
from .redis_client import key_prefix

CLIENT_EVENTS: Final = RateLimitItemPerSecond(10, 1, namespace="client-events")
TYPING_STARTS: Final = RateLimitItemPerSecond(1, 3, namespace="typing")


class Limiter:
    """Moving windows in memory, or in the Redis of the log."""

    def __init__(self, url: str, app_id: str) -> None:
        self._limits = MovingWindowRateLimiter(_storage(url, app_id))

    def hit(self, item: RateLimitItem, *who: str) -> bool:
        """Count one; False when it is one too many. Raises `BrokerUnavailable`."""
        try:
            return self._limits.hit(item, *who)
        except StorageError as error:
            raise BrokerUnavailable("the rate limits cannot be counted: try again") from error

    def require(self, item: RateLimitItem, *who: str) -> None:
        """Count one, or raise `TooManyRequests`."""
        if not self.hit(item, *who):
            raise TooManyRequests(f"the limit is {item}: wait a second", item.get_expiry())

    def forget(self, item: RateLimitItem, *who: str) -> None:
        """Start the window of one caller anew."""
        try:
            self._limits.clear(item, *who)
        except StorageError as error:
            raise BrokerUnavailable("the rate limits cannot be counted: try again") from error


def _storage(url: str, app_id: str) -> Any:
    """Make the storage for a ``NEXORA_RT_URL``; `limits` spells some of them otherwise."""
    if url.startswith("memory:"):
        return storage_from_string("memory://", wrap_exceptions=True)
    for ours, theirs in (("unix:", "redis+unix:"), ("sentinel:", "redis+sentinel:")):
        if url.startswith(ours):
            url = theirs + url.removeprefix(ours)
    prefix = f"{key_prefix(app_id)}limits"
    return storage_from_string(url, wrap_exceptions=True, key_prefix=prefix)
