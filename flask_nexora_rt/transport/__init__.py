"""How bytes reach a client: two transports behind one interface."""

from .base import Source, Start, Stream, Subscription

__all__ = ["Source", "Start", "Stream", "Subscription"]
