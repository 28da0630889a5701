"""Bytes straight to the client's socket, taken over from gunicorn's gevent worker.

The request ends as soon as the stream is open: its greenlet, its stack and its pool slot are
free, and the hub writes to the non-blocking descriptor itself.
"""

from __future__ import annotations

import logging
import os
import select
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Final

from .base import Source, Start, Stream, Subscription

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

logger = logging.getLogger(__name__)
access_logger = logging.getLogger("flask_nexora_rt.access")

_PIECES_PER_WRITE: Final = 64
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
# End of file only, not bytes: a client that keeps sending wakes nobody.
_LEFT: Final = getattr(select, "EPOLLRDHUP", 0)
_BROKEN: Final = getattr(select, "EPOLLERR", 0) | getattr(select, "EPOLLHUP", 0)
_WRITABLE: Final = getattr(select, "EPOLLOUT", 0)


class HandedOver(StopIteration):
    """Ends the request inside gunicorn: the response has left with its socket.

    gunicorn's async workers take a StopIteration out of the application as "close this
    connection without a word"; by then the socket it closes is an empty shell.
    """


def can_take_over(environ: WSGIEnvironment) -> bool:
    """Say whether this request came to a gunicorn gevent worker over plain HTTP/1.

    Not over TLS inside gunicorn (the descriptor carries ciphertext), nor HTTP/2 (frames).
    """
    sock = environ.get("gunicorn.socket")
    return (
        type(sock).__module__ == "gevent._socket3"
        and environ.get("SERVER_PROTOCOL") in ("HTTP/1.1", "HTTP/1.0")
        and environ.get("HTTP_VERSION") != "2"
        and _original_epoll() is not None
    )


def _original_epoll() -> Callable[[], select.epoll] | None:
    """Return ``select.epoll``, which monkey patching has hidden, or None off Linux."""
    from gevent import monkey

    try:
        epoll: Callable[[], select.epoll] = monkey.get_original("select", "epoll")
    except AttributeError:
        return None
    return epoll


class SocketStream(Stream):
    """A stream on a descriptor of its own. Only one OS thread touches it; nothing here blocks."""

    __slots__ = ("_ending", "_fd", "_label", "_opened", "_pending", "_pending_bytes", "_sent")

    def __init__(
        self,
        source: Source,
        subscription: Subscription,
        start: Start,
        expires: float,
        buffer_bytes: int,
    ) -> None:
        super().__init__(source, subscription, start, expires, buffer_bytes)
        self._fd = -1
        self._pending: deque[bytes | memoryview] | None = None
        self._pending_bytes = 0
        self._ending = False
        self._sent = 0
        self._label = ""
        self._opened = time.monotonic()

    def open(self, environ: WSGIEnvironment, head: bytes) -> None:
        """Take the request's socket, send ``head`` (status line, headers, first blocks), go on."""
        self._label = f"{environ.get('REMOTE_ADDR', '-')} {environ.get('PATH_INFO', '')}"
        self._fd = environ["gunicorn.socket"].detach()
        os.set_blocking(self._fd, False)
        watcher().add(self._fd, self)
        self.push(head)
        self._catch_up()

    def _catch_up(self) -> None:
        """Send replay until the client stops reading or nothing is left of it."""
        while self._pending is None and not self.live and self._fd >= 0:
            chunk = self.source.catch_up(self)
            if chunk is None:
                return
            self.push(chunk)

    def push(self, data: bytes) -> None:
        if self._pending is not None:
            self._enqueue(data)
            return
        try:
            sent = os.write(self._fd, data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.abort()
            return
        self._sent += sent
        if sent < len(data):
            self._pending = deque()
            self._enqueue(memoryview(data)[sent:])
            watcher().want_write(self._fd, True)

    def _enqueue(self, data: bytes | memoryview) -> None:
        if self._pending is None or self._ending:
            return
        if self.live and self._pending_bytes > self.buffer_bytes:
            logger.warning("stream %s is cut: its client does not read", self.socket_id)
            self._reset()
            return
        self._pending.append(data)
        self._pending_bytes += len(data)

    def flush(self) -> None:
        """The client reads again: send what waits, then go on where the stream was."""
        try:
            while self._pending:
                sent = os.writev(self._fd, list(islice(self._pending, _PIECES_PER_WRITE)))
                self._consume(sent)
        except BlockingIOError:
            return
        except OSError:
            self.abort()
            return
        self._pending = None
        watcher().want_write(self._fd, False)
        if self._ending:
            self._end()
        else:
            self._catch_up()

    def _consume(self, sent: int) -> None:
        self._sent += sent
        self._pending_bytes -= sent
        pending = self._pending
        while pending and sent >= len(pending[0]):
            sent -= len(pending.popleft())
        if pending and sent:
            pending[0] = memoryview(pending[0])[sent:]

    def finish(self, data: bytes) -> None:
        self.push(data)
        self._ending = True
        if self._pending is None:
            self._end()

    def _end(self) -> None:
        """End the response so that the client reads all of it: half-close, then close.

        Unread request bytes would turn the close into a reset that destroys what was sent.
        """
        if self._fd < 0:
            return
        # Nothing to read, or a client that has closed first: both are an end.
        with suppress(OSError), _raw_socket(self._fd) as sock:
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(4096):
                pass
        self.abort()

    def _reset(self) -> None:
        """Cut, and let the kernel drop what the client has not taken, at once."""
        with suppress(OSError), _raw_socket(self._fd) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._close(evicted=True)

    def abort(self) -> None:
        self._close(evicted=False)

    def _close(self, evicted: bool) -> None:
        fd, self._fd = self._fd, -1
        if fd < 0:
            return
        self._pending = None
        watcher().remove(fd)
        os.close(fd)
        self.source.drop(self, evicted)
        seconds = time.monotonic() - self._opened
        access_logger.info(
            '%s user=%s "stream %s" 200 %d %.3f',
            self._label, self.user_id or "-", self.socket_id, self._sent, seconds,
        )  # fmt: skip


@contextmanager
def _raw_socket(fd: int) -> Iterator[socket.socket]:
    """Wrap a descriptor for a few calls, past gevent's own socket class; it stays open."""
    from gevent import monkey

    sock: socket.socket = monkey.get_original("socket", "socket")(fileno=fd)
    try:
        yield sock
    finally:
        sock.detach()


class Watcher:
    """Tells streams when their client has left or reads again: one epoll set per process.

    The set as a whole is one descriptor in gevent's loop, so a stream costs the loop nothing.
    """

    def __init__(self, epoll: select.epoll) -> None:
        self._epoll = epoll
        self._streams: dict[int, SocketStream] = {}

    def add(self, fd: int, stream: SocketStream) -> None:
        self._streams[fd] = stream
        self._epoll.register(fd, _LEFT)

    def want_write(self, fd: int, wanted: bool) -> None:
        if fd in self._streams:
            flags = _LEFT | (_WRITABLE if wanted else 0)
            self._epoll.modify(fd, flags)

    def remove(self, fd: int) -> None:
        """Forget a descriptor that is about to be closed."""
        if self._streams.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def run(self) -> None:
        """Serve events for as long as the process lives."""
        import gevent

        hub = gevent.get_hub()
        readable = hub.loop.io(self._epoll.fileno(), 1)
        while True:
            hub.wait(readable)
            for fd, flags in self._epoll.poll(0):
                stream = self._streams.get(fd)
                if stream is not None:
                    self._serve(stream, flags)

    def _serve(self, stream: SocketStream, flags: int) -> None:
        try:
            if flags & (_LEFT | _BROKEN):
                stream.abort()
            else:
                stream.flush()
        except Exception:
            logger.exception("stream %s failed and is cut", stream.socket_id)
            stream.abort()


_watchers: dict[int, Watcher] = {}


def watcher() -> Watcher:
    """Return this process's watcher; the first call after a fork starts it."""
    pid = os.getpid()
    found = _watchers.get(pid)
    if found is None:
        epoll = _original_epoll()
        if epoll is None:
            raise RuntimeError("the socket transport needs epoll: set NEXORA_RT_TRANSPORT=wsgi")
        found = _watchers[pid] = Watcher(epoll())
        threading.Thread(target=found.run, name="nexora-rt-watcher", daemon=True).start()
    return found
