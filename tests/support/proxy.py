"""A TCP proxy that misbehaves on request: in front of Redis it makes the faults of a network."""

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from tests.support.ports import HOST

READ_BYTES = 1 << 16


class TcpProxy:
    """Listens on a free port and passes bytes to `target` (a URL with host and port).

    `url` is the target's URL with the proxy's address in it.
    """

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target)
        self._listener = socket.create_server((HOST, 0), backlog=128)
        self._lock = threading.Lock()
        self._links: set[_Link] = set()
        self._accepting = True
        self._doomed_by: bytes | None = None
        self.dropped_replies = 0
        self._flowing = threading.Event()
        self._flowing.set()
        self._dropped = threading.Event()
        self._thread = threading.Thread(target=self._accept, name="tcp-proxy", daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """For `NEXORA_RT_URL`."""
        login, at, _ = self._target.netloc.rpartition("@")
        return urlunsplit(self._target._replace(netloc=f"{login}{at}{HOST}:{self.port}"))

    @property
    def connections(self) -> int:
        """How many connections pass through it now."""
        with self._lock:
            return len(self._links)

    def start(self) -> Self:
        """Begins to accept."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Cuts everything and stops listening."""
        self._flowing.set()
        with contextlib.suppress(OSError):
            # close() alone does not wake a thread that is blocked in accept().
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
        self.cut_all()

    def cut_all(self) -> int:
        """Closes every connection; new ones are taken as before. Returns how many were cut."""
        with self._lock:
            links = list(self._links)
        for link in links:
            link.cut()
        return len(links)

    def refuse(self) -> None:
        """Cuts everything, and each new connection at once, until `accept()`: a server is down."""
        self._accepting = False
        self.cut_all()

    def accept(self) -> None:
        """Takes connections again after `refuse()`."""
        self._accepting = True

    def retarget(self, target: str) -> None:
        """Passes bytes to another server from now on, and cuts the links to the old one."""
        self._target = urlsplit(target)
        self.cut_all()

    def pause(self) -> None:
        """Holds all bytes back in both directions, without closing: the network hangs."""
        self._flowing.clear()

    def resume(self) -> None:
        """Lets the held bytes go."""
        self._flowing.set()

    def drop_next_reply(self, to: bytes = b"") -> None:
        """Loses the reply to the next request that contains `to`, and cuts that connection.

        The request itself reaches the server. `to` keeps other connections out of it, for
        example b"EVALSHA" or b"XADD".
        """
        self._dropped.clear()
        with self._lock:
            self._doomed_by = to

    def wait_dropped(self, timeout: float = 10.0) -> None:
        """Waits until a reply was dropped; AssertionError otherwise."""
        if not self._dropped.wait(timeout):
            raise AssertionError(f"no reply was dropped within {timeout:g} s")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if not self._accepting or not self._link(client):
                client.close()

    def _link(self, client: socket.socket) -> bool:
        try:
            server = socket.create_connection(
                (self._target.hostname or HOST, self._target.port or 6379)
            )
        except OSError:
            return False
        link = _Link(self, client, server)
        with self._lock:
            self._links.add(link)
        link.start()
        return True

    # --- called by links ----------------------------------------------------------------------

    def _wait_for_flow(self) -> None:
        self._flowing.wait()

    def _claims(self, request: bytes) -> bool:
        with self._lock:
            if self._doomed_by is None or self._doomed_by not in request:
                return False
            self._doomed_by = None
            return True

    def _note_dropped(self) -> None:
        self.dropped_replies += 1
        self._dropped.set()

    def _forget(self, link: "_Link") -> None:
        with self._lock:
            self._links.discard(link)


class _Link:
    """One proxied connection: a thread for each direction."""

    def __init__(self, proxy: TcpProxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._doomed = False
        self._open_directions = 2
        self._lock = threading.Lock()

    def start(self) -> None:
        for pump in (self._requests, self._replies):
            threading.Thread(target=self._run, args=(pump,), daemon=True).start()

    def cut(self) -> None:
        # shutdown, not close: the threads still hold the sockets and close them when they wake.
        for end in (self._client, self._server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _run(self, pump: Callable[[], None]) -> None:
        with contextlib.suppress(OSError):
            pump()
        self.cut()
        self._end()

    def _requests(self) -> None:
        while data := self._client.recv(READ_BYTES):
            self._proxy._wait_for_flow()
            # Before it is sent: the reply may come back at once.
            self._doomed = self._doomed or self._proxy._claims(data)
            self._server.sendall(data)

    def _replies(self) -> None:
        while data := self._server.recv(READ_BYTES):
            self._proxy._wait_for_flow()
            if self._doomed:
                self._proxy._note_dropped()
                return
            self._client.sendall(data)

    def _end(self) -> None:
        with self._lock:
            self._open_directions -= 1
            if self._open_directions:
                return
        self._proxy._forget(self)
        self._client.close()
        self._server.close()
