"""Where the bytes of attachments are: a small protocol, and a folder that keeps it."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import IO, Protocol


class AttachmentStorage(Protocol):
    """What a host gives as ``init_app(attachments=...)``; used by many threads at once.

    Keys are 32 hexadecimal digits that we draw, so nothing a user wrote is part of one. A key is
    saved once and its bytes never change. Errors go to the caller as they are (a 500).
    """

    def save(self, key: str, file: IO[bytes]) -> None:
        """Store all of a seekable file, from its start.

        When it returns, `open` gives these bytes in every worker, also after a crash. When it
        raises, or the process dies, `open` gives nothing, and `delete` removes what is left.
        """

    def open(self, key: str) -> IO[bytes]:
        """Return the bytes; whoever asked closes it. Raises FileNotFoundError when there are none.

        Without ``seek`` ranges are served by reading over what comes before them.
        """

    def delete(self, key: str) -> None:
        """Remove the bytes; no error when there are none. Readers may or may not finish."""


class FolderStorage:
    """Files below a folder that all workers share; 256 folders by the first two digits."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)

    def save(self, key: str, file: IO[bytes]) -> None:
        path, part = self._paths(key)
        for folder in (self._folder, path.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.seek(0)
        try:
            with part.open("wb") as target:
                shutil.copyfileobj(file, target)
                target.flush()
                os.fsync(target.fileno())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)

    def open(self, key: str) -> IO[bytes]:
        return self._paths(key)[0].open("rb")

    def delete(self, key: str) -> None:
        for path in self._paths(key):
            path.unlink(missing_ok=True)

    def _paths(self, key: str) -> tuple[Path, Path]:
        """Return where a key's bytes are, and where they are while they come."""
        if not re.fullmatch(r"[0-9a-f]{32}", key):
            raise ValueError("a key is 32 hexadecimal digits")
        path = self._folder / key[:2] / key
        return path, path.with_suffix(".part")


def _sync_folder(folder: Path) -> None:
    """A rename outlives a power cut only when its folder is on the disk as well."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
