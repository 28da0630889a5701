"""The log: one ordered place every event passes."""

from .base import Batch, Bounds, EntriesLost, EventLog, Gap, GapReason, Tail
from .window import Limits, Window

__all__ = [
    "Batch",
    "Bounds",
    "EntriesLost",
    "EventLog",
    "Gap",
    "GapReason",
    "Limits",
    "Tail",
    "Window",
]
