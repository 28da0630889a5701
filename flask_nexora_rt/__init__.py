"""Realtime for Flask: channels, presence and history over server-sent events."""

from .cache import CacheKeys, CacheTTL
from .errors import (
    BadRequest,
    BrokerUnavailable,
    ConfigurationError,
    EventTooLarge,
    FactoryFailed,
    Forbidden,
    InvalidName,
    NexoraError,
    NotServable,
    PatternError,
    Unauthorized,
    Uncacheable,
    ValueTooLarge,
)
from .extension import NexoraRT

__all__ = [
    "BadRequest",
    "BrokerUnavailable",
    "CacheKeys",
    "CacheTTL",
    "ConfigurationError",
    "EventTooLarge",
    "FactoryFailed",
    "Forbidden",
    "InvalidName",
    "NexoraError",
    "NexoraRT",
    "NotServable",
    "PatternError",
    "Unauthorized",
    "Uncacheable",
    "ValueTooLarge",
]
