"""Channels on which is published too what is published on another one. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from .channels import Pattern, check_channel, check_signature


class Mirror(NamedTuple):
    """``find(**ids)`` names the other channel of a channel of ``pattern``, or None."""

    pattern: Pattern
    find: Callable[..., str | None]


class Mirrors:
    """All mirrors of an app. A mirror's mirror is not asked."""

    def __init__(self) -> None:
        self._mirrors: tuple[Mirror, ...] = ()

    def add(self, mirror: Mirror) -> None:
        """Add a mirror. Raises `PatternError` when the function takes no such ids."""
        check_signature(mirror.pattern, mirror.find)
        self._mirrors = (*self._mirrors, mirror)

    def with_mirrors(self, channels: str | Sequence[str]) -> str | Sequence[str]:
        """Return the channels and, after them, their mirrors."""
        if not self._mirrors:
            return channels
        names = [channels] if isinstance(channels, str) else list(channels)
        return [*names, *(found for name in names for found in self._of(name))]

    def _of(self, channel: str) -> list[str]:
        name = check_channel(channel)
        matches = ((mirror, mirror.pattern.match(name)) for mirror in self._mirrors)
        found = [mirror.find(**ids) for mirror, ids in matches if ids is not None]
        return [other for other in found if other is not None]
