"""What can be asked of an open stream: to hold more channels, fewer, or whether it holds one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from .events import GAP, SUBSCRIPTION_SUCCEEDED, Entry, Position
from .fanout import replay_blocks
from .hub import Hub, gap_body
from .transport.base import Stream

MAX_HELD: Final = 1000
_STILL_REPLAYING, _TOO_MANY = 503, 413


class Holding:
    """Actions for `Steering`: each gets the stream while the hub's ``order`` is held."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self.actions = {
            "subscribe": self.subscribe,
            "unsubscribe": self.unsubscribe,
            "holds": self.holds,
        }

    def subscribe(self, stream: Stream, body: Mapping[str, Any]) -> dict[str, Any]:
        """``{"channels": {name: user_info JSON or None}, "since", "cursor"}``.

        ``since``: the position before the authorizers ran; ``cursor``: what the caller has seen
        of these channels, or None. Answers ``{"subscribed": [...], "refused": {name: status}}``.
        """
        wanted: dict[str, str | None] = body["channels"]
        since = Position(*body["since"])
        with self._hub.lock:
            refusal = self._refusal(stream, wanted, since)
            if refusal is not None:
                return {"subscribed": [], "refused": dict.fromkeys(wanted, refusal)}
            new = [channel for channel in wanted if channel not in stream.channels]
            blocks = self._add(stream, new, wanted, body["cursor"])
        stream.push(blocks)
        return {"subscribed": list(wanted), "refused": {}}

    def _refusal(self, stream: Stream, wanted: Mapping[str, Any], since: Position) -> int | None:
        if not stream.live:
            return _STILL_REPLAYING
        if len({*stream.channels, *wanted}) > MAX_HELD:
            return _TOO_MANY
        revoked = self._hub.revocations.concern(stream.user_id, wanted, since)
        return 403 if revoked else None

    def _add(
        self,
        stream: Stream,
        new: Sequence[str],
        infos: Mapping[str, str | None],
        cursor: Sequence[int] | None,
    ) -> bytes:
        visible = {channel: info for channel in new if (info := infos[channel]) is not None}
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
        if cursor is not None and new:
            blocks.append(self._replay(stream, new, Position(*cursor), at))
        return b"".join(blocks)

    def _replay(
        self, stream: Stream, channels: Sequence[str], cursor: Position, at: Position
    ) -> bytes:
        """Write what came since; every block carries the stream's own position."""
        bounds = self._hub.window.bounds
        reason = bounds.gap(cursor)
        if reason is not None and reason != "future":
            self._hub.counters.gaps += 1
            return stream.codec.control(at, GAP, gap_body(channels, reason, cursor, bounds.floor))
        missed = [Entry(at, e.event) for e in self._hub.window.replay(cursor, channels)]
        self._hub.counters.deliveries += len(missed)
        return replay_blocks(missed, at, channels, stream.codec)

    def unsubscribe(self, stream: Stream, body: Mapping[str, Any]) -> dict[str, Any]:
        """``{"channels": [...]}``; answers as `subscribe`, with what the stream still holds."""
        channels = [channel for channel in body["channels"] if channel in stream.channels]
        if channels and not self._hub.take_away(stream, channels):
            return {
                "subscribed": list(stream.channels),
                "refused": dict.fromkeys(channels, _STILL_REPLAYING),
            }
        return {"subscribed": list(stream.channels), "refused": {}}

    def holds(self, stream: Stream, body: Mapping[str, Any]) -> dict[str, Any]:
        """``{"channel"}``; answers ``{"holds": bool}``."""
        return {"holds": body["channel"] in stream.channels}
