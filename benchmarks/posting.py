"""Posts JSON as fast as a server answers: keep-alive connections, one request at a time on each."""

from __future__ import annotations

import json
import selectors
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any


class Poster:
    """One connection. ``make_body`` gives the body of request ``n``."""

    def __init__(
        self, port: int, path: str, headers: Mapping[str, str], make_body: Callable[[int], Any]
    ) -> None:
        self._address = ("127.0.0.1", port)
        lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._head = "\r\n".join(lines)
        self._make_body = make_body
        self._sent = 0

    def open(self) -> socket.socket:
        """Connect; gunicorn ends connections that are idle for 2 s."""
        self.socket = socket.create_connection(self._address)
        self._buffer = b""
        return self.socket

    def send(self) -> None:
        """Post the next one."""
        body = json.dumps(self._make_body(self._sent))
        self._sent += 1
        head = f"{self._head}\r\nContent-Length: {len(body)}\r\n\r\n"
        self.socket.sendall((head + body).encode())

    def receive(self) -> bool:
        """Whether the answer is whole. Raises RuntimeError if it is not 201."""
        data = self.socket.recv(1 << 16)
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not data or (separator and not head.startswith(b"HTTP/1.1 201")):
            raise RuntimeError(self._buffer.decode(errors="replace"))
        if not separator or len(body) < _length(head):
            return False
        self._buffer = b""
        return True


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])


def post_for(posters: list[Poster], seconds: float) -> float:
    """Keep every connection busy for ``seconds``; return answers per second."""
    answered, began = 0, time.monotonic()
    with selectors.DefaultSelector() as selector, ExitStack() as stack:
        for poster in posters:
            selector.register(stack.enter_context(poster.open()), selectors.EVENT_READ, poster)
            poster.send()
        open_requests = len(posters)
        while open_requests:
            for key, _ in selector.select(10):
                if not key.data.receive():
                    continue
                answered += 1
                if time.monotonic() - began < seconds:
                    key.data.send()
                else:
                    open_requests -= 1
    return answered / (time.monotonic() - began)
