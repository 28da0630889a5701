"""Nchan: Debian's nginx with its Nchan module, one worker process, messages in memory."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from . import processes
from .payload import Payload, encode
from .server import Server

PIPELINE = 64  # requests sent before their answers are read
CONFIG = """
load_module {module};
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
error_log {folder}/nginx-error.log;
pid {folder}/nginx.pid;
events {{ worker_connections 19000; }}
http {{
    access_log off;
    tcp_nodelay on;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    nchan_shared_memory_size 512M;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        keepalive_requests 100000000;
        keepalive_timeout 1h;
        location = /publish {{
            nchan_publisher;
            nchan_channel_id $arg_channel;
            nchan_message_buffer_length 20000;
            nchan_message_timeout 10m;
        }}
        location = /stream {{
            nchan_subscriber eventsource;
            nchan_channel_id $arg_channel;
            nchan_subscriber_first_message newest;
        }}
    }}
}}
"""


def find_module() -> Path:
    """The Nchan module in the prefix that nginx itself names."""
    about = subprocess.run(["nginx", "-V"], capture_output=True, text=True, check=True).stderr
    prefix = re.search(r"--prefix=(\S+)", about)
    module = Path(prefix[1] if prefix else ".") / "modules" / "ngx_nchan_module.so"
    if not module.exists():
        raise RuntimeError("nginx has no Nchan module (Debian: libnginx-mod-nchan)")
    return module


class Nchan(Server):
    """nginx + Nchan, EventSource subscribers, published to over one keep-alive connection."""

    connect_rate = 4000

    def __init__(self, folder: Path) -> None:
        self.port = processes.free_port()
        self.headers = {"Accept": "text/event-stream"}
        config, log = folder / "nginx.conf", folder / "nginx.log"
        folder.chmod(0o755)  # the worker is another user than a master that is root
        config.write_text(CONFIG.format(module=find_module(), folder=folder, port=self.port))
        self._process = processes.start(["nginx", "-c", str(config), "-p", str(folder)], log)
        try:
            processes.wait_for_port(self.port, self._process, log)
            self.pid = processes.only_child(self._process.pid)
            self._open_publisher()
        except BaseException:
            processes.stop(self._process)
            raise

    def _open_publisher(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answers = self._socket.makefile("rb")

    def stream_path(self, channel: str) -> str:
        """See :class:`Server`."""
        return f"/stream?channel={channel}"

    def publish(self, channel: str, data: Payload) -> None:
        """One POST, answer read."""
        self._socket.sendall(self._request(channel, data))
        self._read_answer()

    def publish_many(self, channel: str, events: Sequence[Payload]) -> None:
        """Pipelined POSTs on one connection (several connections would lose the order)."""
        requests = [self._request(channel, data) for data in events]
        for piece in _pieces(requests, PIPELINE):
            self._socket.sendall(b"".join(piece))
            for _ in piece:
                self._read_answer()

    def _request(self, channel: str, data: Payload) -> bytes:
        body = encode(data)
        head = f"POST /publish?channel={channel} HTTP/1.1\r\nHost: localhost\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def _read_answer(self) -> None:
        status, length = self._answers.readline(), 0
        while (line := self._answers.readline()) not in (b"\r\n", b""):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        self._answers.read(length)
        if not status.startswith((b"HTTP/1.1 201", b"HTTP/1.1 202")):
            raise RuntimeError(f"Nchan refused an event: {status!r}")

    def stop(self) -> None:
        """End nginx."""
        self._socket.close()
        processes.stop(self._process)


def _pieces(items: Sequence[bytes], size: int) -> Iterable[Sequence[bytes]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
