"""Values that are costly to make, kept in the host's Flask-Caching store."""

from .keys import CacheKeys, CacheTTL

__all__ = ["CacheKeys", "CacheTTL"]
