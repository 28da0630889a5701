"""The store, the locks and the totals in Redis or Valkey."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator, Mapping
from functools import cache, partial
from importlib.resources import files
from typing import Any, Final
from uuid import uuid4

from redis import Redis
from redis.commands.core import Script
from redis.exceptions import RedisError

from .backends import BackendStore
from .base import Backend, Look, Release
from .envelope import IN_FLIGHT_SECONDS, Envelope, unpack

logger = logging.getLogger(__name__)

_GLOB: Final = re.compile(r"([*?\[\]\\])")
_AWAY: Final[tuple[type[Exception], ...]] = (RedisError, OSError)
_BATCH: Final = 200
_TOTALS_SECONDS: Final = 30 * 86_400


class RedisStore(BackendStore):
    """RedisCache and RedisSentinelCache: hits through Flask-Caching, writes as atomic steps.

    With Sentinel, Flask-Caching reads from replicas: a delete is seen there when it has arrived.
    """

    outages = _AWAY

    def __init__(self, backend: Backend, prefix: str, max_bytes: int) -> None:
        # No guard: a swap is one script.
        super().__init__(backend, prefix, max_bytes, _no_guard)
        self.client: Redis = backend._write_client  # cachelib has no public name for it
        self.key_prefix = backend._get_prefix() + prefix

    def look(self, key: str) -> Look:
        raw, cleared = self._ask([self._name(key), self.key_prefix + "cleared"])
        seen = hashlib.sha1(raw, usedforsecurity=False).hexdigest() if raw else ""
        return Look(self._load(raw), (seen, cleared.decode() if cleared else ""))

    def put(self, envelope: Envelope, timeout: int) -> None:
        data = self._serialize(envelope)
        self.client.set(self._name(envelope.key), data, ex=timeout or None)

    def swap(self, envelope: Envelope, timeout: int, stamp: tuple[str, str]) -> bool:
        keys = [self._name(envelope.key), self.key_prefix + "cleared"]
        args = [*stamp, self._serialize(envelope), timeout]
        return bool(_script(self.client, "swap", keys, args))

    def scan(self, prefix: str) -> Iterator[Envelope]:
        for names in self._names(prefix):
            for raw in self._ask(names):
                if (envelope := self._load(raw)) is not None:
                    yield envelope

    def clear(self, prefix: str) -> None:
        self.client.set(self.key_prefix + "cleared", uuid4().hex, ex=IN_FLIGHT_SECONDS)
        for names in self._names(prefix):
            self.client.unlink(*names)

    def _names(self, prefix: str) -> Iterator[list[bytes]]:
        """Return the names of entries in batches; one that is there all the time is among them."""
        match = _GLOB.sub(r"\\\1", self._name(prefix)) + "*"
        cursor = 0
        while True:
            answer: Any = self.client.scan(cursor, match=match, count=_BATCH)
            cursor, names = answer
            if names:
                yield names
            if not cursor:
                return

    def _name(self, key: str) -> str:
        return f"{self.key_prefix}e:{key}"

    def _ask(self, names: Any) -> list[bytes | None]:
        # From where it is written: with Sentinel, replicas may be behind.
        answer: Any = self.client.mget(names)
        return list(answer)

    def _load(self, raw: bytes | None) -> Envelope | None:
        try:
            return unpack(self._backend.serializer.loads(raw))
        except Exception as error:  # noqa: BLE001 - a class may have moved since it was written
            logger.debug("an entry of the cache cannot be read: %s", error)
            return None


class _NoGuard:
    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


def _no_guard() -> _NoGuard:
    return _NoGuard()


class RedisLocks:
    """Locks with a token and an expiry: who dies with one holds it until then and no longer."""

    outages: tuple[type[Exception], ...] = _AWAY

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._prefix = f"{prefix}lock:"

    def acquire(self, key: str, seconds: float) -> Release | None:
        name, token = self._prefix + key, uuid4().hex
        if not self._client.set(name, token, nx=True, px=max(1, int(seconds * 1000))):
            return None
        return partial(self._release, name, token)

    def _release(self, name: str, token: str) -> None:
        try:
            _script(self._client, "release", [name], [token])
        except _AWAY as error:
            logger.info("a lock of the cache is not given back, it runs out: %s", error)


class RedisTotals:
    """One hash; it goes when nobody has counted for a month."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._name = f"{prefix}totals"

    def add(self, amounts: Mapping[str, int]) -> None:
        with self._client.pipeline() as pipe:
            for name, amount in amounts.items():
                pipe.hincrby(self._name, name, amount)
            pipe.expire(self._name, _TOTALS_SECONDS)
            pipe.execute()

    def read(self) -> dict[str, int]:
        answer: Any = self._client.hgetall(self._name)
        return {name.decode(): int(amount) for name, amount in answer.items()}


@cache
def _source(name: str) -> str:
    return (files(__package__) / "lua" / f"{name}.lua").read_text()


def _script(client: Redis, name: str, keys: list[str], args: list[Any]) -> Any:
    return Script(client, _source(name))(keys=keys, args=args)
