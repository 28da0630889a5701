"""Finds the store: the host's cache, else one of ours, and what goes with it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask_caching import Cache
from flask_caching.backends import (
    FileSystemCache,
    NullCache,
    RedisCache,
    RedisClusterCache,
    SimpleCache,
)

from ..errors import ConfigurationError
from ..settings import Settings
from .backends import BackendStore, FileStore, NullStore, SimpleStore
from .base import Backend, Locks, NoLocks, ProcessTotals, Store, Totals
from .files import FileLocks, FileTotals, private_folder
from .service import CacheService

if TYPE_CHECKING:
    from redis import Redis

_OWN_KEY_PREFIX = "flask_cache_"  # Flask-Caching's own default
_OWN_TIMEOUT = 300


def open_cache(
    app: Flask,
    host: Cache | None,
    settings: Settings,
    now: Callable[[], float],
    client: Callable[[], Redis] | None,
) -> CacheService:
    """Make one process's cache. ``client`` gives the log's Redis, None when it has none."""
    prefix = f"nexora_rt:{settings.app_id}:cache:"
    backend = find_backend(app, host, client)
    store, locks, totals = _parts(backend, prefix, settings.cache_max_bytes, client)
    default: Any = getattr(backend, "default_timeout", _OWN_TIMEOUT)
    context: Callable[[], AbstractContextManager[Any]] = app.app_context
    return CacheService(store, locks, totals, default, settings.cache_lock_seconds, now, context)


def find_backend(app: Flask, host: Cache | None, client: Callable[[], Redis] | None) -> Backend:
    """Return the backend of the host's cache, of the app's first one, or make ours."""
    caches: dict[Cache, Backend] = app.extensions.get("cache", {})
    if host is not None:
        if host not in caches:
            raise ConfigurationError(
                ["the cache that was given to rt.init_app is not set up: call cache.init_app(app)"]
            )
        return caches[host]
    if caches:
        return next(iter(caches.values()))
    if client is None:
        return SimpleCache(default_timeout=_OWN_TIMEOUT)
    return RedisCache(host=client(), key_prefix=_OWN_KEY_PREFIX, default_timeout=_OWN_TIMEOUT)


def _parts(
    backend: Backend, prefix: str, max_bytes: int, client: Callable[[], Redis] | None
) -> tuple[Store, Locks, Totals]:
    if isinstance(backend, RedisCache) and not isinstance(backend, RedisClusterCache):
        from .redis import RedisLocks, RedisStore, RedisTotals

        store = RedisStore(backend, prefix, max_bytes)
        place = store.client, store.key_prefix
        return store, RedisLocks(*place), RedisTotals(*place)
    if isinstance(backend, SimpleCache | NullCache):
        alone = SimpleStore if isinstance(backend, SimpleCache) else NullStore
        return alone(backend, prefix, max_bytes), NoLocks(), _totals(prefix, client)
    folder = private_folder(prefix, str(getattr(backend, "_path", "")))
    files = FileLocks(folder)
    kind = FileStore if isinstance(backend, FileSystemCache) else BackendStore
    others = kind(backend, prefix, max_bytes, lambda: files.hold("guard"))
    if client is None:
        return others, files, FileTotals(folder, files)
    from .redis import RedisLocks

    return others, RedisLocks(client(), prefix), _totals(prefix, client)


def _totals(prefix: str, client: Callable[[], Redis] | None) -> Totals:
    if client is None:
        return ProcessTotals()
    from .redis import RedisTotals

    return RedisTotals(client(), prefix)
