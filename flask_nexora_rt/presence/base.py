"""Who is where, on any worker: what the shared record promises.

The record holds a row per stream and channel, and a row per signed-in stream. Rows belong to
a worker, and a worker holds one lease: when it is not renewed, its rows go and the leaves are
told. Two implementations pass one contract suite.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

Status = Literal["online", "away"]
MEMBER_EVENT = "#member"

LEASE_SECONDS = 8.0
GRACE_SECONDS = 5.0


class Row(NamedTuple):
    """One stream's hold on a channel. ``info``: JSON text when holding it makes visible."""

    socket_id: str
    channel: str
    user_id: str | None = None
    info: str | None = None


class Connection(NamedTuple):
    """One open stream of a signed-in user."""

    socket_id: str
    user_id: str


class Change(NamedTuple):
    """A row or connection that comes (``present``) or goes."""

    present: bool
    what: Row | Connection


class Outcome(NamedTuple):
    """What a change made true for everybody, exactly once: the names are Pusher's webhooks'."""

    kind: Literal["channel_occupied", "channel_vacated", "member_added", "member_removed"]
    channel: str
    user_id: str | None = None


class Member(NamedTuple):
    """A user who is visible on a channel. ``info`` is JSON text, ``last_seen`` in ms."""

    user_id: str
    info: str
    status: str
    last_seen: int


class Snapshot(NamedTuple):
    """The members of a channel; member events with a higher ``version`` follow it.

    Version 0: nothing has been told of the channel, or not for long; any other one may follow.
    """

    version: int
    members: dict[str, Member]


class UserStatus(NamedTuple):
    """``status`` is online, away or offline; ``last_seen`` in ms, None when never seen."""

    status: str
    last_seen: int | None


class Occupancy(NamedTuple):
    """How many streams hold a channel, and how many users are visible on it."""

    subscriptions: int
    users: int


class PresenceStore(Protocol):
    """The record. Methods may be called from any thread and raise `BrokerUnavailable`.

    Every method that changes members tells it, in the same atomic step, as an ephemeral
    `MEMBER_EVENT` without channels whose data is ``{"channel", "kind", "user", "version",
    "member"}``; versions of a channel rise by one, or jump when the record began anew.
    """

    def apply(self, worker: str, changes: Sequence[Change]) -> tuple[bool, list[Outcome]]:
        """Apply changes in order; repeated ones change nothing.

        A member is added with the first row of its user, and removed `GRACE_SECONDS` after the
        last one has gone (by `sweep`), so that a reload does not flicker. False: the worker had
        no lease, so its earlier rows may be gone and it has to tell all of them again.
        """

    def renew(self, worker: str, stats: dict[str, Any]) -> bool:
        """Renew the lease for `LEASE_SECONDS` and leave the worker's figures; see `apply`."""

    def leave(self, worker: str) -> None:
        """Give the lease back: the rows that are left go with the next `sweep`.

        Their members have twice the grace: a worker that drains tells its clients to come back
        later. Those of a lease that ran out have had theirs.
        """

    def sweep(self, patient: bool = False) -> list[Outcome]:
        """Remove the rows of workers without a lease, and members whose grace is over.

        ``patient``: only the rows of workers that gave their lease back. After an outage the
        leases and graces that ran out may be those of workers and users that are coming back.
        """

    def set_status(self, socket_id: str, user_id: str, status: Status) -> bool:
        """Set one stream's status; a user is away when all its streams are. False: no stream.

        A stream keeps its status when its worker tells it again, also under another name.
        """

    def snapshot(self, channel: str) -> Snapshot:
        """Return the members of a channel."""

    def status(self, user_id: str) -> UserStatus:
        """Return whether a user is anywhere, and when it was last seen to do something."""

    def occupancy(self, channel: str) -> Occupancy:
        """Count a channel's holders."""

    def channels(self, prefix: str) -> dict[str, Occupancy]:
        """Count the holders of every occupied channel whose name starts so."""

    def workers(self) -> dict[str, dict[str, Any]]:
        """Return the figures of every worker that holds a lease."""


def overall_status(states: Iterable[str]) -> str:
    """Return a user's status from those of its streams: away when all are, offline without one."""
    found = set(states)
    if not found:
        return "offline"
    return "online" if "online" in found else "away"


def read_member(user_id: str, stored: Mapping[str, Any]) -> Member:
    """Read a member as the record and its events write it."""
    return Member(user_id, stored["info"], stored["status"], int(stored["seen"]))


def write_member(member: Member) -> dict[str, str]:
    """Write a member as the record and its events hold it."""
    return {"info": member.info, "status": member.status, "seen": str(member.last_seen)}
