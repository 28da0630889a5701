"""The log that many workers share: a stream in Redis (6.2 or newer) or Valkey.

Why a stream and not pub/sub: a pub/sub connection that drops loses messages in silence and
Redis cuts slow subscribers; a tail that goes on from a known id can do neither.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar
from uuid import uuid4

from ..events import Entry, Event, Position, Reset
from ..redis_client import RedisClient, connect, mapped_errors
from ..settings import key_prefix
from .base import DEDUPE_COUNT, DEDUPE_SECONDS, Batch, Bounds, EntriesLost, Gap
from .window import Limits

T = TypeVar("T")

_EVENTS_PER_CALL = 500
_READ_COUNT = 1000
# How many ephemeral events wait for a tail that is slow; about as many as this.
EPHEMERAL_ENTRIES = 10_000


class RedisLog:
    """An `EventLog` in Redis. Keys: ``{nexora_rt:<app id>}:log|bounds|seen|seen_before|live``."""

    def __init__(self, client: RedisClient, app_id: str, limits: Limits) -> None:
        self._client = client
        self._limits = limits
        # The newest position an append of ours was given: proof that the log once had it.
        self._newest = Position(0, 0)
        prefix = key_prefix(app_id)
        self._log, self._bounds = f"{prefix}log", f"{prefix}bounds"
        self._seen, self._live = f"{prefix}seen", f"{prefix}live"

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
        # Not retried: what may have been sent must not be sent twice.
        with mapped_errors(), self._client.redis.pipeline(transaction=False) as pipe:
            for event in events:
                fields: dict[Any, Any] = dict(_pairs(_fields(event)))
                pipe.xadd(self._live, fields, maxlen=EPHEMERAL_ENTRIES, approximate=True)
            pipe.execute()

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
        self._client.close()

    def _run(self, script: str, arguments: Sequence[Any], *more_keys: str) -> Any:
        keys = [self._log, self._bounds, *more_keys]
        return self._client.run(__package__, script, keys, arguments)


class RedisTail:
    """A `Tail` with a connection of its own: its replies may take as long as it waits."""

    def __init__(self, log: RedisLog, after: Position) -> None:
        self._names = (log._log.encode(), log._live.encode())
        self.after = after
        # Longer than any wait, so that only a dead link runs into it.
        self._redis = connect(log._client.url, timeout=15, connections=1)
        with mapped_errors():
            newest: Any = self._redis.xrevrange(log._live, count=1)
            self._live_after: bytes = newest[0][0] if newest else b"0-0"
            self._connection: Any = self._redis.connection_pool.get_connection()

    def read(self, timeout: float) -> Batch:
        wait_ms = max(1, int(min(timeout, 10) * 1000))
        with mapped_errors():
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
        rows = streams.get(self._names[0], ())
        if rows and not _follows(rows[0], self.after):
            raise EntriesLost
        entries = [_entry(row) for row in rows]
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
    return Entry(_position(position), _event(fields[2:]))


def _follows(row: Sequence[Any], after: Position) -> bool:
    """Say whether nothing was appended between ``after`` and this entry."""
    _, fields = row
    return fields[0] != b"v" or _position(fields[1]) <= after


def _event(fields: Sequence[bytes]) -> Event:
    name, channels, data = fields[1].decode(), fields[3].decode(), fields[5]
    if len(fields) == 6:
        return Event(tuple(channels.split()), name, data)
    rare = dict(_pairs(fields[6:]))
    parts = json.loads(rare[b"p"]) if b"p" in rare else None
    return Event(
        tuple(channels.split()),
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
