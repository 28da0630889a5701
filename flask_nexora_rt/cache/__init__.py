"""Values that are costly to make, kept in the host's Flask-Caching store."""

from .keys import CacheKeys, CacheTTL
from .service import Fetched

__all__ = ["CacheKeys", "CacheTTL", "Fetched"]
