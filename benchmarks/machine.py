"""What the numbers were taken on."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import time
from importlib import metadata
from pathlib import Path

from . import processes
from .redis_server import find_binary

PACKAGES = ("flask-nexora-rt", "Flask", "Flask-Login", "gunicorn", "gevent", "redis", "Flask-SSE")


class Others:
    """CPU that processes outside the run took meanwhile: a busy machine spoils latencies first."""

    def __init__(self) -> None:
        self._began, self._busy, self._own = (
            time.monotonic(),
            processes.busy_seconds(),
            _own_seconds(),
        )

    def __str__(self) -> str:
        spent = processes.busy_seconds() - self._busy - (_own_seconds() - self._own)
        share = max(0.0, spent / (time.monotonic() - self._began))
        return f"{share:.0%} of one core on average"


def _own_seconds() -> float:
    """This process and all it has started and that has ended."""
    uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in uses)


def describe() -> dict[str, str]:
    """CPU, memory, kernel, load, versions."""
    return {
        "CPU": f"{_proc_value('/proc/cpuinfo', 'model name')}, {os.cpu_count()} cores",
        "memory": _proc_value("/proc/meminfo", "MemTotal"),
        "kernel": f"{platform.system()} {platform.release()}",
        "load average before the run": " ".join(f"{value:.2f}" for value in os.getloadavg()),
        "Python": platform.python_version(),
        "packages": ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
        "Redis": _first_line(find_binary(), "--version"),
        "nginx": f"{_first_line('nginx', '-v')}, {_debian_version('libnginx-mod-nchan')}",
        "compiler": _first_line("cc", "--version"),
    }


def _proc_value(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    return "unknown"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "(checkout)"


def _first_line(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except OSError as error:
        return f"{command[0]}: {error.strerror}"
    lines = (done.stdout + done.stderr).splitlines()
    return lines[0].partition(" malloc=")[0] if lines else command[0]


def _debian_version(package: str) -> str:
    return f"{package} {_first_line('dpkg-query', '-W', '-f', '${Version}', package)}"
