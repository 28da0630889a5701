"""What the host declares once, for every app that uses the extension object."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .channels import ChannelRegistry


@dataclass
class Declarations:
    """Who may hold which channel, and how users are named."""

    channels: ChannelRegistry = field(default_factory=ChannelRegistry)
    user_id: Callable[[Any], object] | None = None
    user_info: Callable[[str], Mapping[str, Any] | None] | None = None
    members: Callable[[str], Sequence[str]] | None = None
    mentions: Callable[[str, Sequence[str]], Sequence[str]] | None = None
    moderator: Callable[[str, str], bool] | None = None
