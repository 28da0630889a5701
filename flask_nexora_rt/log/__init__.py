"""The log: one ordered place every event passes."""

from .base import Batch, Bounds, EntriesLost, EventLog, Gap, GapReason, Tail
from .read_index import ReadIndex
from .window import Limits, Window

__all__ = [
    "Batch",
    "Bounds",
    "EntriesLost",
    "EventLog",
    "Gap",
    "GapReason",
    "Limits",
    "ReadIndex",
    "Tail",
    "Window",
]
