"""What can be asked of an open stream: to hold more channels, fewer, or whether it holds one."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from .errors import BrokerUnavailable
from .events import GAP, SUBSCRIPTION_SUCCEEDED, Position
from .fanout import replay_blocks
from .hub import Hub
from .joining import Join, gap_body
from .transport.base import Stream

logger = logging.getLogger(__name__)

MAX_HELD: Final = 1000
# Less than `Steering` waits for an answer.
_PATIENCE_SECONDS = 1.0
_COME_AGAIN, _TOO_MANY = 503, 413

Answer = dict[str, Any]


class _Missed(NamedTuple):
    """What a late subscriber has seen of its channels, and where it joins them."""

    cursor: Position
    join: Join


class Holding:
    """Actions for `Steering`: each answers None when there is no such stream."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self.actions = {
            "subscribe": self.subscribe,
            "unsubscribe": self.unsubscribe,
            "holds": self.holds,
        }
        self.slow_actions = {"subscribe_since": self.subscribe_since}

    def subscribe(self, socket_id: str, body: Mapping[str, Any]) -> Answer | None:
        """``{"channels": {name: user_info JSON or None}, "since"}``.

        ``since``: the position before the authorizers ran.
        Answers ``{"subscribed": [...], "refused": {name: status}}``.
        """
        return self._subscribe(socket_id, body, None)

    def subscribe_since(self, socket_id: str, body: Mapping[str, Any]) -> Answer | None:
        """As `subscribe`, with ``"cursor"``: what the caller has seen of these channels.

        May wait, and ask the log. Refuses with 503 when that takes too long.
        """
        if self._hub.streams.get(socket_id) is None:
            return None
        cursor, channels = Position(*body["cursor"]), list(body["channels"])
        try:
            join = self._hub.joining.join(cursor, channels, _PATIENCE_SECONDS)
        except BrokerUnavailable as error:
            logger.info("a subscribe is refused for a while: %s", error)
            return _refuse(channels, _COME_AGAIN)
        return self._subscribe(socket_id, body, _Missed(cursor, join))

    def _subscribe(
        self, socket_id: str, body: Mapping[str, Any], missed: _Missed | None
    ) -> Answer | None:
        wanted: dict[str, str | None] = body["channels"]
        since = Position(*body["since"])
        with self._hub.order:
            stream = self._hub.streams.get(socket_id)
            if stream is None:
                return None
            with self._hub.lock:
                refusal = self._refusal(stream, wanted, since, missed)
                if refusal is not None:
                    return _refuse(wanted, refusal)
                blocks = self._add(stream, wanted, missed)
            stream.push(blocks)
        return {"subscribed": list(wanted), "refused": {}}

    def _refusal(
        self,
        stream: Stream,
        wanted: Mapping[str, Any],
        since: Position,
        missed: _Missed | None,
    ) -> int | None:
        if not stream.live:
            return _COME_AGAIN
        if len({*stream.channels, *wanted}) > MAX_HELD:
            return _TOO_MANY
        if self._hub.revocations.concern(stream.user_id, wanted, since):
            return 403
        if missed is not None and self._hub.joining.is_behind(missed.join.start):
            return _COME_AGAIN
        return None

    def _add(
        self, stream: Stream, wanted: Mapping[str, str | None], missed: _Missed | None
    ) -> bytes:
        new = [channel for channel in wanted if channel not in stream.channels]
        visible = {channel: info for channel in new if (info := wanted[channel]) is not None}
        stream.infos = {**stream.infos, **visible}
        stream.channels = (*stream.channels, *new)
        self._hub.topics.add(stream, new)
        if self._hub.attendance is not None:
            self._hub.attendance.hold(stream, new)
        at = self._hub.position
        blocks = [
            stream.codec.control(at, SUBSCRIPTION_SUCCEEDED, {}, channel)
            for channel in new
            if channel not in visible
        ]
        if missed is not None and new:
            blocks.append(self._replay(stream, new, missed, at))
        return b"".join(blocks)

    def _replay(
        self, stream: Stream, channels: Sequence[str], missed: _Missed, at: Position
    ) -> bytes:
        """Write what came since; every block carries the stream's own position."""
        cursor, (start, _, gap) = missed
        if gap is not None:
            self._hub.counters.gaps += 1
            body = gap_body(channels, gap.reason, cursor, gap.bounds.floor)
            return stream.codec.control(at, GAP, body)
        held = frozenset(channels)
        entries = [
            entry
            for entry in self._hub.joining.until_now(start, channels)
            if not held.isdisjoint(entry.event.channels)
        ]
        self._hub.counters.deliveries += len(entries)
        return replay_blocks(entries, at, channels, stream.codec, self._hub.aliases, at)

    def unsubscribe(self, socket_id: str, body: Mapping[str, Any]) -> Answer | None:
        """``{"channels": [...]}``; answers as `subscribe`, with what the stream still holds."""
        with self._hub.order:
            stream = self._hub.streams.get(socket_id)
            if stream is None:
                return None
            channels = [channel for channel in body["channels"] if channel in stream.channels]
            refused = bool(channels) and not self._hub.take_away(stream, channels)
            return {
                "subscribed": list(stream.channels),
                "refused": dict.fromkeys(channels, _COME_AGAIN) if refused else {},
            }

    def holds(self, socket_id: str, body: Mapping[str, Any]) -> Answer | None:
        """``{"channel"}``; answers ``{"holds": bool}``."""
        stream = self._hub.streams.get(socket_id)
        return None if stream is None else {"holds": body["channel"] in stream.channels}


def _refuse(channels: Sequence[str] | Mapping[str, Any], status: int) -> Answer:
    return {"subscribed": [], "refused": dict.fromkeys(channels, status)}
