"""What the host declares about notifications, once for every app of the extension object."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .catalogue import BUILT_IN
from .types import TypeRegistry


@dataclass
class NotificationDeclarations:
    """``sender``: (user object, type, user ids) -> bool; ``locale``: user id -> locale or None."""

    types: TypeRegistry = field(default_factory=lambda: TypeRegistry(BUILT_IN))
    sender: Callable[[Any, str, Sequence[str]], bool] | None = None
    locale: Callable[[str], str | None] | None = None
