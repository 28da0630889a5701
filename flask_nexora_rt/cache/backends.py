"""Stores over Flask-Caching backends that have no atomic steps of their own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from cachelib.serializers import SimpleSerializer

from ..errors import NotServable, Uncacheable, ValueTooLarge
from .base import Backend, Look
from .envelope import IN_FLIGHT_SECONDS, Envelope, pack, unpack

logger = logging.getLogger(__name__)

_PICKLE: Final = SimpleSerializer()  # as the backends do that name none
_EXPIRY_BYTES: Final = 4  # in front of the value in a file of cachelib's FileSystemCache


class BackendStore:
    """Any backend, by its public methods. ``guard`` lets one writer in at a time.

    Keys in the backend: ``<prefix>e:<key>`` and ``<prefix>cleared``. ``max_bytes`` bounds one
    serialized entry.
    """

    shared = True
    outages: tuple[type[Exception], ...] = (OSError,)

    def __init__(
        self,
        backend: Backend,
        prefix: str,
        max_bytes: int,
        guard: Callable[[], AbstractContextManager[Any]],
    ) -> None:
        self._backend = backend
        self._entries = f"{prefix}e:"
        self._cleared = f"{prefix}cleared"
        self._max_bytes = max_bytes
        self._guard = guard

    def get(self, key: str) -> Envelope | None:
        return unpack(self._backend.get(self._entries + key))

    def look(self, key: str) -> Look:
        envelope, cleared = self.get(key), self._backend.get(self._cleared)
        return Look(envelope, (envelope.version if envelope else "", cleared or ""))

    def put(self, envelope: Envelope, timeout: int) -> None:
        self._serialize(envelope)
        with self._guard():
            self._write(envelope, timeout)

    def swap(self, envelope: Envelope, timeout: int, stamp: tuple[str, str]) -> bool:
        self._serialize(envelope)
        with self._guard():
            if self.look(envelope.key).stamp != stamp:
                return False
            self._write(envelope, timeout)
        return True

    def _write(self, envelope: Envelope, timeout: int) -> None:
        name = self._entries + envelope.key
        if self._backend.set(name, pack(envelope), timeout=timeout) is False:
            raise OSError("the cache backend has refused to write an entry")

    def _serialize(self, envelope: Envelope) -> bytes:
        """Serialize as the backend will: some of them would only log that they cannot."""
        key, serializer = envelope.key, getattr(self._backend, "serializer", _PICKLE)
        try:
            data = serializer.dumps(pack(envelope))
        except Exception as error:
            raise _uncacheable(envelope, error) from error
        if data is None:
            raise _uncacheable(envelope, None)
        if len(data) > self._max_bytes:
            raise ValueTooLarge(
                f"the value of cache key {key!r} takes {len(data)} bytes, the limit is "
                f"{self._max_bytes}: cache less of it, or raise NEXORA_RT_CACHE_MAX_BYTES"
            )
        return data if isinstance(data, bytes) else str(data).encode()

    def scan(self, prefix: str) -> Iterator[Envelope]:
        raise NotServable(
            f"{type(self._backend).__name__} cannot say which keys it has: delete them one by "
            "one, or use RedisCache, FileSystemCache or SimpleCache"
        )

    def clear(self, prefix: str) -> None:
        found = self.scan(prefix)
        with self._guard():
            self._backend.set(self._cleared, uuid4().hex, timeout=IN_FLIGHT_SECONDS)
        for envelope in found:
            self._backend.delete(self._entries + envelope.key)


def _uncacheable(envelope: Envelope, error: Exception | None) -> Uncacheable:
    kind = type(envelope.value).__name__
    return Uncacheable(
        f"the value of cache key {envelope.key!r}, a {kind}, cannot be serialized"
        f"{f' ({error})' if error else ''}: let the factory return plain data"
    )


class SimpleStore(BackendStore):
    """SimpleCache: the memory of this process."""

    shared = False

    def __init__(self, backend: Backend, prefix: str, max_bytes: int) -> None:
        lock = threading.Lock()
        super().__init__(backend, prefix, max_bytes, lambda: lock)

    def scan(self, prefix: str) -> Iterator[Envelope]:
        backend = self._backend
        with backend._lock:  # cachelib has no public way to list its keys
            names = [name for name in backend._cache if name.startswith(self._entries + prefix)]
        for name in names:
            if (envelope := unpack(backend.get(name))) is not None:
                yield envelope


class NullStore(SimpleStore):
    """NullCache: keeps nothing."""

    def scan(self, prefix: str) -> Iterator[Envelope]:
        return iter(())


class FileStore(BackendStore):
    """FileSystemCache. A scan reads all its files: their names do not tell the keys."""

    def scan(self, prefix: str) -> Iterator[Envelope]:
        for name in self._backend._list_dir():  # cachelib has no public way to list its files
            envelope = self._read(Path(name))
            if envelope is not None and envelope.key.startswith(prefix):
                yield envelope

    def _read(self, path: Path) -> Envelope | None:
        try:
            with path.open("rb") as file:
                file.seek(_EXPIRY_BYTES)
                envelope = unpack(self._backend.serializer.load(file))
        except FileNotFoundError:
            return None
        except Exception as error:  # noqa: BLE001 - the host's own objects may not load here
            logger.debug("a file of the cache is passed over: %s: %s", path, error)
            return None
        # Another app's entry has the same form, but not the same place.
        mine = envelope and self._backend._get_filename(self._entries + envelope.key)
        return envelope if mine == str(path) else None
