"""A tiny HTTP server that sends scripted bytes, to try the clients themselves."""

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Self

from tests.support.ports import HOST

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"


class ScriptedServer:
    """Calls `script(connection, request)` for each connection, in a thread of its own.

    `requests` collects the heads of the requests as text.
    """

    def __init__(self, script: Callable[[socket.socket, str], None]) -> None:
        self.requests: list[str] = []
        self._script = script
        self._listener = socket.create_server((HOST, 0), backlog=512)

    @property
    def url(self) -> str:
        """The address of the stream."""
        return f"http://{HOST}:{self._listener.getsockname()[1]}/stream"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            request = connection.recv(65536).decode()
            self.requests.append(request)
            self._script(connection, request)
