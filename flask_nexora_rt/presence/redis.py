"""The record that many workers share, in Redis or Valkey."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from typing import Any

from ..redis_client import RedisClient
from ..settings import key_prefix
from .base import (
    GRACE_SECONDS,
    LEASE_SECONDS,
    Change,
    Connection,
    Occupancy,
    Outcome,
    Row,
    Snapshot,
    Status,
    UserStatus,
    overall_status,
    read_member,
)

_SCAN_COUNT = 1000
_GLOB = re.compile(r"([*?\[\]\\])")


class RedisPresence:
    """A `PresenceStore` in Redis. Keys: ``{nexora_rt:<app id>}:presence:...``.

    ``workers`` (leases), ``rows:<worker>``, ``stats``, ``subs`` (holders by channel),
    ``members:<channel>``, ``versions``, ``held:<user>`` (rows by channel), ``user:<user>``
    (status and worker by stream), ``seen``, ``grace``, ``empty``.
    """

    def __init__(
        self,
        client: RedisClient,
        app_id: str,
        lease: float = LEASE_SECONDS,
        grace: float = GRACE_SECONDS,
    ) -> None:
        self._client = client
        self._live = f"{key_prefix(app_id)}live"
        self._prefix = f"{key_prefix(app_id)}presence:"
        self._lease_ms = int(lease * 1000)
        self._grace_ms = int(grace * 1000)

    def apply(self, worker: str, changes: Sequence[Change]) -> tuple[bool, list[Outcome]]:
        ops = json.dumps([_op(change) for change in changes])
        held, outcomes = self._run("apply", worker, self._lease_ms, ops)
        return bool(held), _outcomes(outcomes)

    def renew(self, worker: str, stats: dict[str, Any]) -> bool:
        return bool(self._run("renew", worker, self._lease_ms, json.dumps(stats)))

    def leave(self, worker: str) -> None:
        # Expired, not removed: the rows have yet to be swept.
        self._client.retrying(
            lambda: self._client.redis.zadd(f"{self._prefix}workers", {worker: 0}, xx=True)
        )

    def sweep(self, patient: bool = False) -> list[Outcome]:
        return _outcomes(self._run("sweep", int(patient)))

    def set_status(self, socket_id: str, user_id: str, status: Status) -> bool:
        return bool(self._run("status", socket_id, user_id, status))

    def snapshot(self, channel: str) -> Snapshot:
        version, flat = self._run("snapshot", channel)
        pairs = zip(flat[::2], flat[1::2], strict=True)
        members = (read_member(user.decode(), json.loads(member)) for user, member in pairs)
        return Snapshot(int(version), {member.user_id: member for member in members})

    def status(self, user_id: str) -> UserStatus:
        def ask() -> Any:
            with self._client.redis.pipeline(transaction=False) as pipe:
                pipe.hvals(f"{self._prefix}user:{user_id}")
                pipe.zscore(f"{self._prefix}seen", user_id)
                return pipe.execute()

        states, seen = self._client.retrying(ask)
        told = (state.decode().partition(" ")[0] for state in states)
        return UserStatus(overall_status(told), int(seen) if seen else None)

    def occupancy(self, channel: str) -> Occupancy:
        def ask() -> Any:
            with self._client.redis.pipeline(transaction=False) as pipe:
                pipe.hget(f"{self._prefix}subs", channel)
                pipe.hlen(f"{self._prefix}members:{channel}")
                return pipe.execute()

        subscriptions, users = self._client.retrying(ask)
        return Occupancy(int(subscriptions or 0), users)

    def channels(self, prefix: str) -> dict[str, Occupancy]:
        def ask() -> Any:
            match = _GLOB.sub(r"\\\1", prefix) + "*"
            held = self._client.redis.hscan_iter(
                f"{self._prefix}subs", match=match, count=_SCAN_COUNT
            )
            # A scan may show a channel twice.
            found = {channel.decode(): int(count) for channel, count in held}
            with self._client.redis.pipeline(transaction=False) as pipe:
                for channel in found:
                    pipe.hlen(f"{self._prefix}members:{channel}")
                return found, pipe.execute()

        found, users = self._client.retrying(ask)
        pairs = zip(found.items(), users, strict=True)
        return {channel: Occupancy(count, visible) for (channel, count), visible in pairs}

    def workers(self) -> dict[str, dict[str, Any]]:
        def ask() -> Any:
            with self._client.redis.pipeline(transaction=False) as pipe:
                pipe.hgetall(f"{self._prefix}stats")
                pipe.zrange(f"{self._prefix}workers", 0, -1, withscores=True)
                return pipe.execute()

        stats, leases = self._client.retrying(ask)
        now = time.time() * 1000
        live = {worker for worker, expires in leases if expires > now}
        return {
            worker.decode(): json.loads(figures)
            for worker, figures in stats.items()
            if worker in live
        }

    def _run(self, script: str, *arguments: object) -> Any:
        args = [self._prefix, self._grace_ms, *arguments]
        return self._client.run(__package__, script, [self._live], args)


def _op(change: Change) -> dict[str, str]:
    op = {"o": "+" if change.present else "-", "s": change.what.socket_id}
    if isinstance(change.what, Connection):
        return {**op, "u": change.what.user_id}
    row: Row = change.what
    op |= {"c": row.channel, "u": row.user_id or ""}
    return op if row.info is None else {**op, "i": row.info}


def _outcomes(rows: Sequence[Sequence[bytes]]) -> list[Outcome]:
    texts = ([text.decode() for text in row] for row in rows)
    return [Outcome(kind, channel, user or None) for kind, channel, user in texts]  # type: ignore[arg-type]
