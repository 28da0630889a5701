"""Who holds which channel, and what each of them is to be sent of a batch. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest

from .aliases import NO_ALIASES, Aliases
from .events import Entry, Position
from .sse import Codec
from .transport.base import Stream

# The same bytes for each of these streams.
Delivery = tuple[Sequence[Stream], bytes]
NOBODY: frozenset[str | None] = frozenset()
_Group = tuple[Codec, tuple[str, ...], frozenset[str | None]]


def exclude_user(user_id: str) -> str:
    """Return what `Event.exclude` holds to leave out every stream of a user."""
    return f"user {user_id}"


def names_of(stream: Stream) -> frozenset[str | None]:
    """Return the names by which `Event.exclude` can mean this stream."""
    if stream.user_id is None:
        return frozenset({stream.socket_id})
    return frozenset({stream.socket_id, exclude_user(stream.user_id)})


class Topics:
    """The live streams by channel and codec. Not synchronised: the hub's lock guards it."""

    def __init__(self, aliases: Aliases = NO_ALIASES) -> None:
        self._aliases = aliases
        self._streams: dict[str, dict[Codec, set[Stream]]] = {}
        # Events times streams, ever planned, and their bytes.
        self.deliveries = 0
        self.bytes = 0

    def add(self, stream: Stream, channels: Iterable[str]) -> None:
        for channel in channels:
            by_codec = self._streams.setdefault(channel, {})
            by_codec.setdefault(stream.codec, set()).add(stream)

    def remove(self, stream: Stream, channels: Iterable[str]) -> None:
        for channel in channels:
            by_codec = self._streams.get(channel)
            holders = by_codec.get(stream.codec) if by_codec is not None else None
            if by_codec is None or holders is None:
                continue
            holders.discard(stream)
            if not holders:
                del by_codec[stream.codec]
            if not by_codec:
                del self._streams[channel]

    def plan(
        self, entries: Sequence[Entry], previous: Position, logged: bool = True
    ) -> list[Delivery]:
        """Return what each stream concerned is to be sent: its events, in log order.

        Streams that hold the same of the touched channels are in one delivery and share its
        bytes. ``previous`` is the position before the first entry; ``logged`` is false for
        events that are in no log, whose entries carry the current position.
        """
        hits = self._hits(entries)
        blocks = Blocks(entries, previous, hits, self._aliases, logged)
        excluded = frozenset(entry.event.exclude for entry in entries) - {None}
        if len(hits) == 1 and not excluded:
            plan = self._plan_channel(blocks, *hits)
        else:
            plan = self._plan_each(blocks, hits, excluded)
        self.bytes += sum(len(streams) * len(data) for streams, data in plan)
        return plan

    def _plan_channel(self, blocks: Blocks, channel: str) -> list[Delivery]:
        """The common case, without an object per stream: those make the collector run."""
        return [
            (list(streams), blocks.join(codec, (channel,)))
            for codec, streams in self._streams[channel].items()
        ]

    def _plan_each(
        self, blocks: Blocks, hits: Iterable[str], excluded: frozenset[str | None]
    ) -> list[Delivery]:
        held: dict[Stream, list[str]] = {}
        for channel in hits:
            for streams in self._streams[channel].values():
                for stream in streams:
                    held.setdefault(stream, []).append(channel)
        groups: dict[_Group, list[Stream]] = {}
        for stream, channels in held.items():
            left_out = names_of(stream) & excluded if excluded else NOBODY
            groups.setdefault((stream.codec, tuple(channels), left_out), []).append(stream)
        planned = ((streams, blocks.join(*group)) for group, streams in groups.items())
        return [(streams, data) for streams, data in planned if data]

    def _hits(self, entries: Iterable[Entry]) -> dict[str, list[int]]:
        """Map each channel that somebody here holds to the indexes of its entries."""
        hits: dict[str, list[int]] = {}
        streams = self._streams
        for index, entry in enumerate(entries):
            for channel in entry.event.channels:
                if channel in streams:
                    hits.setdefault(channel, []).append(index)
                    self.deliveries += sum(map(len, streams[channel].values()))
        return hits


class Blocks:
    """The encoded blocks of one batch, each made once per codec and channel."""

    def __init__(
        self,
        entries: Sequence[Entry],
        previous: Position,
        hits: dict[str, list[int]],
        aliases: Aliases,
        logged: bool = True,
        at: Position | None = None,
    ) -> None:
        self._aliases = aliases
        self._logged = logged
        self._at = at
        self._entries = entries
        self._previous = previous
        self._hits = hits
        self._encoded: dict[tuple[int, str, Codec, bool], bytes] = {}

    def join(
        self, codec: Codec, channels: Iterable[str], left_out: frozenset[str | None] = NOBODY
    ) -> bytes:
        """Join the blocks for these channels in log order, less those that exclude a name.

        An entry that reaches a stream on two of its channels, or under two names, is two blocks;
        only the last one carries the entry's position, so that a client cut between them gets
        the other again.
        """
        order = sorted((index, channel) for channel in channels for index in self._hits[channel])
        blocks = []
        for (index, channel), following in zip_longest(order, order[1:]):
            if self._entries[index].event.exclude not in left_out:
                last = following is None or following[0] != index
                blocks.append(self._block(index, channel, codec, last))
        return b"".join(blocks)

    def _block(self, index: int, channel: str, codec: Codec, last: bool) -> bytes:
        key = (index, channel, codec, last)
        block = self._encoded.get(key)
        if block is None:
            entry = self._entries[index]
            position = self._at or (entry.position if last else self._before(index))
            place = entry.position if self._logged else None
            names = [
                codec.encode(self._at or self._before(index), alias, channel, place)
                for alias in self._aliases.of(entry.event, channel)
            ]
            block = b"".join((*names, codec.encode(position, entry.event, channel, place)))
            self._encoded[key] = block
        return block

    def _before(self, index: int) -> Position:
        return self._entries[index - 1].position if index else self._previous


def replay_blocks(
    entries: Sequence[Entry],
    previous: Position,
    channels: Iterable[str],
    codec: Codec,
    aliases: Aliases = NO_ALIASES,
    at: Position | None = None,
) -> bytes:
    """Write the blocks of a replay for a stream that holds ``channels``.

    With ``at`` all of them carry that id: the stream itself is further than its replay.
    """
    hits: dict[str, list[int]] = {}
    held = frozenset(channels)
    for index, entry in enumerate(entries):
        for channel in held.intersection(entry.event.channels):
            hits.setdefault(channel, []).append(index)
    return Blocks(entries, previous, hits, aliases, at=at).join(codec, hits)
