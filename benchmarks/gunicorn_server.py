"""One gunicorn with one gevent worker, the same settings for every app that is compared."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from . import processes

SETTINGS = {
    "--worker-class": "gevent",
    "--workers": "1",
    "--worker-connections": "12000",
    "--backlog": "4096",
    "--log-level": "warning",
}


class GunicornServer:
    """Serves ``app`` (``module:callable()``) until :meth:`stop`."""

    def __init__(
        self,
        app: str,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        config: str = "",
    ) -> None:
        self.port = processes.free_port()
        log = folder / f"{app.partition(':')[0]}.log"
        command = [sys.executable, "-m", "gunicorn", "--no-control-socket"]
        command += [word for pair in SETTINGS.items() for word in pair]
        command += ["--config", config] if config else []
        command += ["--bind", f"127.0.0.1:{self.port}", app]
        self._process = processes.start(command, log, environment or {})
        try:
            processes.wait_for_port(self.port, self._process, log)
            self.pid = processes.only_child(self._process.pid)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the master and its worker."""
        processes.stop(self._process)
