"""Makes sure that only one process serves an app whose log is in memory."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from ..errors import NotServable

# A graceful reload starts the new worker before the old one is told to go.
_HANDOVER_SECONDS = 5.0


class SoleProcess:
    """An advisory lock on a file of the app; the kernel frees it when the process ends."""

    def __init__(self, *identity: str) -> None:
        digest = hashlib.sha256("\0".join(identity).encode()).hexdigest()[:16]
        name = f"nexora-rt-{os.getuid() if hasattr(os, 'getuid') else 0}-{digest}.lock"
        self._path = Path(tempfile.gettempdir()) / name
        self._file: IO[bytes] | None = None
        self._waits_until: float | None = None

    def acquire(self) -> None:
        """Take the lock, or raise `NotServable` when another process keeps it.

        The first call waits for a predecessor that is leaving; who is refused then is told so
        at once from now on.
        """
        if self._waits_until is None:
            self._waits_until = time.monotonic() + _HANDOVER_SECONDS
        while not self._try():
            if time.monotonic() > self._waits_until:
                raise NotServable(
                    "memory:// serves one process, and another process of this app uses it: run "
                    "one worker, or set NEXORA_RT_URL=redis://... to share the log"
                )
            time.sleep(0.1)

    def _try(self) -> bool:
        try:
            import fcntl
        except ImportError:  # no flock on this platform: the check of wsgi.multiprocess remains
            return True
        # Not through a link that somebody else may have put there: the folder is shared.
        file = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "rb")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        self._file = file
        return True

    def release(self) -> None:
        """Let the next process in. Idempotent."""
        self._waits_until = None
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.close()
