"""Realtime for Flask: channels, presence and history over server-sent events."""

from .errors import (
    BadRequest,
    BrokerUnavailable,
    ConfigurationError,
    EventTooLarge,
    Forbidden,
    InvalidName,
    NexoraError,
    NotServable,
    PatternError,
    Unauthorized,
)
from .extension import NexoraRT

__all__ = [
    "BadRequest",
    "BrokerUnavailable",
    "ConfigurationError",
    "EventTooLarge",
    "Forbidden",
    "InvalidName",
    "NexoraError",
    "NexoraRT",
    "NotServable",
    "PatternError",
    "Unauthorized",
]
