"""Locks and totals in files, for processes of one host that share no Redis."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

from .base import Release

_GUARD_SECONDS: Final = 10.0


def private_folder(*identity: str) -> Path:
    """Return a folder of this user for what these words name, the same in all processes.

    Raises `OSError` when somebody else has put one there: the place is open to everybody.
    """
    digest = sha256("\0".join(identity).encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"nexora-rt-cache-{os.getuid()}-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else: remove it")
    return folder


class FileLocks:
    """Advisory locks, one file per key while it is held; the kernel frees those of the dead."""

    outages: tuple[type[Exception], ...] = (OSError,)

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def acquire(self, key: str, seconds: float) -> Release | None:
        """See `Locks`; ``seconds`` is not needed: a lock lasts as long as its process."""
        return self._take(f"key-{sha256(key.encode()).hexdigest()}")

    def _take(self, name: str) -> Release | None:
        import fcntl

        path = self._folder / name
        self._folder.mkdir(mode=0o700, exist_ok=True)  # temporary folders are cleaned
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        if not _is_still(path, descriptor):  # its last holder has just removed it
            os.close(descriptor)
            return None
        return partial(_release, path, descriptor)

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Wait for a lock that is no key's, and hold it for a moment. Raises `TimeoutError`."""
        deadline = time.monotonic() + _GUARD_SECONDS
        while (release := self._take(name)) is None:
            if time.monotonic() > deadline:
                raise TimeoutError("another process keeps the cache's files locked")
            time.sleep(0.002)
        try:
            yield
        finally:
            release()


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _release(path: Path, descriptor: int) -> None:
    import fcntl

    with suppress(FileNotFoundError):
        path.unlink()
    # In so many words: a child that was forked meanwhile has the descriptor too.
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


class FileTotals:
    """Counters in one JSON file."""

    def __init__(self, folder: Path, locks: FileLocks) -> None:
        self._path = folder / "totals.json"
        self._locks = locks

    def add(self, amounts: Mapping[str, int]) -> None:
        with self._locks.hold("totals"):
            sums = self.read()
            for name, amount in amounts.items():
                sums[name] = sums.get(name, 0) + amount
            written = self._path.with_suffix(".new")
            written.write_text(json.dumps(sums))
            written.replace(self._path)

    def read(self) -> dict[str, int]:
        try:
            found: dict[str, int] = json.loads(self._path.read_text())
        except FileNotFoundError:
            return {}
        return found
