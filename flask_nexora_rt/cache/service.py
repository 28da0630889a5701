"""``rt.cache``: values over the host's Flask-Caching store, each made once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Any, Final, Literal, NamedTuple

from ..errors import NotServable
from .base import Locks, Store, Totals
from .envelope import Envelope, Lifetime, Seconds, tombstone
from .filling import Filler, open_envelope
from .keys import check_key
from .recipe import Errors, Recipe
from .refreshing import Refresher
from .stats import Statistics

_MOST_LISTED: Final = 10_000

Source = Literal["hit", "stale", "made", "waited"]


class Fetched(NamedTuple):
    """A value, and where it is from.

    ``source``: ``hit``, ``stale`` (an old value, while a new one is made or because making one has
    failed), ``made`` (this call has run the factory) or ``waited`` (it waited for who did).
    ``age``: seconds since its making began; None when this call has not seen that.
    """

    value: Any
    source: Source
    age: float | None


class CacheService:
    """The cache of one app in one process.

    Nothing is kept in the process: what one worker deletes is gone for all. While the store is
    away, reads miss, writes answer False, and factories run, once per key in each process.
    A ``ttl`` is seconds or a timedelta; None is the store's ``CACHE_DEFAULT_TIMEOUT``, 0 is for
    ever (as in Flask-Caching), a negative one is a `BadRequest`.
    """

    def __init__(
        self,
        store: Store,
        locks: Locks,
        totals: Totals,
        default_ttl: float,
        lock_timeout: float,
        now: Callable[[], float],
        context: Callable[[], AbstractContextManager[Any]],
    ) -> None:
        self._store = store
        self._default_ttl = default_ttl
        self._lock_timeout = lock_timeout
        self._now = now
        self._statistics = Statistics(totals)
        self._filler = Filler(store, locks, self._statistics, now)
        self._refresher = Refresher(context)

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value, or ``default`` when there is none. One round trip."""
        envelope = self._filler.read(check_key(key))
        now = self._now()
        if envelope is None or now >= envelope.stale_until or envelope.failure is not None:
            self._statistics.count("misses")
            return default
        self._statistics.count("hits" if now < envelope.fresh_until else "stale_hits")
        return envelope.value

    def has(self, key: str) -> bool:
        """Say whether `get` would find a value; counts nothing."""
        envelope = self._filler.read(check_key(key))
        return envelope is not None and self._now() < envelope.stale_until and not envelope.failure

    def set(self, key: str, value: Any, ttl: Seconds | None = None, *, stale: Seconds = 0) -> bool:
        """Store a value; False when the store is away.

        Anything that the store's serializer can write, None, 0 and ``""`` too. For ``stale``
        seconds after ``ttl`` it is still given out. Raises `BadRequest`, `Uncacheable` and
        `ValueTooLarge`.
        """
        lifetime = Lifetime.of(self._ttl(ttl), stale)
        return self._put(lifetime.seal(check_key(key), value, self._now()), "sets")

    def delete(self, key: str) -> bool:
        """Remove a value, if there is one; False when the store is away: it may still be there.

        A factory that is running for the key stores nothing then; who waits for it runs again.
        """
        return self._put(tombstone(check_key(key)), "deletes")

    def _put(self, envelope: Envelope, counter: str) -> bool:
        timeout = envelope.seconds_to_keep(self._now())

        def put() -> bool:
            self._store.put(envelope, timeout)
            return True

        done = self._filler.attempt(f"writing the cache key {envelope.key!r}", put, False)
        if done:
            self._statistics.count(counter)
        return done

    def clear(self, prefix: str | None = None) -> bool:
        """Remove all our values, or those whose keys begin so; False when the store is away.

        What was there when the call began is gone when it returns, and what factories began
        before is not stored. Keys of the host's own are not touched. Costs a scan of the store.
        Raises `NotServable` when the store cannot list its keys.
        """

        def clear() -> bool:
            self._store.clear(prefix or "")
            return True

        return self._filler.attempt("clearing the cache", clear, False)

    def get_or_set(
        self,
        key: str,
        factory: Callable[[], Any],
        ttl: Seconds | None = None,
        *,
        stale: Seconds = 0,
        beta: float = 0,
        jitter: float = 0.1,
        lock_timeout: float | None = None,
        wait_timeout: float | None = None,
        errors: Errors = "raise",
        stale_if_error: Seconds = 3600,
        negative_ttl: float = 5,
        cache_if: Callable[[Any], bool] | None = None,
    ) -> Any:
        """Return the value of a key; make it with ``factory()`` when there is none.

        One factory at a time runs for a key, over all processes. The others wait for it, at most
        ``wait_timeout`` seconds (default: ``lock_timeout``), and then run it themselves; what
        was deleted, set or cleared meanwhile is not overwritten. ``lock_timeout`` (default
        ``NEXORA_RT_CACHE_LOCK_SECONDS``) should be above what the factory takes: so long do
        others wait for a process that was killed.

        For ``stale`` seconds after ``ttl`` the old value is returned at once while a thread makes
        a new one; with ``beta`` 1 that begins a little before ``ttl`` is over, by chance. Such
        a factory runs in an application context of its own, without a request. ``jitter`` is
        the share of ``ttl`` that may be taken off by chance.

        When the factory raises, ``errors`` decides: ``raise`` lets it reach the caller and who
        waits in this process; ``stale`` returns the old value, kept for ``stale_if_error``
        seconds, and rests for ``negative_ttl`` seconds; ``negative`` lets every caller of every
        process have a `FactoryFailed` for ``negative_ttl`` seconds. What ``cache_if`` says no to
        is returned and not stored. Raises `BadRequest` and `Uncacheable`.
        """
        return self.fetch(
            key,
            factory,
            ttl,
            stale=stale,
            beta=beta,
            jitter=jitter,
            lock_timeout=lock_timeout,
            wait_timeout=wait_timeout,
            errors=errors,
            stale_if_error=stale_if_error,
            negative_ttl=negative_ttl,
            cache_if=cache_if,
        ).value

    def fetch(
        self,
        key: str,
        factory: Callable[[], Any],
        ttl: Seconds | None = None,
        *,
        stale: Seconds = 0,
        beta: float = 0,
        jitter: float = 0.1,
        lock_timeout: float | None = None,
        wait_timeout: float | None = None,
        errors: Errors = "raise",
        stale_if_error: Seconds = 3600,
        negative_ttl: float = 5,
        cache_if: Callable[[Any], bool] | None = None,
    ) -> Fetched:
        """Do as `get_or_set` does, and say whether the value was there and how old it is."""
        envelope = self._filler.read(check_key(key))
        now = self._now()
        if envelope is not None and now < envelope.fresh_until:
            early = beta and envelope.is_early(now, beta) and envelope.failure is None
            if not early:
                self._statistics.count("hits")
                return _found(envelope, "hit", now)
        lifetime = Lifetime.of(
            self._ttl(ttl), stale, stale_if_error if errors == "stale" else 0, jitter
        )
        lock = self._lock_timeout if lock_timeout is None else lock_timeout
        wait = lock if wait_timeout is None else wait_timeout
        recipe = Recipe(key, factory, lifetime, lock, wait, errors, negative_ttl, cache_if, beta)
        if envelope is None or now >= envelope.stale_until:
            self._statistics.count("misses")
            return self._fill(recipe)
        self._statistics.count("hits" if now < envelope.fresh_until else "stale_hits")
        self._refresher.start(key, lock, partial(self._filler.refresh, recipe, envelope.version))
        return _found(envelope, "hit" if now < envelope.fresh_until else "stale", now)

    def _fill(self, recipe: Recipe) -> Fetched:
        """Wait for a value that is missing, and note what has become of this call's factory."""
        ends: list[Source] = []

        def factory() -> Any:
            ends.append("stale")
            value = recipe.factory()
            ends.append("made")
            return value

        value = self._filler.value(replace(recipe, factory=factory))
        source = ends[-1] if ends else "waited"
        return Fetched(value, source, 0.0 if source == "made" else None)

    def _ttl(self, ttl: Seconds | None) -> Seconds:
        return self._default_ttl if ttl is None else ttl

    # -- figures --------------------------------------------------------------------------------

    def stats(self) -> dict[str, Any]:
        """Return what the cache holds and has done.

        ``entries`` = ``total`` = ``valid`` (fresh) + ``expired`` (stale, or not cleaned away
        yet); ``hits``, ``misses`` and so on over all processes, and in ``process`` those of this
        one. None: the store is away or cannot tell, or has more than 10,000 entries. Reads every
        entry: for people and monitors, not for requests.
        """
        held = self._filler.attempt("counting the cache's entries", self._held, _UNKNOWN)
        return {**held, **self.counters(), "process": self._statistics.process()}

    def counters(self) -> dict[str, int]:
        """Return the counters over all processes; while the store is away those of this one."""
        return self._statistics.summed()

    def _held(self) -> dict[str, int | None]:
        now, total, valid = self._now(), 0, 0
        try:
            for envelope in self._store.scan(""):
                if not envelope.is_tombstone:
                    total += 1
                    valid += now < envelope.fresh_until
                if total > _MOST_LISTED:
                    return _UNKNOWN
        except NotServable:
            return _UNKNOWN
        return {"entries": total, "total": total, "valid": valid, "expired": total - valid}

    @property
    def shared(self) -> bool:
        """Whether other processes see what is cached here."""
        return self._store.shared

    def close(self) -> None:
        """Tell the totals what this process has counted last."""
        self._statistics.close()


def _found(envelope: Envelope, source: Source, now: float) -> Fetched:
    return Fetched(open_envelope(envelope), source, max(0.0, now - envelope.made_at))


_UNKNOWN: Final[dict[str, int | None]] = dict.fromkeys(("entries", "total", "valid", "expired"))
