"""One way to talk to Redis or Valkey: the URL, its errors, retries and Lua scripts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import redis
from redis import exceptions
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError, Sentinel

from .dice import dice
from .errors import BrokerUnavailable

T = TypeVar("T")

_CONNECTIONS = 64
# What a restart, a fail-over or a broken link looks like: it passes.
_PASSING = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.BusyLoadingError,
    exceptions.ReadOnlyError,
    MasterNotFoundError,
)


def connect(url: str, timeout: float, connections: int = _CONNECTIONS) -> redis.Redis:
    """Return a client for any supported URL; ``timeout`` (seconds) bounds every reply.

    ``sentinel://[user:password@]host:port[,host:port]/service[/db]`` asks Sentinels for the
    master. The client does not retry by itself: appends are retried with their publish ids.
    """
    options: dict[str, Any] = {
        "socket_timeout": timeout,
        "socket_connect_timeout": min(timeout, 5),
        "socket_keepalive": True,
        "health_check_interval": 0,
        "retry": Retry(NoBackoff(), 0),
        "max_connections": connections,
        # Replies stay lists, as the parsers here expect, whichever server answers.
        "protocol": 2,
    }
    if url.startswith("sentinel:"):
        return _connect_sentinel(url, options)
    if url.startswith("unix:"):
        del options["socket_keepalive"]
    pool = redis.BlockingConnectionPool.from_url(url, timeout=timeout, **options)
    return redis.Redis(connection_pool=pool)


def _connect_sentinel(url: str, options: dict[str, Any]) -> redis.Redis:
    parts = urlsplit(url)
    hosts = parts.netloc.rpartition("@")[2].split(",")
    nodes = [(host, int(port or 26379)) for host, _, port in (h.partition(":") for h in hosts)]
    service, _, db = parts.path.strip("/").partition("/")
    login = {
        "username": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
    }
    make: Any = Sentinel  # redis-py leaves it untyped
    sentinel = make(nodes, sentinel_kwargs={"socket_timeout": 2}, **options, **login)
    client: redis.Redis = sentinel.master_for(service, db=int(db or 0))
    return client


@contextmanager
def mapped_errors() -> Iterator[None]:
    """Translate driver errors in one place: what passes is retryable, the rest is ours."""
    try:
        yield
    except exceptions.AuthenticationError as error:
        raise BrokerUnavailable(f"Redis refuses the login of NEXORA_RT_URL: {error}") from error
    except exceptions.RedisError as error:
        raise BrokerUnavailable(
            f"Redis at NEXORA_RT_URL does not answer as it should ({error}): "
            "nothing is lost by trying again"
        ) from error


@cache
def _source(package: str, name: str) -> str:
    folder = files(package) / "lua"
    common = (folder / "common.lua").read_text()
    return common + (folder / f"{name}.lua").read_text()


class RedisClient:
    """A pool of connections, and calls that are repeated for up to ``timeout`` seconds.

    What is called has to bear repetition: a lost reply does not tell whether it ran.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self.url = url
        self.redis = connect(url, timeout)
        self._timeout = timeout
        self._scripts: dict[tuple[str, str], Script] = {}

    def run(self, package: str, script: str, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """Run ``lua/<script>.lua`` of a package, after its ``lua/common.lua``."""
        found = self._scripts.get((package, script))
        if found is None:
            found = Script(self.redis, _source(package, script))
            self._scripts[package, script] = found
        lua = found
        return self.retrying(lambda: lua(keys=keys, args=args))

    def retrying(self, call: Callable[[], T]) -> T:
        """Repeat a call that may be repeated until it succeeds or the time is over."""
        deadline = time.monotonic() + self._timeout
        pause = 0.02
        with mapped_errors():
            while True:
                try:
                    return call()
                except exceptions.AuthenticationError:
                    raise
                except _PASSING:
                    if time.monotonic() + pause > deadline:
                        raise
                time.sleep(pause * dice.uniform(0.5, 1.5))  # jitter
                pause = min(pause * 2, 0.5)

    def close(self) -> None:
        self.redis.close()
