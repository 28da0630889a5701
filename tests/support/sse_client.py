"""One event stream over a raw socket, read by the thread that asks for events."""

import contextlib
import socket
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from tests.support.event_stream import EventStreamParser, ServerSentEvent
from tests.support.http_response import HttpResponse

READ_BYTES = 1 << 16
# SO_LINGER of zero seconds: close() sends RST at once, as a crashed machine's neighbour would.
_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """What one connection asks for."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)
    last_event_id: str | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to connect to."""
        parts = urlsplit(self.url)
        return parts.hostname or "127.0.0.1", parts.port or 80

    def encode(self) -> bytes:
        """The bytes of the request."""
        parts = urlsplit(self.url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        lines = [f"GET {target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self._headers(parts.netloc).items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _headers(self, host: str) -> dict[str, str]:
        headers = {"Host": host, "Accept": "text/event-stream", **self.headers}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if self.last_event_id:
            headers["Last-Event-ID"] = self.last_event_id
        return headers


class SseClient:
    """Connects, sends the request and waits for the response's head.

    `status` and `headers` (lower-case names) are those of the response; `body` collects a
    response that is no event stream. Nothing is read in the background: a client nobody asks
    for events is a client that does not read.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
        last_event_id: str | None = None,
        timeout: float = 10.0,
        receive_buffer: int | None = None,
    ) -> None:
        self.request = StreamRequest(url, headers or {}, cookies or {}, last_event_id)
        self.response = HttpResponse()
        self.parser = EventStreamParser(last_event_id or "")
        self.body = b""
        self.ended = False
        self._seen: list[ServerSentEvent] = []
        self._socket = self._connect(timeout, receive_buffer)
        self._wait(lambda: self.response.status is not None, timeout)
        if self.response.status is None:
            self.close()
            raise ConnectionError(f"no response from {url} within {timeout:g} s")

    def __repr__(self) -> str:
        state = "ended" if self.ended else "open"
        return (
            f"<SseClient {self.request.url} {self.response.status} {state} at {self.last_event_id}>"
        )

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status or 0

    @property
    def headers(self) -> dict[str, str]:
        """The response's headers by lower-case name."""
        return self.response.headers

    @property
    def last_event_id(self) -> str:
        """Where the stream would resume."""
        return self.parser.last_event_id

    @property
    def retry_ms(self) -> int | None:
        """The reconnection time the server asked for."""
        return self.parser.retry_ms

    def fileno(self) -> int:
        """For selectors; -1 once closed."""
        return self._socket.fileno()

    def take(self, n: int = 1, timeout: float = 10.0) -> list[ServerSentEvent]:
        """The next `n` events; AssertionError that shows what came when there are fewer."""
        self._wait(lambda: len(self._seen) >= n, timeout)
        if len(self._seen) < n:
            raise AssertionError(f"{len(self._seen)} of {n} events on {self!r}: {self._seen}")
        taken, self._seen = self._seen[:n], self._seen[n:]
        return taken

    def take_until(
        self, wanted: str | Callable[[ServerSentEvent], bool], timeout: float = 30.0
    ) -> list[ServerSentEvent]:
        """The events up to and including the first with that name (or that the test accepts)."""
        accepts = wanted if callable(wanted) else lambda event: event.name == wanted
        taken: list[ServerSentEvent] = []
        deadline = time.monotonic() + timeout
        while not (taken and accepts(taken[-1])):
            try:
                taken += self.take(1, max(0.0, deadline - time.monotonic()))
            except AssertionError:
                raise AssertionError(f"no {wanted!r} on {self!r} after {taken}") from None
        return taken

    def events(self, timeout: float = 1.0) -> list[ServerSentEvent]:
        """Everything that arrives within `timeout` seconds, or until the stream ends."""
        self._wait(lambda: False, timeout)
        seen, self._seen = self._seen, []
        return seen

    def wait_ended(self, timeout: float = 10.0) -> bool:
        """Whether the server ended the stream within `timeout` seconds; events stay to be taken."""
        self._wait(lambda: False, timeout)
        return self.ended

    def close(self) -> None:
        """A normal close, as when a tab is closed."""
        self._socket.close()
        self.ended = True

    def reset(self) -> None:
        """A hard close: the server gets RST."""
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connect(self, timeout: float, receive_buffer: int | None) -> socket.socket:
        connection = socket.socket()
        if receive_buffer is not None:
            # Before connect(), or the window has been offered already.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(timeout)
        try:
            connection.connect(self.request.address)
            connection.sendall(self.request.encode())
        except OSError:
            connection.close()
            raise
        return connection

    def _wait(self, done: Callable[[], bool], timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not done() and not self.ended:
            left = deadline - time.monotonic()
            if left <= 0 or not self._read(left):
                break

    def _read(self, timeout: float) -> bool:
        self._socket.settimeout(timeout)
        try:
            data = self._socket.recv(READ_BYTES)
        except TimeoutError:
            return False
        except ConnectionError:
            data = b""
        self._take_bytes(data)
        return True

    def _take_bytes(self, data: bytes) -> None:
        body = self.response.feed(data)
        if self.response.headers.get("content-type", "").startswith("text/event-stream"):
            self._seen += self.parser.feed(body)
        else:
            self.body += body
        self.ended = self.ended or not data or self.response.complete
