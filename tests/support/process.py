"""One server process in a session of its own, with its output in a file."""

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from signal import SIGKILL, SIGTERM

TAIL_BYTES = 8_000


class ServerProcess:
    """Starts a command, and in the end takes its whole process group down."""

    def __init__(
        self,
        command: Sequence[str | Path],
        log_file: Path,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: str | None = None,
    ) -> None:
        self.log_file = log_file
        with log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=None if env is None else dict(env),
                cwd=cwd,
                user=user,
                group=user and _group_of(user),
                extra_groups=[] if user else None,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The pid of the process, which is also the id of its group."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs; negative is the number of the signal that ended it."""
        return self._process.poll()

    def log(self) -> str:
        """What it has written so far."""
        # A fixture may have removed it before the report of a failed teardown is written.
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def wait_ready(self, ready: Callable[[], bool], timeout: float) -> None:
        """Polls until `ready()`; RuntimeError with the log when the process ends or time is up."""
        deadline = time.monotonic() + timeout
        while not ready():
            if self.returncode is not None:
                raise RuntimeError(f"ended with {self.returncode} at start:\n{self.tail()}")
            if time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"not ready within {timeout:g} s:\n{self.tail()}")
            time.sleep(0.02)

    def tail(self) -> str:
        """The end of the log."""
        return self.log()[-TAIL_BYTES:]

    def signal(self, number: int) -> None:
        """Sends a signal to the process alone, not to its group."""
        if self.returncode is None:
            self._process.send_signal(number)

    def wait(self, timeout: float) -> int:
        """The return code; subprocess.TimeoutExpired when it still runs after `timeout` seconds."""
        return self._process.wait(timeout)

    def stop(self, number: int = SIGTERM, timeout: float = 10) -> int:
        """Asks it to end, then kills what is left of its group; returns the return code."""
        self.signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout)
        return self.kill()

    def kill(self) -> int:
        """SIGKILL to the whole group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, SIGKILL)
        return self._process.wait()


def _group_of(user: str) -> int:
    import pwd

    return pwd.getpwnam(user).pw_gid
