"""A log that can be out of reach, or late, for tests of those who read it."""

import threading

from flask_nexora_rt.errors import BrokerUnavailable
from flask_nexora_rt.events import Position
from flask_nexora_rt.log import Batch, Bounds
from flask_nexora_rt.log.memory import MemoryLog, MemoryTail


class FarLog(MemoryLog):
    """A log at the end of a link that can be cut; others still write to it. It can lag too."""

    def __init__(self, *args) -> None:
        super().__init__(*args)
        self.cut = False
        self.flowing = threading.Event()
        self.flowing.set()

    def break_link(self) -> None:
        with self._changed:
            self.cut = True
            self._changed.notify_all()

    def mend_link(self) -> None:
        self.cut = False

    def bounds(self, seen: Position | None = None) -> Bounds:
        self._require_link()
        return super().bounds(seen)

    def _news(self, tail: MemoryTail) -> bool:
        return self.cut or super()._news(tail)

    def _read(self, tail: MemoryTail, timeout: float) -> Batch:
        self._require_link()
        batch = super()._read(tail, timeout)
        self.flowing.wait(10)
        self._require_link()
        return batch

    def _require_link(self) -> None:
        if self.cut:
            raise BrokerUnavailable("cut")
