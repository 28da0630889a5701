"""Further names under which the channels of a pattern tell an event. Pure.

An alias is written where an event is encoded, from the event itself: the log holds the event once,
so an alias has its place in the order, and an edit or a delete reaches it in replay as well.
Channels without aliases cost a look into a dict.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from .channels import Pattern, check_signature
from .errors import InvalidName
from .events import Event, check_publishable, dump_json

logger = logging.getLogger(__name__)

# Called with the event's data and, by name, the ids in the channel's name; None: not told.
Shape = Callable[..., Any]


@dataclass(frozen=True)
class Alias:
    """On channels of ``pattern``, ``event_name`` is told as ``name`` too, with the shaped data."""

    pattern: Pattern
    event_name: str
    name: str
    shape: Shape | None = None


class Aliases:
    """All aliases of an app, by event name."""

    def __init__(self) -> None:
        self._by_event: dict[str, tuple[Alias, ...]] = {}

    def add(self, alias: Alias) -> None:
        """Add an alias. Raises `InvalidName`, or `PatternError` when the shape takes no such ids.

        The same alias of overlapping patterns is told twice where both match.
        """
        if check_publishable(alias.name) == check_publishable(alias.event_name):
            raise InvalidName(f"{alias.name!r} would be an alias of itself")
        if alias.shape is not None:
            check_signature(alias.pattern, alias.shape, "data")
        known = self._by_event.get(alias.event_name, ())
        self._by_event = {**self._by_event, alias.event_name: (*known, alias)}

    def of(self, event: Event, channel: str) -> Iterator[Event]:
        """Yield ``event`` under its other names on ``channel``."""
        for alias in self._by_event.get(event.name, ()):
            ids = alias.pattern.match(channel)
            data = None if ids is None else _shape(alias, event.data_for(channel), ids)
            if data is not None:
                yield replace(event, name=alias.name, data=data, parts=None)


NO_ALIASES = Aliases()


def _shape(alias: Alias, data: bytes, ids: dict[str, str]) -> bytes | None:
    if alias.shape is None:
        return data
    try:
        shaped = alias.shape(json.loads(data), **ids)
        return None if shaped is None else dump_json(shaped)
    except Exception:
        # The event itself is in order, and nobody who waits for it should miss it.
        logger.exception("the shape of %s for %s raised: not told", alias.name, alias.event_name)
        return None
