"""One hub per worker: it tails the log, knows who listens to what, and fans out."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from . import sse
from .errors import BrokerUnavailable, Overloaded
from .events import CLOSING, GAP, PING, Entry, Event, Position, Reset
from .fanout import Topics, replay_blocks
from .follower import Follower
from .log import Batch, Bounds, EventLog, Gap, GapReason, Limits, Window
from .settings import Settings
from .transport.base import Start, Stream

logger = logging.getLogger(__name__)

_START_SECONDS = 5.0
_REPLAY_CHUNK = 200
_RANGE_PAGE = 1000
_WRITES_BEFORE_YIELD = 1000


class Join(NamedTuple):
    """Where a stream starts; ``gap`` is set when its cursor could not be resumed from."""

    start: Start
    recovered: bool = False
    gap: Gap | None = None


class Hub:
    """The meeting point of one log and the streams of one process.

    ``_lock`` guards the window, the topics and the set of streams; nothing blocks under it.
    ``_order`` is held while live streams are written to, so that a heartbeat cannot overtake
    events whose position it carries. ``_order`` is taken before ``_lock``, never after.
    """

    def __init__(
        self,
        log: EventLog,
        settings: Settings,
        max_streams: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self._log = log
        self._max_streams = max_streams
        self._lock = threading.Lock()
        self._order = threading.Lock()
        self._moved = threading.Condition(self._lock)
        nowhere = Position(0, 0)
        limits = Limits(
            settings.retention_events, settings.retention_seconds, settings.window_bytes
        )
        self._window = Window(Bounds(nowhere, nowhere, nowhere), limits)
        self._topics = Topics()
        self._streams: dict[str, Stream] = {}
        self._users: Counter[str] = Counter()
        self._wheel: list[set[Stream]] = [set() for _ in range(settings.heartbeat)]
        self._ticks = 0
        self._draining = False
        self._stopped = threading.Event()
        self._follower = Follower(log, self)

    def __repr__(self) -> str:
        state = "draining" if self._draining else "live" if self.connected else "disconnected"
        return f"<Hub {state} at {self.position}: {len(self._streams)} streams>"

    @property
    def connected(self) -> bool:
        """Whether the log is being read, and had been read to its end once."""
        return self._follower.connected

    @property
    def position(self) -> Position:
        """The last position that live streams have been, or are being, given."""
        return self._window.bounds.last

    def __len__(self) -> int:
        return len(self._streams)

    # -- life ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to follow the log. Call once, in the process that serves (after any fork)."""
        self._follower.start()
        threading.Thread(target=self._beat, name="nexora-rt-heartbeat", daemon=True).start()

    def stop(self) -> None:
        """End every stream at once and stop following the log."""
        self._stopped.set()
        self._follower.stop()
        for stream in self._snapshot():
            stream.abort()

    def drain(self, grace: float = 1.5) -> None:
        """Tell every stream to come back elsewhere; return when all have ended.

        Each gets ``nexora:closing`` and a jittered ``retry:``. Those that have not read it
        within ``grace`` seconds are cut. New streams are turned away from now on.
        """
        self._draining = True
        with self._order:
            for stream in self._snapshot():
                stream.finish(self._farewell(stream))
        deadline = time.monotonic() + grace
        while self._streams and time.monotonic() < deadline:
            time.sleep(0.02)
        for stream in self._snapshot():
            stream.abort()

    def _farewell(self, stream: Stream) -> bytes:
        pause = random.randint(500, 3000)  # noqa: S311 - spreads the reconnects
        return sse.retry(pause) + stream.codec.control(self._delivered(stream), CLOSING, {})

    # -- streams ------------------------------------------------------------------------------

    def join(self, cursor: Position | None, channels: Sequence[str]) -> Join:
        """Find out where a stream with this cursor starts; may ask the log.

        Raises `Overloaded` (draining or full) or `BrokerUnavailable`: come back later.
        """
        if self._draining or len(self._streams) >= self._max_streams:
            raise Overloaded("this worker takes no more streams at the moment")
        self._wait_for_start()
        if cursor is None:
            return Join(self._head())
        self._wait_until_at(cursor)
        with self._lock:
            if self._window.bounds.gap(cursor) is None:
                backlog = self._window.replay(cursor, channels)
                return Join(Start(cursor, backlog, self.position), recovered=True)
        return self._join_from_log(cursor, channels)

    def _head(self) -> Start:
        return Start(self.position, [], self.position)

    def _wait_for_start(self) -> None:
        with self._moved:
            if not self._moved.wait_for(lambda: self.connected, _START_SECONDS):
                raise BrokerUnavailable("the log cannot be reached")

    def _wait_until_at(self, cursor: Position) -> None:
        """Another worker may have shown the client an entry that this one has yet to read."""
        if cursor <= self.position or cursor > self._log.bounds().last:
            return
        with self._moved:
            if not self._moved.wait_for(lambda: self.position >= cursor, _START_SECONDS):
                raise BrokerUnavailable("this worker is behind the log")

    def _join_from_log(self, cursor: Position, channels: Sequence[str]) -> Join:
        """Replay from before this worker's window, or say that it cannot be done."""
        settings = self.settings
        start = Bounds(cursor, cursor, cursor)
        past = Window(start, Limits(settings.retention_events, float("inf"), settings.window_bytes))
        wanted = frozenset(channels)
        while True:
            page = self._log.range(past.bounds.last, _RANGE_PAGE)
            if isinstance(page, Gap):
                return Join(self._head(), gap=page)
            for entry in page:
                past.add(entry, keep=not wanted.isdisjoint(entry.event.channels))
            past.trim(0)
            if past.bounds.floor > cursor:
                return Join(self._head(), gap=Gap("expired", past.bounds))
            if len(page) < _RANGE_PAGE or past.bounds.last >= self.position:
                backlog = past.replay(cursor, channels)
                return Join(Start(cursor, backlog, past.bounds.last), recovered=True)

    def expiry(self) -> float:
        """Return when a stream opened now has to come back and be authorised again.

        Jittered, so that streams opened together do not come back together.
        """
        return self.clock() + self.settings.max_stream_age * random.uniform(0.8, 1)  # noqa: S311

    def admit(self, stream: Stream) -> bool:
        """Count a stream in; False when this worker or its user has too many, or it drains."""
        with self._lock:
            mine = self._users[stream.user_id] if stream.user_id is not None else 0
            full = len(self._streams) >= self._max_streams
            if self._draining or full or mine >= self.settings.max_streams_per_user:
                return False
            self._streams[stream.socket_id] = stream
            if stream.user_id is not None:
                self._users[stream.user_id] += 1
            stream.slot = (self._ticks + len(self._streams)) % len(self._wheel)
            self._wheel[stream.slot].add(stream)
            return True

    def catch_up(self, stream: Stream) -> bytes | None:
        """Return the next piece of the stream's replay; None once it is live (or has ended)."""
        with self._lock:
            if stream.live or stream.socket_id not in self._streams:
                return None
            entries = self._next_entries(stream)
            if entries:
                previous, stream.position = stream.position, entries[-1].position
                return replay_blocks(entries, previous, stream.channels, stream.codec)
            lost = self._window.bounds.gap(stream.position)
            if lost is None:
                stream.live = True
                self._topics.add(stream)
                return None
        # It read slower than the window moved: it resumes, and is told what is gone.
        stream.abort()
        return None

    def _next_entries(self, stream: Stream) -> list[Entry]:
        if not stream.backlog:
            stream.position = max(stream.position, stream.until)
            if self._window.bounds.gap(stream.position):
                return []
            stream.backlog = self._window.replay(stream.position, stream.channels)
        entries = stream.backlog[:_REPLAY_CHUNK]
        del stream.backlog[:_REPLAY_CHUNK]
        return entries

    def drop(self, stream: Stream) -> None:
        """Forget a stream that has ended. Idempotent; every transport calls it at its end."""
        with self._lock:
            if self._streams.pop(stream.socket_id, None) is None:
                return
            self._topics.remove(stream)
            self._wheel[stream.slot].discard(stream)
            stream.live = False
            if stream.user_id is not None:
                self._users[stream.user_id] -= 1
                if not self._users[stream.user_id]:
                    del self._users[stream.user_id]

    def _snapshot(self) -> list[Stream]:
        with self._lock:
            return list(self._streams.values())

    def _delivered(self, stream: Stream) -> Position:
        """The position that a control block for this stream may carry."""
        with self._lock:
            return self.position if stream.live else stream.position

    # -- fan-out ------------------------------------------------------------------------------

    def deliver(self, batch: Batch) -> None:
        """Send what the tail has read to the streams that hold its channels, in log order."""
        with self._order:
            run: list[Entry] = []
            for item in batch.entries:
                if isinstance(item, Reset):
                    self._fan_out(run)
                    run = []
                    self._begin_anew(Bounds(item.position, item.position, item.position), "reset")
                else:
                    run.append(item)
            self._fan_out(run)
            self._fan_out_ephemeral(batch.ephemeral)

    def _fan_out(self, entries: list[Entry]) -> None:
        with self._lock:
            previous = self.position
            for entry in entries:
                self._window.add(entry)
            self._window.trim(self.clock())
            plan = self._topics.plan(entries, previous)
            self._moved.notify_all()
        self._write(plan)

    def _fan_out_ephemeral(self, events: list[Event]) -> None:
        with self._lock:
            entries = [Entry(self.position, event) for event in events]
            plan = self._topics.plan(entries, self.position)
        self._write(plan)

    def _write(self, plan: list[tuple[Stream, bytes]]) -> None:
        for count, (stream, data) in enumerate(plan, 1):
            stream.push(data)
            if count % _WRITES_BEFORE_YIELD == 0:
                # Under gevent nothing else runs during this loop; pages should.
                time.sleep(0)

    def begin(self, bounds: Bounds) -> None:
        """Take the log up where it is retained from; nothing has been read of it yet."""
        with self._lock:
            self._window.restart(bounds._replace(last=bounds.floor))

    def begin_anew(self, bounds: Bounds, reason: GapReason) -> None:
        """The log lost something: tell every live stream, and go on from ``bounds.last``."""
        with self._order:
            self._begin_anew(bounds, reason)

    def _begin_anew(self, bounds: Bounds, reason: GapReason) -> None:
        """The log lost something: tell every live stream, and go on from ``bounds.last``."""
        with self._lock:
            since = self.position
            self._window.restart(bounds)
            live = [stream for stream in self._streams.values() if stream.live]
            self._moved.notify_all()
        for stream in live:
            body = gap_body(stream.channels, reason, since, bounds.floor)
            stream.push(stream.codec.control(bounds.last, GAP, body))

    def read_to_the_end(self) -> None:
        """The log has been read as far as it went: streams may join."""
        with self._moved:
            self._moved.notify_all()

    # -- time ---------------------------------------------------------------------------------

    def _beat(self) -> None:
        while not self._stopped.wait(1.0):
            try:
                self.tick()
            except Exception:
                logger.exception("a heartbeat failed; the next one is due in a second")

    def tick(self) -> None:
        """One second has passed: ping one slot of streams, end those that are too old."""
        now = self.clock()
        with self._order:
            with self._lock:
                self._window.trim(now)
                self._ticks += 1
                due = list(self._wheel[self._ticks % len(self._wheel)])
                position = self.position
            pings = {codec: codec.control(position, PING, {}) for codec in sse.CODECS.values()}
            for stream in due:
                if now >= stream.expires:
                    stream.finish(sse.retry(random.randint(100, 1500)))  # noqa: S311 - jitter
                elif stream.live:
                    stream.push(pings[stream.codec])


def gap_body(
    channels: Sequence[str], reason: str, since: Position, oldest: Position
) -> dict[str, object]:
    """The data of ``nexora:gap``: refetch these channels, then go on from the block's id."""
    return {
        "channels": list(channels),
        "reason": reason,
        "since": str(since),
        "oldest": str(oldest),
    }
