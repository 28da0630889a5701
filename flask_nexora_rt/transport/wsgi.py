"""Bytes to a client through the WSGI server: an iterator over a bounded queue.

Works on every server that runs requests concurrently; each stream occupies its thread or
greenlet for as long as it is open.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections import deque
from contextlib import suppress

from .base import Source, Start, Stream, Subscription

logger = logging.getLogger(__name__)


class QueueStream(Stream):
    """The response iterable of one stream. ``_ready`` guards its own fields.

    `close`, which the server calls when the client has left, may come from any thread.
    """

    __slots__ = ("_ended", "_queue", "_queued", "_ready", "_socket")

    def __init__(
        self,
        source: Source,
        subscription: Subscription,
        start: Start,
        expires: float,
        buffer_bytes: int,
    ) -> None:
        super().__init__(source, subscription, start, expires, buffer_bytes)
        self._ready = threading.Condition(threading.Lock())
        self._queue: deque[bytes] = deque()
        self._queued = 0
        self._ended = False
        self._socket: socket.socket | None = None

    def carried_by(self, sock: socket.socket | None) -> None:
        """Name the server's socket: shutting it down frees a thread whose client does not read."""
        self._socket = sock

    def push(self, data: bytes) -> None:
        with self._ready:
            slow = self.live and self._queued > self.buffer_bytes
            if not slow and not self._ended:
                self._queue.append(data)
                self._queued += len(data)
                self._ready.notify()
        if slow:
            logger.warning("stream %s is cut: its client does not read", self.socket_id)
            self._cut(evicted=True)

    def finish(self, data: bytes) -> None:
        self.push(data)
        with self._ready:
            self._ended = True
            self._ready.notify()

    def abort(self) -> None:
        self._cut(evicted=False)

    def close(self) -> None:
        """The server is done with the response."""
        self._end(evicted=False)

    def _cut(self, evicted: bool) -> None:
        self._end(evicted)
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _end(self, evicted: bool) -> None:
        with self._ready:
            self._ended = True
            self._queue.clear()
            self._ready.notify()
        self.source.drop(self, evicted)

    def __iter__(self) -> QueueStream:
        return self

    def __next__(self) -> bytes:
        data = self._take(wait=False)
        if not data and not self._ended:
            data = self.source.catch_up(self) or self._take(wait=True)
        if not data:
            self.source.drop(self)
            raise StopIteration
        return data

    def _take(self, wait: bool) -> bytes:
        """Return all that is queued; nothing only when the stream has ended (or no wait)."""
        with self._ready:
            while wait and not self._queue and not self._ended:
                self._ready.wait()
            data = b"".join(self._queue)
            self._queue.clear()
            self._queued = 0
        return data
