"""How often somebody may do something, counted for all workers together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from .errors import BrokerUnavailable, TooManyRequests
from .settings import key_prefix


class Rate(NamedTuple):
    """``amount`` times in any ``seconds``."""

    name: str
    amount: int
    seconds: int


CLIENT_EVENTS: Final = Rate("client-events", 10, 1)
TYPING_STARTS: Final = Rate("typing", 1, 3)
TYPING_LEASE: Final = Rate("typing-lease", 1, 6)


class Limiter:
    """Moving windows in memory, or in the Redis of the log."""

    def __init__(self, url: str, app_id: str, timeout: float = 1.0) -> None:
        """``timeout``: seconds after which Redis counts as away; what it limits goes on then."""
        # Here and not above: it brings the Redis driver, which must not be imported before
        # gunicorn's gevent worker has patched the standard library.
        from limits import strategies

        self._limits = strategies.MovingWindowRateLimiter(_storage(url, app_id, timeout))

    def hit(self, rate: Rate, *who: str) -> bool:
        """Count one; False when it is one too many. Raises `BrokerUnavailable`."""
        with _mapped_errors():
            return self._limits.hit(_item(rate), *who)

    def spent(self, rate: Rate, *who: str) -> bool:
        """Say whether one more would be one too many; counts nothing."""
        with _mapped_errors():
            return not self._limits.test(_item(rate), *who)

    def require(self, rate: Rate, *who: str) -> None:
        """Count one, or raise `TooManyRequests`."""
        if not self.hit(rate, *who):
            raise TooManyRequests(
                f"the limit is {rate.amount} in {rate.seconds} s: wait", rate.seconds
            )

    def forget(self, rate: Rate, *who: str) -> None:
        """Start the window of one caller anew."""
        with _mapped_errors():
            self._limits.clear(_item(rate), *who)


def _item(rate: Rate) -> Any:
    from limits import RateLimitItemPerSecond

    return RateLimitItemPerSecond(rate.amount, rate.seconds, namespace=rate.name)


@contextmanager
def _mapped_errors() -> Iterator[None]:
    from limits.errors import StorageError

    try:
        yield
    except StorageError as error:
        raise BrokerUnavailable("the rate limits cannot be counted: try again") from error


def _storage(url: str, app_id: str, timeout: float) -> Any:
    """Make the storage for a ``NEXORA_RT_URL``; `limits` spells some of them otherwise."""
    from limits.storage import storage_from_string
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    if url.startswith("memory:"):
        return storage_from_string("memory://", wrap_exceptions=True)
    for ours, theirs in (("unix:", "redis+unix:"), ("sentinel:", "redis+sentinel:")):
        if url.startswith(ours):
            url = theirs + url.removeprefix(ours)
    prefix = f"{key_prefix(app_id)}limits"
    options: dict[str, Any] = {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": Retry(NoBackoff(), 0),
    }
    return storage_from_string(url, wrap_exceptions=True, key_prefix=prefix, **options)
