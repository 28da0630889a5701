"""Hundreds of event streams in one thread, each with a record of what it saw."""

import contextlib
import heapq
import queue
import random
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from typing import Self

from tests.support.event_stream import EventStreamParser, ServerSentEvent
from tests.support.http_response import HttpResponse
from tests.support.ports import wait_until
from tests.support.sse_client import READ_BYTES
from tests.support.swarm_stream import SwarmStream

DEFAULT_RETRY_MS = 200
_RESET = struct.pack("ii", 1, 0)

EventCallback = Callable[["SwarmStream", ServerSentEvent], None]
UrlPicker = Callable[["SwarmStream"], str]


class StreamSwarm:
    """Runs the streams in a thread of its own; its methods may be called from any other.

    With `reconnects=True` a stream behaves as an EventSource: when its connection ends or is
    cut, it comes back after the server's `retry` (or `default_retry_ms`) with its own last
    event id, to the address that `pick_url` gives (by default the one it had).
    """

    def __init__(
        self,
        *,
        on_event: EventCallback | None = None,
        pick_url: UrlPicker | None = None,
        default_retry_ms: int = DEFAULT_RETRY_MS,
    ) -> None:
        self.streams: list[SwarmStream] = []
        self._on_event = on_event
        self._pick_url = pick_url
        self._default_retry_ms = default_retry_ms
        self._selector = selectors.DefaultSelector()
        self._commands: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._due: list[tuple[float, int, SwarmStream]] = []
        self._order = count()
        self._running = False
        self._failure: BaseException | None = None
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_out.setblocking(False)
        self._selector.register(self._wake_out, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="stream-swarm", daemon=True)

    # --- from the test's thread ---------------------------------------------------------------

    def start(self) -> Self:
        """Starts the thread."""
        self._running = True
        self._thread.start()
        return self

    def stop(self) -> None:
        """Closes every stream and ends the thread; what was recorded stays. May be repeated."""
        if self._wake_in.fileno() < 0:
            return
        self._do(self._shut_down)
        self._thread.join(10)
        self._wake_in.close()
        self._wake_out.close()
        self._selector.close()
        if self._failure is not None:
            raise self._failure

    def open(
        self,
        url: str,
        *,
        name: str | None = None,
        headers: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
        last_event_id: str = "",
        reconnects: bool = False,
    ) -> SwarmStream:
        """Adds a stream and begins to connect it."""
        name = name or str(len(self.streams))
        stream = SwarmStream(name, url, headers or {}, cookies or {}, last_event_id, reconnects)
        self.streams.append(stream)
        self._do(lambda: self._connect(stream))
        return stream

    def cut(self, stream: SwarmStream) -> None:
        """Closes its connection hard (RST). With `reconnects` it comes back by itself."""
        self._do(lambda: self._cut(stream))

    def close(self, stream: SwarmStream) -> None:
        """Closes its connection as a browser closes a tab: it does not come back."""
        self._do(lambda: self._close(stream))

    def cut_some(self, n: int, rng: random.Random) -> list[SwarmStream]:
        """Cuts `n` random open streams and returns them."""
        open_streams = [stream for stream in self.streams if stream.state == "open"]
        chosen = rng.sample(open_streams, min(n, len(open_streams)))
        for stream in chosen:
            self.cut(stream)
        return chosen

    def reconnect(self, stream: SwarmStream, url: str | None = None) -> None:
        """Connects it again, with its last event id, there or to another address."""
        self._do(lambda: self._reconnect(stream, url))

    def wait_for(
        self,
        done: Callable[[SwarmStream], bool],
        timeout: float = 30.0,
        streams: Iterable[SwarmStream] | None = None,
    ) -> None:
        """Waits until `done` holds for each stream; AssertionError that names those it does not."""
        watched = list(self.streams if streams is None else streams)
        with contextlib.suppress(AssertionError):
            wait_until(lambda: self._failure or all(map(done, watched)), timeout)
        late = [stream for stream in watched if not done(stream)]
        if late:
            shown = ", ".join(
                f"{one.name}: {one.state}, {len(one.events)} events, {one.connects} connects, "
                f"statuses {one.statuses[-3:]}, last id {one.last_event_id}"
                for one in late[:5]
            )
            raise AssertionError(f"{len(late)} of {len(watched)} streams are late: {shown}") from (
                self._failure
            )

    def wait_open(self, timeout: float = 30.0) -> None:
        """Waits until each stream is open and has seen at least one event."""
        self.wait_for(lambda stream: stream.state == "open" and bool(stream.events), timeout)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- in the swarm's thread ----------------------------------------------------------------

    def _do(self, command: Callable[[], None]) -> None:
        self._commands.put(command)
        with contextlib.suppress(BlockingIOError):
            self._wake_in.send(b"x")

    def _run(self) -> None:
        try:
            while self._running:
                self._turn()
        except BaseException as error:  # noqa: BLE001 - it is raised again in stop(), in the test's thread
            self._failure = error
        finally:
            for stream in self.streams:
                self._drop(stream)

    def _turn(self) -> None:
        for key, _ in self._selector.select(self._pause()):
            if key.fileobj is self._wake_out:
                self._wake_out.recv(READ_BYTES)
            else:
                self._ready(key.data)
        while not self._commands.empty():
            self._commands.get()()
        while self._due and self._due[0][0] <= time.monotonic():
            stream = heapq.heappop(self._due)[2]
            if stream.reconnects:
                self._reconnect(stream, None)

    def _pause(self) -> float | None:
        return max(0.0, self._due[0][0] - time.monotonic()) if self._due else None

    def _shut_down(self) -> None:
        self._running = False

    def _connect(self, stream: SwarmStream) -> None:
        request = stream.request()
        stream.response = HttpResponse()
        stream.parser = EventStreamParser(stream.last_event_id)
        stream.connection = connection = socket.socket()
        stream.state = "connecting"
        stream.connects += 1
        connection.setblocking(False)
        connection.connect_ex(request.address)
        self._selector.register(connection, selectors.EVENT_WRITE, stream)

    def _reconnect(self, stream: SwarmStream, url: str | None) -> None:
        self._drop(stream)
        if url is not None:
            stream.url = url
        elif self._pick_url is not None:
            stream.url = self._pick_url(stream)
        self._connect(stream)

    def _ready(self, stream: SwarmStream) -> None:
        connection = stream.connection
        if connection is None:
            return
        try:
            if stream.state == "connecting" and stream.response.status is None:
                self._send_request(stream, connection)
            else:
                self._read(stream, connection)
        except BlockingIOError:
            return
        except OSError:
            stream.refusals += stream.state != "open"
            self._lost(stream)

    def _send_request(self, stream: SwarmStream, connection: socket.socket) -> None:
        events = self._selector.get_key(connection).events
        if events == selectors.EVENT_READ:
            self._read(stream, connection)
            return
        # A request is far smaller than a fresh socket's buffer: one send takes it whole.
        connection.sendall(stream.request().encode())
        self._selector.modify(connection, selectors.EVENT_READ, stream)

    def _read(self, stream: SwarmStream, connection: socket.socket) -> None:
        data = connection.recv(READ_BYTES)
        body = stream.response.feed(data)
        self._note_head(stream)
        for event in stream.parser.feed(body):
            stream.events.append(event)
            if self._on_event is not None:
                self._on_event(stream, event)
        stream.last_event_id = stream.parser.last_event_id
        self._note_retry(stream)
        if not data or stream.response.complete:
            stream.ends += 1
            self._lost(stream)

    def _note_head(self, stream: SwarmStream) -> None:
        status = stream.response.status
        if status is not None and stream.state == "connecting":
            stream.state = "open"
            stream.statuses.append(status)

    def _note_retry(self, stream: SwarmStream) -> None:
        if stream.parser.retry_ms is not None:
            stream.retries.append(stream.parser.retry_ms)
            stream.parser.retry_ms = None

    def _close(self, stream: SwarmStream) -> None:
        stream.reconnects = False
        self._drop(stream)

    def _cut(self, stream: SwarmStream) -> None:
        if stream.connection is None:
            return
        stream.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        stream.cuts += 1
        self._lost(stream)

    def _lost(self, stream: SwarmStream) -> None:
        self._drop(stream)
        if stream.reconnects:
            retry_ms = self._default_retry_ms if stream.retry_ms is None else stream.retry_ms
            due = time.monotonic() + retry_ms / 1000
            heapq.heappush(self._due, (due, next(self._order), stream))

    def _drop(self, stream: SwarmStream) -> None:
        stream.state = "closed"
        if stream.connection is not None:
            self._selector.unregister(stream.connection)
            stream.connection.close()
            stream.connection = None
