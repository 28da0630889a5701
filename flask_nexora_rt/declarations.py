"""What the host declares once, for every app that uses the extension object."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .aliases import Aliases
from .cache.warmup import WarmUp
from .channels import ChannelRegistry
from .mirrors import Mirrors
from .notifications.declared import NotificationDeclarations
from .scheduling.job import Job
from .trust_statements import TrustColumns


@dataclass
class Declarations:
    """Who may hold which channel, what is told there, and how users are named."""

    channels: ChannelRegistry = field(default_factory=ChannelRegistry)
    aliases: Aliases = field(default_factory=Aliases)
    mirrors: Mirrors = field(default_factory=Mirrors)
    user_id: Callable[[Any], object] | None = None
    user_info: Callable[[str], Mapping[str, Any] | None] | None = None
    members: Callable[[str], Sequence[str]] | None = None
    mentions: Callable[[str, Sequence[str]], Sequence[str]] | None = None
    notifications: NotificationDeclarations = field(default_factory=NotificationDeclarations)
    moderator: Callable[[str, str], bool] | None = None
    message_sent: list[Callable[[Mapping[str, Any]], object]] = field(default_factory=list)
    warm_ups: dict[str, WarmUp] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    admins: Callable[[], Sequence[Any]] | None = None
    activity: Callable[[], Any] | None = None
    detector: Callable[..., Any] | None = None
    trust: TrustColumns | None = None
