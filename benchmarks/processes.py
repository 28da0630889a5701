"""Child processes: started in a group of their own, read through /proc, and never left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def start(
    command: Sequence[str], log: Path, env: dict[str, str] | None = None, piped: bool = False
) -> subprocess.Popen[str]:
    """Start ``command`` as the leader of a new process group; what it prints goes to ``log``."""
    pipe = subprocess.PIPE if piped else None
    with log.open("a") as out:
        return subprocess.Popen(
            command,
            env={**os.environ, **(env or {})},
            stdin=pipe or subprocess.DEVNULL,
            stdout=pipe or out,
            stderr=out,
            text=True,
            start_new_session=True,
        )


def stop(process: subprocess.Popen[str]) -> None:
    """End the whole group: TERM, and KILL after three seconds."""
    _signal_group(process, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(3)
    _signal_group(process, signal.SIGKILL)
    process.wait()
    for pipe in filter(None, (process.stdin, process.stdout)):
        with suppress(OSError):
            pipe.close()


def _signal_group(process: subprocess.Popen[str], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(
    port: int, process: subprocess.Popen[str], log: Path, seconds: float = 20
) -> None:
    """Return when ``port`` accepts connections; raise with the end of the log if it never does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} does not listen: {log.read_text()[-2000:]}")


def only_child(pid: int, seconds: float = 5) -> int:
    """The one child of ``pid``: the worker of a gunicorn or nginx master."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if len(children) == 1:
            return int(children[0])
        time.sleep(0.05)
    raise RuntimeError(f"process {pid} has not exactly one worker: {children}")


def cpu_seconds(pid: int) -> float:
    """User + system time of a process so far, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def busy_seconds() -> float:
    """What all cores have worked since boot, for whatever process, in seconds."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split(maxsplit=8)[1:8]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS_PER_SECOND  # less idle and iowait


def resident_mb(pid: int) -> float:
    """VmRSS of a process, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {pid} has no VmRSS")
