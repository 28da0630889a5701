"""The log that many workers share: a stream in Redis (6.2 or newer) or Valkey.

Why a stream and not pub/sub: a pub/sub connection that drops loses messages in silence and
Redis cuts slow subscribers; a tail that goes on from a known id can do neither.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import redis
from redis import exceptions
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError, Sentinel

from ..errors import BrokerUnavailable
from ..events import Entry, Event, Position, Reset
from .base import DEDUPE_COUNT, DEDUPE_SECONDS, Batch, Bounds, Gap
from .window import Limits

T = TypeVar("T")

_EVENTS_PER_CALL = 500
_READ_COUNT = 1000
_EPHEMERAL_ENTRIES = 10_000
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


@cache
def _source(name: str) -> str:
    folder = files(__package__) / "lua"
    common = (folder / "common.lua").read_text()
    return common + (folder / f"{name}.lua").read_text()


@contextmanager
def _mapped_errors() -> Iterator[None]:
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


class RedisLog:
    """An `EventLog` in Redis. Keys: ``{nexora_rt:<app id>}:log|bounds|seen|seen_before|live``."""

    def __init__(self, url: str, app_id: str, limits: Limits, publish_timeout: float) -> None:
        self._url = url
        self._limits = limits
        self._timeout = publish_timeout
        # The newest position an append of ours was given: proof that the log once had it.
        self._newest = Position(0, 0)
        self._redis = connect(url, publish_timeout)
        prefix = f"{{nexora_rt:{app_id}}}:"
        self._log, self._bounds = f"{prefix}log", f"{prefix}bounds"
        self._seen, self._live = f"{prefix}seen", f"{prefix}live"
        self._scripts = {
            name: Script(self._redis, _source(name)) for name in ("append", "bounds", "range")
        }

    def append(self, events: Sequence[Event]) -> list[Position]:
        positions: list[Position] = []
        for start in range(0, len(events), _EVENTS_PER_CALL):
            some = events[start : start + _EVENTS_PER_CALL]
            arguments = [*self._retention(), *(a for event in some for a in _arguments(event))]
            answer = self._run("append", arguments, self._seen, f"{self._seen}_before")
            positions.extend(map(_position, answer))
        self._newest = max([self._newest, *positions])
        return positions

    def _retention(self) -> tuple[int, ...]:
        seconds = self._limits.seconds
        return (self._limits.events, int(seconds * 1000), DEDUPE_SECONDS * 1000, DEDUPE_COUNT)

    def emit(self, events: Sequence[Event]) -> None:
        def send() -> None:
            with self._redis.pipeline(transaction=False) as pipe:
                for event in events:
                    fields: dict[Any, Any] = dict(_pairs(_fields(event)))
                    pipe.xadd(self._live, fields, maxlen=_EPHEMERAL_ENTRIES, approximate=True)
                pipe.execute()

        self._retrying(send)

    def bounds(self, seen: Position | None = None) -> Bounds:
        answer = self._run("bounds", [str(max(seen, self._newest)) if seen else ""])
        return Bounds(*map(_position, answer))

    def range(self, after: Position, limit: int) -> list[Entry] | Gap:
        *marks, rows = self._run("range", [str(after), limit])
        bounds = Bounds(*map(_position, marks))
        reason = bounds.gap(after)
        if reason:
            return Gap(reason, bounds)
        return [entry for entry in map(_entry, rows) if isinstance(entry, Entry)]

    def tail(self, after: Position) -> RedisTail:
        return RedisTail(self, after)

    def close(self) -> None:
        self._redis.close()

    def _run(self, script: str, arguments: Sequence[Any], *more_keys: str) -> Any:
        keys = [self._log, self._bounds, *more_keys]
        return self._retrying(lambda: self._scripts[script](keys=keys, args=arguments))

    def _retrying(self, call: Callable[[], T]) -> T:
        """Repeat a call that may be repeated until it succeeds or the time is over."""
        deadline = time.monotonic() + self._timeout
        pause = 0.02
        with _mapped_errors():
            while True:
                try:
                    return call()
                except exceptions.AuthenticationError:
                    raise
                except _PASSING:
                    if time.monotonic() + pause > deadline:
                        raise
                time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
                pause = min(pause * 2, 0.5)


class RedisTail:
    """A `Tail` with a connection of its own: its replies may take as long as it waits."""

    def __init__(self, log: RedisLog, after: Position) -> None:
        self._names = (log._log.encode(), log._live.encode())
        self.after = after
        # Longer than any wait, so that only a dead link runs into it.
        self._redis = connect(log._url, timeout=15, connections=1)
        with _mapped_errors():
            newest: Any = self._redis.xrevrange(log._live, count=1)
            self._live_after: bytes = newest[0][0] if newest else b"0-0"
            self._connection: Any = self._redis.connection_pool.get_connection()

    def read(self, timeout: float) -> Batch:
        wait_ms = max(1, int(min(timeout, 10) * 1000))
        with _mapped_errors():
            # Past the client's own parsing: it builds a dict per entry that nobody needs.
            self._connection.send_command(
                "XREAD", "COUNT", _READ_COUNT, "BLOCK", wait_ms, "STREAMS", *self._names,
                str(self.after), self._live_after,
            )  # fmt: skip
            streams = self._connection.read_response()
        if not streams:
            return Batch([], [])
        return self._batch(dict(streams))

    def _batch(self, streams: dict[bytes, list[Any]]) -> Batch:
        entries = [_entry(row) for row in streams.get(self._names[0], ())]
        live = streams.get(self._names[1], ())
        if entries:
            self.after = entries[-1].position
        if live:
            self._live_after = live[-1][0]
        return Batch(entries, [_event(row[1]) for row in live])

    def close(self) -> None:
        self._connection.disconnect()
        self._redis.close()


def _position(text: bytes) -> Position:
    ms, seq = text.split(b"-")
    return Position(int(ms), int(seq))


def _arguments(event: Event) -> list[Any]:
    fields = _fields(event)
    return [event.publish_id or uuid4().hex, len(fields), *fields]


def _fields(event: Event) -> list[str | bytes]:
    """Write an event as the flat field list of a stream entry; rare fields only when set."""
    fields: list[str | bytes] = ["n", event.name, "c", " ".join(event.channels), "d", event.data]
    for field, value in (
        ("x", event.exclude), ("k", event.key), ("r", event.replay), ("u", event.user_id)
    ):  # fmt: skip
        if value is not None:
            fields += [field, value]
    if event.parts:
        parts = {channel: part.decode() for channel, part in event.parts.items()}
        fields += ["p", json.dumps(parts)]
    return fields


def _pairs(fields: Sequence[T]) -> Iterator[tuple[T, T]]:
    return zip(fields[::2], fields[1::2], strict=True)


def _entry(row: Sequence[Any]) -> Entry | Reset:
    position, fields = row
    if fields[0] == b"reset":
        return Reset(_position(position))
    return Entry(_position(position), _event(fields))


def _event(fields: Sequence[bytes]) -> Event:
    name, channels, data = fields[1].decode(), fields[3].decode(), fields[5]
    if len(fields) == 6:
        return Event(tuple(channels.split(" ")), name, data)
    rare = dict(_pairs(fields[6:]))
    parts = json.loads(rare[b"p"]) if b"p" in rare else None
    return Event(
        tuple(channels.split(" ")),
        name,
        data,
        exclude=_text(rare.get(b"x")),
        key=_text(rare.get(b"k")),
        replay=rare.get(b"r"),
        parts={channel: part.encode() for channel, part in parts.items()} if parts else None,
        user_id=_text(rare.get(b"u")),
    )


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()
