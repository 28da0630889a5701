"""What the host says about messages: its functions, and its limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from .alerts import Alerts


class Hooks(NamedTuple):
    """What the host says: see the decorators of `NexoraRT`."""

    user_info: Callable[[str], Mapping[str, Any] | None]
    members: Callable[[str], Sequence[str]] | None
    mentions: Callable[[str, Sequence[str]], Sequence[str]] | None
    may_moderate: Callable[[str, str], bool]
    caller_id: Callable[[], str | None]
    sent: Sequence[Callable[[Mapping[str, Any]], object]]
    alerts: Alerts


class Rules(NamedTuple):
    """``max_length`` in characters, ``edit_seconds`` after sending (0: for ever)."""

    max_length: int
    edit_seconds: float
    public_receipts: bool
