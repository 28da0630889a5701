"""Events, their positions in the log, and the names the wire reserves. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from .channels import check_channel
from .errors import BadRequest, EventTooLarge, InvalidName

MAX_EVENT_NAME_LENGTH = 200

CONNECTION_ESTABLISHED: Final = "pusher:connection_established"
SUBSCRIPTION_SUCCEEDED: Final = "pusher:subscription_succeeded"
SUBSCRIPTION_ERROR: Final = "pusher:subscription_error"
PING: Final = "nexora:ping"
GAP: Final = "nexora:gap"
REVOKED: Final = "nexora:revoked"
CLOSING: Final = "nexora:closing"

_RESERVED_PREFIXES = ("pusher:", "pusher_internal:", "nexora:")
# `error` and `open` would fire the EventSource object's own handlers (WHATWG HTML 9.2.2).
_RESERVED_NAMES = frozenset({"error", "open"})
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_POSITION = re.compile(r"(0|[1-9][0-9]{0,14})-(0|[1-9][0-9]{0,18})", re.ASCII)


class Position(NamedTuple):
    """A place in the log, ``<ms>-<seq>``: ordered, and comparable by clients."""

    ms: int
    seq: int

    def __str__(self) -> str:
        return f"{self.ms}-{self.seq}"

    @classmethod
    def parse(cls, text: str) -> Position:
        """Read a position. Raises `BadRequest` when the text is none."""
        match = _POSITION.fullmatch(text)
        if match is None:
            raise BadRequest(f"{text[:40]!r} is not a position: send back an id of this stream")
        return cls(int(match[1]), int(match[2]))

    def next(self) -> Position:
        """Return the smallest position after this one."""
        return Position(self.ms, self.seq + 1)


@dataclass(frozen=True, slots=True)
class Event:
    """What somebody publishes.

    ``channels``: where to; one entry serves them all. ``data``: JSON text, UTF-8, one line.
    ``exclude``: the socket_id that does not get it live, or
    the user (see `fanout.exclude_user`). ``key``: in replay a later event with
    the same key supersedes this one. ``replay``: makes this an amendment: replay shows the
    event that the key began with this data, or not at all when it is ``b""``. ``parts``:
    JSON objects by channel, merged over the object in ``data``. ``user_id``: who sent it (client
    events on presence channels). ``publish_id``: a repeated append with it appends once.
    """

    channels: tuple[str, ...]
    name: str
    data: bytes
    exclude: str | None = None
    key: str | None = None
    replay: bytes | None = None
    parts: Mapping[str, bytes] | None = None
    user_id: str | None = None
    publish_id: str | None = None

    def data_for(self, channel: str) -> bytes:
        """Return the JSON text that ``channel`` receives."""
        part = self.parts.get(channel) if self.parts else None
        return self.data if part is None else _merge(self.data, part)

    @property
    def size(self) -> int:
        """Bytes this event holds in memory, about: payloads, names, and the objects."""
        parts = sum(len(c) + len(p) for c, p in self.parts.items()) if self.parts else 0
        return 400 + len(self.data) + len(self.replay or b"") + parts + 60 * len(self.channels)


@dataclass(frozen=True, slots=True)
class Entry:
    """An event with its position in the log."""

    position: Position
    event: Event


@dataclass(frozen=True, slots=True)
class Reset:
    """A place where the log began anew: cursors before it have lost events."""

    position: Position


def _merge(shared: bytes, part: bytes) -> bytes:
    """Join two JSON objects given as text; the keys of ``part`` come last and so win."""
    if part == b"{}":
        return shared
    return part if shared == b"{}" else shared[:-1] + b"," + part[1:]


def check_event_name(name: object) -> str:
    """Return ``name`` when it can stand in a frame, else raise `InvalidName`.

    CR, LF and NUL would let a name write fields of its own into the stream (CWE-93).
    """
    if not isinstance(name, str) or not 0 < len(name) <= MAX_EVENT_NAME_LENGTH:
        raise InvalidName(f"an event name is text of 1 to {MAX_EVENT_NAME_LENGTH} characters")
    if _CONTROL.search(name):
        raise InvalidName(f"the event name {name[:60]!r} holds a control character")
    return name


def check_publishable(name: object) -> str:
    """Return ``name`` when the host may publish it: `check_event_name`, and not reserved."""
    text = check_event_name(name)
    if text in _RESERVED_NAMES or text.startswith(_RESERVED_PREFIXES):
        raise InvalidName(f"the event name {text!r} is reserved: choose another one")
    return text


def dump_json(data: Any, default: Callable[[Any], Any] | None = None) -> bytes:
    """Write JSON on one line as UTF-8; lone surrogates are escaped, NaN is refused."""
    try:
        text = json.dumps(
            data, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=default
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise BadRequest(f"the event's data cannot be written as JSON: {error}") from error
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(data, separators=(",", ":"), default=default).encode()


def require_size(payload: bytes, limit: int) -> bytes:
    """Return the JSON text when it is at most ``limit`` bytes, else raise `EventTooLarge`."""
    if len(payload) > limit:
        raise EventTooLarge(
            f"the event is {len(payload)} bytes of JSON, the limit is {limit} "
            "(NEXORA_RT_MAX_EVENT_BYTES): send an id and let clients fetch the rest"
        )
    return payload


def make_event(
    channels: str | Sequence[str],
    name: str,
    data: Any,
    *,
    limit: int,
    default: Callable[[Any], Any] | None = None,
    exclude: str | None = None,
    key: str | None = None,
    replay: Any = None,
) -> Event:
    """Build an event from what a caller gave: the one door where names and size are checked.

    ``limit`` is in bytes of UTF-8 JSON; ``replay`` is what replay shows instead of the event that
    ``key`` began (see `Event`), or ``b""``. Raises `InvalidName`, `BadRequest`, `EventTooLarge`.
    """
    names = (channels,) if isinstance(channels, str) else tuple(channels)
    if not names:
        raise BadRequest("an event needs at least one channel")
    checked = tuple(dict.fromkeys(map(check_channel, names)))
    payload = require_size(dump_json(data, default), limit)
    amended = replay
    if replay is not None and replay != b"":
        amended = require_size(dump_json(replay, default), limit)
    return Event(
        checked, check_publishable(name), payload, exclude=exclude, key=key, replay=amended
    )
