"""Each worker's copy of the members of the presence channels that its streams hold. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from ..events import SUBSCRIPTION_SUCCEEDED, Position
from ..fanout import Delivery
from ..sse import Codec
from ..transport.base import Stream
from .base import Member, Snapshot, read_member

MEMBER_ADDED: Final = "pusher:member_added"
MEMBER_REMOVED: Final = "pusher:member_removed"
MEMBER_UPDATED: Final = "nexora:member_updated"
MEMBER_COUNT: Final = "nexora:member_count"


class MemberEvent(NamedTuple):
    """One change of a channel's members, as the record tells it."""

    channel: str
    kind: str
    user_id: str
    version: int
    member: Member | None

    @classmethod
    def parse(cls, data: bytes) -> MemberEvent:
        body = json.loads(data)
        user, stored = body["user"], body.get("member")
        member = read_member(user, stored) if stored else None
        return cls(body["channel"], body["kind"], user, int(body["version"]), member)


class Roster:
    """The members of one channel, and the streams here that have been shown them.

    ``version`` is None until it has been loaded; events that come before wait in ``early``.
    A stream is ``waiting`` until its own row is in the record, then ``joined``, and ``ready``
    once it has been shown the members: for that it has to be live and the roster loaded.
    """

    def __init__(self, channel: str, limit: int) -> None:
        self.channel = channel
        self.version: int | None = None
        self.members: dict[str, Member] = {}
        self.early: list[MemberEvent] = []
        self.waiting: set[Stream] = set()
        self.joined: set[Stream] = set()
        self.ready: set[Stream] = set()
        self.counted = False
        self._limit = limit
        self._counts_only = False

    def take(self, event: MemberEvent, at: Position) -> list[Delivery] | None:
        """Apply an event and return what to send; None when events before it are missing."""
        if self.version is None:
            self.early.append(event)
            return []
        if event.version <= self.version:
            return []
        if event.version != self.version + 1:
            self.version, self.early = None, [event]
            return None
        self.version = event.version
        return self._apply(event, at)

    def load(self, snapshot: Snapshot, at: Position) -> list[Delivery]:
        """Take the record's word for it; return the differences and what came meanwhile.

        ``version`` is None again when some of what came meanwhile is missing.
        """
        before, early = self.members, self.early
        self.version, self.members, self.early = snapshot.version, dict(before), []
        deliveries: list[Delivery] = []
        for change in _differences(self.channel, before, snapshot.members):
            deliveries += self._apply(change, at)
        for event in early:
            deliveries += self.take(event, at) or []
        return deliveries

    def distrust(self) -> None:
        """Events may have been missed, and what has come may be of a record that is no more."""
        self.version, self.early = None, []

    def _apply(self, event: MemberEvent, at: Position) -> list[Delivery]:
        if event.member is not None:
            self.members[event.user_id] = event.member
        else:
            self.members.pop(event.user_id, None)
        if len(self.members) > self._limit:
            self._counts_only = self.counted = True
            return []
        if self._counts_only:
            self._counts_only = self.counted = False
            return self._welcome(self.ready, at)
        if not self.ready:
            return []
        name, data = _wire(event)
        return self._tell(name, data, at, but=event.user_id)

    def join(self, stream: Stream) -> None:
        """The stream's own row is in the record."""
        if stream in self.waiting:
            self.waiting.discard(stream)
            self.joined.add(stream)

    def show(self, at: Position, to: Stream | None = None) -> list[Delivery]:
        """Count in the joined streams, or one, that can be shown the members; return the blocks."""
        if self.version is None:
            return []
        shown = {stream for stream in (self.joined if to is None else {to}) if stream.live}
        self.joined -= shown
        self.ready |= shown
        return self._welcome(shown, at)

    def _welcome(self, streams: Iterable[Stream], at: Position) -> list[Delivery]:
        """Return the blocks that show each stream the members, itself included."""
        groups: dict[tuple[Codec, str | None], list[Stream]] = {}
        for stream in streams:
            listed = stream.user_id is None or stream.user_id in self.members
            own = None if listed else stream.user_id
            groups.setdefault((stream.codec, own), []).append(stream)
        return [
            (found, self._snapshot_block(codec, own, found[0].infos.get(self.channel, "{}"), at))
            for (codec, own), found in groups.items()
        ]

    def _snapshot_block(self, codec: Codec, own: str | None, info: str, at: Position) -> bytes:
        """Write the members, and ``own`` with ``info`` if it is none of them yet."""
        count = len(self.members) + (own is not None)
        infos: dict[str, Any] = {}
        if count <= self._limit:
            infos = {user: json.loads(member.info) for user, member in self.members.items()}
            infos |= {own: json.loads(info)} if own is not None else {}
        presence = {"count": count, "ids": list(infos), "hash": infos}
        return codec.control(at, SUBSCRIPTION_SUCCEEDED, {"presence": presence}, self.channel)

    def count(self, at: Position) -> list[Delivery]:
        """Return the blocks that tell the new number of members, when only it is told."""
        if not self.counted:
            return []
        self.counted = False
        return self._tell(MEMBER_COUNT, {"count": len(self.members)}, at)

    def _tell(
        self, name: str, data: dict[str, Any], at: Position, but: str | None = None
    ) -> list[Delivery]:
        blocks = {
            codec: codec.control(at, name, data, self.channel)
            for codec in {stream.codec for stream in self.ready}
        }
        to = [stream for stream in self.ready if but is None or stream.user_id != but]
        return [
            ([stream for stream in to if stream.codec is codec], block)
            for codec, block in blocks.items()
        ]


class Rosters:
    """The rosters of one worker by channel. Not synchronised: the hub's lock guards them."""

    def __init__(self, limit: int) -> None:
        self.generation = 0
        self._limit = limit
        self._by_channel: dict[str, Roster] = {}

    def __iter__(self) -> Iterator[Roster]:
        return iter(self._by_channel.values())

    def get(self, channel: str) -> Roster | None:
        return self._by_channel.get(channel)

    def hold(self, stream: Stream, channels: Iterable[str]) -> None:
        """A stream is about to join: from now on no event of these channels is missed."""
        for channel in channels:
            roster = self._by_channel.get(channel)
            if roster is None:
                roster = self._by_channel[channel] = Roster(channel, self._limit)
            roster.waiting.add(stream)

    def release(self, stream: Stream, channels: Iterable[str]) -> None:
        for channel in channels:
            roster = self._by_channel.get(channel)
            if roster is None:
                continue
            roster.ready.discard(stream)
            roster.waiting.discard(stream)
            roster.joined.discard(stream)
            if not (roster.ready or roster.waiting or roster.joined):
                del self._by_channel[channel]

    def distrust(self) -> None:
        """Events may have been missed: what was asked before this has to be asked again."""
        self.generation += 1
        for roster in self:
            roster.distrust()


def last_seen_text(milliseconds: int) -> str:
    """Write a time as the contract does: ISO 8601, UTC, ending in Z."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _wire(event: MemberEvent) -> tuple[str, dict[str, Any]]:
    member = event.member
    if member is None:
        return MEMBER_REMOVED, {"id": event.user_id}
    if event.kind == "added":
        return MEMBER_ADDED, {"id": event.user_id, "info": json.loads(member.info)}
    seen = last_seen_text(member.last_seen)
    return MEMBER_UPDATED, {"id": event.user_id, "status": member.status, "lastSeen": seen}


def _differences(
    channel: str, before: dict[str, Member], after: dict[str, Member]
) -> Iterator[MemberEvent]:
    for user in before.keys() - after.keys():
        yield MemberEvent(channel, "removed", user, 0, None)
    for user, member in after.items():
        known = before.get(user)
        if known is None:
            yield MemberEvent(channel, "added", user, 0, member)
        elif known.status != member.status:
            yield MemberEvent(channel, "updated", user, 0, member)
