"""Nexora's cache keys and how long their values are good for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from ..errors import BadRequest

_MAX_KEY_LENGTH = 512


class CacheTTL:
    """Seconds."""

    SHORT: Final = 300
    MEDIUM: Final = 1800
    LONG: Final = 3600
    DAY: Final = 86_400

    AI_INSIGHTS: Final = DAY
    TRENDING_CATEGORIES: Final = LONG
    USER_PROFILE: Final = SHORT
    GUILD_PROFILE: Final = SHORT
    BOUNTY_LIST: Final = SHORT
    LEADERBOARD: Final = MEDIUM


class CacheKeys:
    """Builders of keys. Each part is quoted, so that no id can reach into another one's key."""

    @staticmethod
    def ai_insights(user_id: object) -> str:
        """``ai:insights:{id}``"""
        return cache_key("ai", "insights", user_id)

    @staticmethod
    def trending_categories() -> str:
        """``ai:trending:categories``"""
        return cache_key("ai", "trending", "categories")

    @staticmethod
    def user_profile(user_id: object) -> str:
        """``user:profile:{id}``"""
        return cache_key("user", "profile", user_id)

    @staticmethod
    def guild_profile(guild_id: object) -> str:
        """``guild:profile:{id}``"""
        return cache_key("guild", "profile", guild_id)

    @staticmethod
    def bounty_list(filters: Mapping[str, Any] | str) -> str:
        """``bounty:list:{hash}``, of the filters or of what is their hash already."""
        text = filters if isinstance(filters, str) else filters_hash(filters)
        return cache_key("bounty", "list", text)

    @staticmethod
    def leaderboard(kind: object) -> str:
        """``leaderboard:{type}``"""
        return cache_key("leaderboard", kind)


def cache_key(*parts: object) -> str:
    """Join parts by ``:``; what is not a letter, a digit or one of ``_.-~`` becomes ``%xx``.

    Raises `BadRequest` for a part that is no valid Unicode text.
    """
    try:
        return ":".join(quote(str(part), safe="") for part in parts)
    except UnicodeEncodeError:
        raise BadRequest(f"a part of the cache key {parts!r} is no valid Unicode text") from None


def filters_hash(filters: Mapping[str, Any]) -> str:
    """Return 32 hex digits that depend on names and values, not on their order."""
    text = json.dumps(filters, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def check_key(key: object) -> str:
    """Return ``key``, or raise `BadRequest` when no store could take it."""
    if not isinstance(key, str) or not 0 < len(key) <= _MAX_KEY_LENGTH:
        raise BadRequest(f"a cache key is text of 1 to {_MAX_KEY_LENGTH} characters")
    if not key.isascii():
        try:
            key.encode()
        except UnicodeEncodeError:
            raise BadRequest(f"the cache key {key!r} is no valid Unicode text") from None
    return key
