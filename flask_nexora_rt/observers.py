"""Who is told by the hub of what happens to its streams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .events import Event, Position
from .fanout import Delivery
from .transport.base import Stream


class Attendance(Protocol):
    """Who wants to know which streams come and go: presence."""

    def admitted(self, stream: Stream) -> None:
        """The stream is counted in; it is not live yet."""

    def hold(self, stream: Stream, channels: Sequence[str]) -> None:
        """The live stream holds more channels; called with the hub's lock."""

    def welcome(self, stream: Stream, at: Position) -> bytes:
        """Return what the stream is shown as it becomes live; called with the hub's lock."""

    def dropped(self, stream: Stream, channels: Sequence[str]) -> None:
        """The stream holds these channels no more; all of them when it has ended."""

    def ticked(self, at: Position) -> list[Delivery]:
        """A second has passed; return what is to be sent."""

    def restarted(self) -> None:
        """Ephemeral events may have been missed."""


class Watcher(Protocol):
    """Who looks at what passes: typing."""

    def saw(self, event: Event) -> None:
        """An ephemeral event is about to be sent; called with the hub's ``order``."""

    def dropped(self, stream: Stream, channels: Sequence[str]) -> None:
        """The stream holds these channels no more."""
