"""Real HTTP servers around an app: gunicorn and `flask run`."""

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from signal import SIGTERM
from typing import Self

from tests.support.ports import HOST, answers_http, free_port, wait_until
from tests.support.process import ServerProcess

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT = 30.0
HELPER_CONFIG = "python:flask_nexora_rt.gunicorn"


class AppServer:
    """A server process for one app on a free port; its output is kept and shown on failure."""

    def __init__(
        self, command: Sequence[str], port: int, env: Mapping[str, str] | None, ready_path: str
    ) -> None:
        self.port = port
        self.directory = Path(tempfile.mkdtemp(prefix="nexora-server-"))
        self._command = command
        self._env = environment(env or {})
        self._ready_path = ready_path
        self._process: ServerProcess | None = None

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self.url} pid {self._process.pid if self._process else None}>"
        )

    @property
    def url(self) -> str:
        """Scheme, host and port, without a trailing slash."""
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """The pid of the process that was started: for gunicorn, the master."""
        return self._running().pid

    @property
    def returncode(self) -> int | None:
        """None while it runs."""
        return self._running().returncode

    def start(self) -> Self:
        """Starts it and waits until it answers HTTP."""
        self._process = ServerProcess(
            self._command, self.directory / "server.log", env=self._env, cwd=ROOT
        )
        self._process.wait_ready(self._is_ready, START_TIMEOUT)
        return self

    def log(self) -> str:
        """What it has written so far: access log, errors, the app's own logging."""
        return self._process.log() if self._process else ""

    def wait_log(self, text: str, timeout: float = 10.0) -> None:
        """Waits until its log contains `text`."""
        wait_until(lambda: text in self.log(), timeout, f"{text!r} in the log")

    def signal(self, number: int) -> None:
        """Sends a signal: for gunicorn, to the master."""
        self._running().signal(number)

    def wait(self, timeout: float = 10.0) -> int:
        """Waits until it has ended by itself; returns the return code."""
        return self._running().wait(timeout)

    def stop(self, number: int = SIGTERM, timeout: float = 10.0) -> int:
        """Asks it to end, kills what is left of its process group; returns the return code."""
        return self._running().stop(number, timeout)

    def close(self) -> None:
        """Kills the process group and removes the log."""
        if self._process is not None:
            self._process.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _is_ready(self) -> bool:
        return answers_http(self.port, self._ready_path)

    def _running(self) -> ServerProcess:
        if self._process is None:
            raise RuntimeError("start() it first")
        return self._process


class GunicornServer(AppServer):
    """gunicorn with the shipped configuration module.

    `app` is "module:attribute", importable from the checkout. `env` is added to a clean
    environment without FLASK_*, NEXORA_*, GUNICORN_* and DEMO_*.
    """

    def __init__(
        self,
        app: str,
        *,
        worker_class: str = "gevent",
        workers: int = 1,
        threads: int | None = None,
        extra_args: Sequence[str] = (),
        config: str | None = HELPER_CONFIG,
        env: Mapping[str, str] | None = None,
        port: int | None = None,
        ready_path: str = "/",
    ) -> None:
        port = port or free_port()
        self.workers = workers
        command = [
            *(sys.executable, "-m", "gunicorn", "--no-control-socket", "--bind", f"{HOST}:{port}"),
            *("--worker-class", worker_class, "--workers", str(workers), "--access-logfile", "-"),
        ]
        command += ["--config", config] if config else []
        command += ["--threads", str(threads)] if threads else []
        super().__init__([*command, *extra_args, app], port, env, ready_path)

    def pids(self) -> list[int]:
        """The pids of the live workers, oldest first."""
        return [pid for pid in _children(self.pid) if not _is_zombie(pid)]

    def signal_workers(self, number: int) -> None:
        """Sends a signal to each worker and not to the master."""
        for pid in self.pids():
            os.kill(pid, number)

    def _is_ready(self) -> bool:
        return len(self.pids()) == self.workers and super()._is_ready()


class FlaskRunServer(AppServer):
    """`flask run`, Werkzeug's threaded development server."""

    def __init__(
        self,
        app: str,
        *,
        debug: bool = False,
        extra_args: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        port: int | None = None,
        ready_path: str = "/",
    ) -> None:
        port = port or free_port()
        command = [sys.executable, "-m", "flask", "--app", app]
        command += ["--debug"] if debug else []
        command += ["run", "--host", HOST, "--port", str(port), *extra_args]
        super().__init__(command, port, env, ready_path)


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Ours, without what configures an app, and with the checkout on the path."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("FLASK_", "NEXORA_", "GUNICORN_", "DEMO_"))
    }
    return {**inherited, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT), **extra}


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(child) for child in text.split()]


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
