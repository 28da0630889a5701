"""Makes missing values: once in a process, once over all processes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

from ..dice import dice
from ..errors import FactoryFailed, NexoraError, ValueTooLarge
from .base import Locks, Look, Release, Store
from .envelope import Envelope, renew, seal_failure
from .flight import Ending, Flight, Flights
from .outage import Outage
from .recipe import Recipe
from .stats import Statistics

logger = logging.getLogger(__name__)

T = TypeVar("T")
U = TypeVar("U")

_FIRST_PAUSE: Final = 0.01
_LONGEST_PAUSE: Final = 0.1
# How long to leave a key alone that another process refreshes.
_REST_SECONDS: Final = 0.5
_NOTHING: Final = Look(None, ("", ""))


class Made(NamedTuple):
    """A value, and whether it is for those who wait too: not when a delete has overtaken it."""

    value: Any
    final: bool


class Filler:
    """Runs factories. What the store does not serve is done without it.

    Who leads a flight takes the lock between processes, looks again, and makes the value. Others
    wait, at most for the recipe's ``wait_timeout``, and then make it themselves, unlocked.
    """

    def __init__(
        self, store: Store, locks: Locks, statistics: Statistics, now: Callable[[], float]
    ) -> None:
        self._store = store
        self._locks = locks
        self._statistics = statistics
        self._now = now
        self._flights = Flights()
        self.outage = Outage("store", store.outages, statistics)
        self._lock_outage = Outage("lock server", locks.outages, statistics)

    def read(self, key: str) -> Envelope | None:
        """Return the entry of a key; None also when the store is away or it cannot be read."""
        outage = self.outage
        if outage.active and outage.blocks():
            return None
        try:
            envelope = self._store.get(key)
        except Exception as error:  # noqa: BLE001 - whatever store the host has
            outage.failed(f"reading the cache key {key!r}", error)
            return None
        if outage.active:
            outage.succeeded()
        return envelope

    def attempt(
        self, what: str, action: Callable[[], T], otherwise: U, outage: Outage | None = None
    ) -> T | U:
        """Do something with the store; ``otherwise`` when it fails. Our own errors pass."""
        outage = outage or self.outage
        try:
            done = action()
        except NexoraError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever store the host has
            outage.failed(what, error)
            return otherwise
        outage.succeeded()
        return done

    # -- a caller waits for the value -----------------------------------------------------------

    def value(self, recipe: Recipe) -> Any:
        """Return the value, made by this caller or another one. Raises as the factory does."""
        deadline = time.monotonic() + recipe.wait_timeout
        while True:
            flight, leads = self._flights.join(recipe.key)
            if leads:
                return self._lead(flight, recipe, deadline)
            if flight.is_mine():
                # The factory asks for its own key: to wait would be to wait for itself.
                return self._make(recipe, self._look(recipe.key)).value
            self._statistics.count("lock_waits")
            if not flight.wait(deadline - time.monotonic()):
                self._statistics.count("wait_timeouts")
                return self._make(recipe, self._look(recipe.key)).value
            if flight.ending is not Ending.ABANDONED:
                return self._share(flight, recipe.key)

    def _share(self, flight: Flight, key: str) -> Any:
        """Return what a flight has brought, as a copy of one's own if the store has it."""
        if flight.error is not None:
            raise flight.error
        envelope = self.read(key)
        if envelope is None or self._now() >= envelope.stale_until or envelope.failure is not None:
            return flight.value
        return envelope.value

    def _lead(self, flight: Flight, recipe: Recipe, deadline: float) -> Any:
        try:
            made = self._make_once(recipe, deadline)
            if made.final:
                flight.land(made.value)
        except Exception as error:
            flight.fail(error)
            raise
        finally:
            # After a KeyboardInterrupt or the like it stands abandoned: that is for nobody else.
            self._flights.end(recipe.key, flight)
        return made.value

    def _make_once(self, recipe: Recipe, deadline: float) -> Made:
        """Make the value under the lock between processes, unless somebody else has meanwhile."""
        held = self._lock_or_value(recipe, deadline)
        if isinstance(held, Envelope):
            return Made(open_envelope(held), final=True)
        try:
            look = self._look(recipe.key)
            if look.envelope is not None and self._now() < look.envelope.stale_until:
                return Made(open_envelope(look.envelope), final=True)
            return self._make(recipe, look)
        finally:
            held()

    def _lock_or_value(self, recipe: Recipe, deadline: float) -> Release | Envelope:
        """Wait for the lock or for the value that its holder makes, whichever comes first."""
        pause, waited = _FIRST_PAUSE, False
        while (release := self._try_lock(recipe)) is None:
            if not waited:
                self._statistics.count("lock_waits")
                waited = True
            left = deadline - time.monotonic()
            if left <= 0:
                self._statistics.count("wait_timeouts")
                return _nothing_to_release
            time.sleep(min(left, pause * dice.uniform(0.5, 1.0)))  # jitter
            pause = min(pause * 2, _LONGEST_PAUSE)
            envelope = self.read(recipe.key)
            if envelope is not None and self._now() < envelope.stale_until:
                return envelope
        return release

    def _try_lock(self, recipe: Recipe) -> Release | None:
        if self._lock_outage.blocks():
            return _nothing_to_release
        take: Callable[[], Release | None] = partial(
            self._locks.acquire, recipe.key, recipe.lock_timeout
        )
        what = f"locking the cache key {recipe.key!r}"
        return self.attempt(what, take, _nothing_to_release, self._lock_outage)

    def _look(self, key: str) -> Look:
        if self.outage.blocks():
            return _NOTHING
        return self.attempt(
            f"reading the cache key {key!r}", lambda: self._store.look(key), _NOTHING
        )

    # -- the value is refreshed in the background --------------------------------------------------

    def refresh(self, recipe: Recipe, seen: str) -> float:
        """Make a new value unless version ``seen`` has gone; return how long to rest."""
        release = self._try_lock(recipe)
        if release is None:
            return _REST_SECONDS
        try:
            look = self._look(recipe.key)
            if look.envelope is None or look.envelope.version != seen:
                return 0.0
            self._statistics.count("refreshes")
            self._make(recipe, look)
        except Exception:
            logger.warning("refreshing the cache key %r has failed", recipe.key, exc_info=True)
            return max(recipe.negative_ttl, _REST_SECONDS)
        finally:
            release()
        return 0.0

    # -- making ----------------------------------------------------------------------------------

    def _make(self, recipe: Recipe, look: Look) -> Made:
        self._statistics.count("factory_runs")
        began, started = self._now(), time.perf_counter()
        try:
            value = recipe.factory()
        except Exception as error:  # noqa: BLE001 - raised again unless something stands in
            self._statistics.count("factory_errors")
            return self._stand_in(recipe, look, error)
        if not recipe.wants(value):
            return Made(value, final=True)
        taken = time.perf_counter() - started
        # It was true when its making began, so that is when its time begins.
        envelope = recipe.lifetime.seal(recipe.key, value, began, taken)
        return Made(value, self._swap(envelope, look))

    def _stand_in(self, recipe: Recipe, look: Look, error: Exception) -> Made:
        """A factory has failed: give out the kept value if there may be one, else raise."""
        kept, until = look.envelope, self._now() + recipe.negative_ttl
        if recipe.errors == "negative" and not self._is_servable(kept):
            failure = f"{type(error).__name__}: {error}"
            self._swap(seal_failure(recipe.key, failure, until), look)
        may = recipe.errors == "stale" and kept is not None and kept.failure is None
        if kept is None or not may or self._now() >= kept.keep_until:
            raise error
        logger.warning("the old value of cache key %r stands in: %r", recipe.key, error)
        self._statistics.count("stale_hits")
        return Made(kept.value, self._swap(renew(kept, until), look))

    def _is_servable(self, kept: Envelope | None) -> bool:
        """Say whether callers are given this value meanwhile: then it is not written over."""
        return kept is not None and kept.failure is None and self._now() < kept.stale_until

    def _swap(self, envelope: Envelope, look: Look) -> bool:
        """Store what was made; False when it is too late for that."""
        if self.outage.blocks():
            return True
        timeout = envelope.seconds_to_keep(self._now())
        what = f"writing the cache key {envelope.key!r}"
        try:
            stored = self.attempt(
                what, lambda: self._store.swap(envelope, timeout, look.stamp), None
            )
        except ValueTooLarge as error:
            logger.warning("a value is not cached: %s", error)
            return True
        if stored is None:  # the store is away: there is only this value
            return True
        self._statistics.count("sets" if stored else "late_values")
        return stored


def open_envelope(envelope: Envelope) -> Any:
    """Return the value. Raises `FactoryFailed` when the entry says that there is none."""
    if envelope.failure is not None:
        raise FactoryFailed(f"no value for the cache key {envelope.key!r}: {envelope.failure}")
    return envelope.value


def _nothing_to_release() -> None:
    pass
