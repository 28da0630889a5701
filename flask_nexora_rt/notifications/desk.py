"""What notifications work with during one call: a session and what goes out when it commits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..events import Event
from .purging import Purge
from .store import NotificationStore


@dataclass(frozen=True)
class Desk:
    """``make_event`` checks sizes, ``publish`` puts events into the outbox of the session."""

    session: Any
    store: NotificationStore
    purge: Purge
    make_event: Callable[..., Event]
    publish: Callable[[Sequence[Event]], None]
    now: datetime
