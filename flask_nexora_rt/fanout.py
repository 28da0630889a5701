"""Who holds which channel, and what each of them is to be sent of a batch. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .events import Entry, Position
from .sse import Codec
from .transport.base import Stream

Delivery = tuple[Stream, bytes]
NOBODY: frozenset[str] = frozenset()


def exclude_user(user_id: str) -> str:
    """Return what `Event.exclude` holds to leave out every stream of a user."""
    return f"user {user_id}"


def names_of(stream: Stream) -> frozenset[str]:
    """Return the names by which `Event.exclude` can mean this stream."""
    if stream.user_id is None:
        return frozenset({stream.socket_id})
    return frozenset({stream.socket_id, exclude_user(stream.user_id)})


class Topics:
    """The live streams by channel. Not synchronised: the hub's lock guards it."""

    def __init__(self) -> None:
        self._streams: dict[str, set[Stream]] = {}
        # Events times streams, ever planned.
        self.deliveries = 0

    def __len__(self) -> int:
        return sum(map(len, self._streams.values()))

    def add(self, stream: Stream, channels: Iterable[str]) -> None:
        for channel in channels:
            self._streams.setdefault(channel, set()).add(stream)

    def remove(self, stream: Stream, channels: Iterable[str]) -> None:
        for channel in channels:
            holders = self._streams.get(channel)
            if holders is not None:
                holders.discard(stream)
                if not holders:
                    del self._streams[channel]

    def plan(self, entries: Sequence[Entry], previous: Position) -> list[Delivery]:
        """Return one piece of bytes for each stream concerned, its events in log order.

        Streams that hold the same of the touched channels share the same bytes object.
        ``previous`` is the position before the first entry.
        """
        hits = self._hits(entries)
        blocks = Blocks(entries, previous, hits)
        excluded = {entry.event.exclude for entry in entries} - {None}
        held: dict[Stream, list[str]] = {}
        for channel in hits:
            holders = self._streams[channel]
            self.deliveries += len(hits[channel]) * len(holders)
            for stream in holders:
                held.setdefault(stream, []).append(channel)
        plan = []
        for stream, channels in held.items():
            left_out = names_of(stream) & excluded if excluded else NOBODY
            if left_out:
                data = blocks.join(stream.codec, channels, left_out)
            else:
                data = blocks.shared(stream.codec, tuple(channels))
            if data:
                plan.append((stream, data))
        return plan

    def _hits(self, entries: Iterable[Entry]) -> dict[str, list[int]]:
        """Map each channel that somebody here holds to the indexes of its entries."""
        hits: dict[str, list[int]] = {}
        streams = self._streams
        for index, entry in enumerate(entries):
            for channel in entry.event.channels:
                if channel in streams:
                    hits.setdefault(channel, []).append(index)
        return hits


class Blocks:
    """The encoded blocks of one batch, each made once per codec and channel."""

    def __init__(
        self, entries: Sequence[Entry], previous: Position, hits: dict[str, list[int]]
    ) -> None:
        self._entries = entries
        self._previous = previous
        self._hits = hits
        self._encoded: dict[tuple[int, str, Codec, bool], bytes] = {}
        self._joined: dict[tuple[Codec, tuple[str, ...]], bytes] = {}

    def shared(self, codec: Codec, channels: tuple[str, ...]) -> bytes:
        """Return the joined blocks for these channels, the same object for every caller."""
        key = (codec, channels)
        joined = self._joined.get(key)
        if joined is None:
            joined = self._joined[key] = self.join(codec, channels)
        return joined

    def join(
        self, codec: Codec, channels: Iterable[str], left_out: frozenset[str] = NOBODY
    ) -> bytes:
        """Join the blocks for these channels in log order, less those that exclude a name.

        An entry that reaches a stream on two of its channels is two blocks; only the last one
        carries the entry's position, so that a client cut between them gets the other again.
        """
        order = sorted((index, channel) for channel in channels for index in self._hits[channel])
        blocks = []
        for (index, channel), following in zip(order, [*order[1:], None], strict=True):
            if self._entries[index].event.exclude not in left_out:
                last = following is None or following[0] != index
                blocks.append(self._block(index, channel, codec, last))
        return b"".join(blocks)

    def _block(self, index: int, channel: str, codec: Codec, last: bool) -> bytes:
        key = (index, channel, codec, last)
        block = self._encoded.get(key)
        if block is None:
            entry = self._entries[index]
            position = entry.position if last else self._before(index)
            block = self._encoded[key] = codec.encode(position, entry.event, channel)
        return block

    def _before(self, index: int) -> Position:
        return self._entries[index - 1].position if index else self._previous


def replay_blocks(
    entries: Sequence[Entry], previous: Position, channels: Iterable[str], codec: Codec
) -> bytes:
    """Write the blocks of a replay for a stream that holds ``channels``."""
    hits: dict[str, list[int]] = {}
    held = frozenset(channels)
    for index, entry in enumerate(entries):
        for channel in held.intersection(entry.event.channels):
            hits.setdefault(channel, []).append(index)
    return Blocks(entries, previous, hits).join(codec, hits)
