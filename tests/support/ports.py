"""Free ports, and waiting for something to answer on one."""

import socket
import time
from collections.abc import Callable
from typing import TypeVar

HOST = "127.0.0.1"
T = TypeVar("T")


def free_port() -> int:
    """A TCP port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(probe: Callable[[], T], timeout: float, what: str = "the condition") -> T:
    """Polls until `probe()` is truthy and returns it; AssertionError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {timeout:g} s")
        time.sleep(0.01)


def answers_http(port: int, path: str = "/") -> bool:
    """Whether any HTTP response comes back within a second, whatever its status."""
    request = f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection((HOST, port), timeout=1) as connection:
            connection.sendall(request.encode())
            return connection.recv(9).startswith(b"HTTP/1.")
    except OSError:
        return False
