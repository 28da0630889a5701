"""One hub per worker: it tails the log, knows who listens to what, and fans out."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from . import sse
from .aliases import NO_ALIASES, Aliases
from .counters import Counters
from .dice import dice
from .errors import BrokerUnavailable, NexoraError, Overloaded
from .events import CLOSING, GAP, PING, REVOKED, Entry, Event, Position, Reset
from .fanout import Delivery, Topics, replay_blocks
from .follower import Follower
from .joining import Join, Joining, gap_body
from .log import Batch, Bounds, EventLog, GapReason, Limits, Window
from .observers import Attendance, Watcher
from .revocation import REVOKE, Revocation, Revocations
from .settings import Settings
from .streams import Streams
from .transport.base import Stream

logger = logging.getLogger(__name__)

_START_SECONDS = 5.0
_WRITES_BEFORE_YIELD = 1000

Control = Callable[[Event], None]


class Hub:
    """The meeting point of one log and the streams of one process.

    ``lock`` guards the window, the topics, the revocations and the streams; nothing blocks
    under it. ``order`` is held while live streams are written to, so that a heartbeat cannot
    overtake events whose position it carries; ``order`` is taken before ``lock``, never after.
    ``controls`` are run, with ``order`` held, for events that name no channel; ``errands`` are
    run by the hub's threads once they are free of both, within a second.
    """

    def __init__(
        self,
        log: EventLog,
        settings: Settings,
        max_streams: int,
        clock: Callable[[], float] = time.time,
        aliases: Aliases = NO_ALIASES,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.lock = threading.Lock()
        self.order = threading.Lock()
        self.aliases = aliases
        self.topics = Topics(aliases)
        self.streams = Streams(max_streams, settings.max_streams_per_user, settings.heartbeat)
        self.revocations = Revocations()
        self.counters = Counters()
        self.lag = 0.0
        self.attendance: Attendance | None = None
        self.controls: dict[str, Control] = {}
        self.errands: deque[Callable[[], None]] = deque()
        self.watchers: list[Watcher] = []
        nowhere = Position(0, 0)
        limits = Limits(
            settings.retention_events, settings.retention_seconds, settings.window_bytes
        )
        self.window = Window(Bounds(nowhere, nowhere, nowhere), limits)
        self._moved = threading.Condition(self.lock)
        self.joining = Joining(log, settings, self.window, self._moved)
        self._draining = False
        self._stopped = threading.Event()
        self._follower = Follower(log, self)

    def __repr__(self) -> str:
        state = "draining" if self._draining else "live" if self.connected else "disconnected"
        return f"<Hub {state} at {self.position}: {len(self)} streams>"

    def __len__(self) -> int:
        return len(self.streams)

    @property
    def connected(self) -> bool:
        """Whether the log is being read, and had been read to its end once."""
        return self._follower.connected

    @property
    def out_of_reach(self) -> bool:
        """Whether the log could not be read when it was last tried."""
        return self._follower.out_of_reach

    @property
    def draining(self) -> bool:
        return self._draining

    @property
    def position(self) -> Position:
        """The last position that live streams have been, or are being, given."""
        return self.window.bounds.last

    # -- life ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to follow the log. Call once, in the process that serves (after any fork)."""
        self._follower.start()
        threading.Thread(target=self._beat, name="nexora-rt-heartbeat", daemon=True).start()

    def stop(self) -> None:
        """End every stream at once and stop following the log."""
        self._stopped.set()
        self._follower.stop()
        for stream in self.snapshot():
            stream.abort()

    def drain(self, grace: float = 1.5) -> None:
        """Tell every stream to come back elsewhere; return when all have ended.

        Each gets ``nexora:closing`` and a jittered ``retry:``. Those that have not read it
        within ``grace`` seconds are cut. New streams are turned away from now on.
        """
        self._draining = True
        with self.order:
            for stream in self.snapshot():
                stream.finish(self._farewell(stream))
        deadline = time.monotonic() + grace
        while self.streams and time.monotonic() < deadline:
            time.sleep(0.02)
        for stream in self.snapshot():
            stream.abort()

    def _farewell(self, stream: Stream) -> bytes:
        pause = dice.randint(500, 3000)  # spreads the reconnects
        return sse.retry(pause) + stream.codec.control(self._end(stream), CLOSING, {})

    # -- streams ------------------------------------------------------------------------------

    def join(self, cursor: Position | None, channels: Sequence[str]) -> Join:
        """Find out where a stream with this cursor starts; may ask the log.

        Raises `Overloaded` (draining or full) or `BrokerUnavailable`: come back later.
        """
        if self._draining or self.streams.full:
            raise Overloaded("this worker takes no more streams at the moment")
        self.wait_for_start()
        return self.joining.join(cursor, channels)

    def wait_for_start(self) -> None:
        """Wait until the log is being read. Raises `BrokerUnavailable` after 5 s."""
        with self._moved:
            if not self._moved.wait_for(lambda: self.connected, _START_SECONDS):
                raise BrokerUnavailable("the log cannot be reached")

    def expiry(self) -> float:
        """Return when a stream opened now has to come back and be authorised again.

        Jittered, so that streams opened together do not come back together.
        """
        return self.clock() + self.settings.max_stream_age * dice.uniform(0.8, 1)

    def admit(self, stream: Stream, authorised_at: Position | None = None) -> bool:
        """Count a stream in. False: too many, here or of its user; draining; or a channel has
        been revoked since ``authorised_at``, the hub's position before the authorizers ran."""
        with self.lock:
            revoked = authorised_at is not None and self.revocations.concern(
                stream.user_id, stream.channels, authorised_at
            )
            if self._draining or revoked or not self.streams.add(stream):
                return False
            self.counters.connections += 1
        if self.attendance is not None:
            self.attendance.admitted(stream)
        return True

    def revoked_since(self, since: Position, user_id: str | None, channels: Sequence[str]) -> bool:
        """Say whether a channel was, or may have been, taken from the user after ``since``."""
        with self.lock:
            forgotten = since < self.window.bounds.floor
            return forgotten or self.revocations.concern(user_id, channels, since)

    def count_join(self, join: Join) -> None:
        """Count a stream that resumed, or was told of a gap."""
        with self.lock:
            self.counters.replays += join.recovered
            self.counters.gaps += join.gap is not None

    def catch_up(self, stream: Stream) -> bytes | None:
        """Return the next piece of the stream's replay; None once it is live (or has ended)."""
        with self.lock:
            if stream.live or stream.ending or stream not in self.streams:
                return None
            entries = self.joining.next_entries(stream)
            if entries:
                previous, stream.position = stream.position, entries[-1].position
                self.counters.deliveries += len(entries)
                return replay_blocks(entries, previous, stream.channels, stream.codec, self.aliases)
            if self.window.bounds.gap(stream.position) is None:
                return self._go_live(stream)
        # It read slower than the window moved: it resumes, and is told what is gone.
        stream.abort()
        return None

    def _go_live(self, stream: Stream) -> bytes | None:
        stream.live = True
        self.topics.add(stream, stream.channels)
        if self.attendance is None:
            return None
        return self.attendance.welcome(stream, self.position) or None

    def drop(self, stream: Stream, evicted: bool = False) -> None:
        """Forget a stream that has ended. Idempotent; every transport calls it at its end."""
        with self.lock:
            if not self.streams.remove(stream):
                return
            self.topics.remove(stream, stream.channels)
            stream.live = False
            self.counters.evictions += evicted
        self._tell_dropped(stream, stream.channels)

    def snapshot(self) -> list[Stream]:
        """Return the streams there are now."""
        with self.lock:
            return list(self.streams)

    def _end(self, stream: Stream) -> Position:
        """Stop the stream's replay and return the position that its last block carries."""
        with self.lock:
            stream.ending = True
            return self.position if stream.live else stream.position

    # -- fan-out ------------------------------------------------------------------------------

    def deliver(self, batch: Batch) -> None:
        """Send what the tail has read to the streams that hold its channels, in log order."""
        with self.order:
            run: list[Entry] = []
            for item in batch.entries:
                if isinstance(item, Entry) and item.event.channels:
                    run.append(item)
                else:
                    self._fan_out(run)
                    run = []
                    self._take_control(item)
            self._fan_out(run)
            self._fan_out_ephemeral(batch.ephemeral)
        self._run_errands()

    def _take_control(self, item: Entry | Reset) -> None:
        if isinstance(item, Reset):
            self._begin_anew(Bounds(item.position, item.position, item.position), "reset")
            return
        with self.lock:
            self.window.add(item, keep=False)
            self._moved.notify_all()
        if item.event.name == REVOKE:
            self._revoke(item.position, Revocation.parse(item.event.data))

    def _fan_out(self, entries: list[Entry]) -> None:
        if not entries:
            return
        with self.lock:
            previous = self.position
            for entry in entries:
                self.window.add(entry)
            self.window.trim(self.clock())
            self.counters.events += len(entries)
            self.lag = max(0.0, self.clock() - entries[0].position.ms / 1000)
            plan = self.topics.plan(entries, previous)
            self._moved.notify_all()
        self.write(plan)

    def _fan_out_ephemeral(self, events: list[Event]) -> None:
        run: list[Event] = []
        for event in events:
            for watcher in self.watchers:
                watcher.saw(event)
            if event.channels:
                run.append(event)
            else:
                self._send_ephemeral(run)
                run = []
                self._run_control(event)
        self._send_ephemeral(run)

    def _send_ephemeral(self, events: list[Event]) -> None:
        with self.lock:
            entries = [Entry(self.position, event) for event in events]
            plan = self.topics.plan(entries, self.position, logged=False)
        self.write(plan)

    def _run_control(self, event: Event) -> None:
        control = self.controls.get(event.name)
        if control is not None:
            control(event)

    def _run_errands(self) -> None:
        while self.errands:
            try:
                self.errands.popleft()()
            except NexoraError as error:
                logger.warning("something was not sent: %s", error)
            except Exception:
                # One command must not stop the log for everybody.
                logger.exception("a command to a stream failed")

    def write(self, plan: Sequence[Delivery]) -> None:
        """Push to each stream; the caller holds ``order``."""
        for streams, data in plan:
            for start in range(0, len(streams), _WRITES_BEFORE_YIELD):
                if start:
                    # Under gevent nothing else runs during this loop; pages should.
                    time.sleep(0)
                for stream in streams[start : start + _WRITES_BEFORE_YIELD]:
                    stream.push(data)

    def _revoke(self, position: Position, revocation: Revocation) -> None:
        user, channel, reason = revocation
        with self.lock:
            self.revocations.add(position, revocation)
            hit = [s for s in self.streams.of(user) if channel is None or channel in s.channels]
        for stream in hit:
            if channel is not None and self.take_away(stream, [channel]):
                body = {"channel": channel, "reason": reason}
                stream.push(stream.codec.control(position, REVOKED, body))
            else:
                # All of it, or a replay that was decided before: it comes back and is asked again.
                stream.finish(sse.retry(100))

    def take_away(self, stream: Stream, channels: Sequence[str]) -> bool:
        """Let a live stream hold these channels no more; False when it is not live."""
        with self.lock:
            if not stream.live:
                return False
            self.topics.remove(stream, channels)
            stream.channels = tuple(c for c in stream.channels if c not in channels)
        self._tell_dropped(stream, channels)
        return True

    def _tell_dropped(self, stream: Stream, channels: Sequence[str]) -> None:
        for watcher in self.watchers:
            watcher.dropped(stream, channels)
        if self.attendance is not None:
            self.attendance.dropped(stream, channels)

    def begin(self, bounds: Bounds) -> None:
        """Take the log up where it is retained from; nothing has been read of it yet."""
        with self.lock:
            self.window.restart(bounds._replace(last=bounds.floor))

    def begin_anew(self, bounds: Bounds, reason: GapReason) -> None:
        """The log lost something: tell every live stream, and go on from ``bounds.last``."""
        with self.order:
            self._begin_anew(bounds, reason)

    def _begin_anew(self, bounds: Bounds, reason: GapReason) -> None:
        with self.lock:
            since = self.position
            # What the log retains before its end has not been read here: ask the log for that.
            self.window.restart(bounds._replace(floor=bounds.last))
            live = [stream for stream in self.streams if stream.live]
            self.counters.gaps += len(live)
            self._moved.notify_all()
        for stream in live:
            body = gap_body(stream.channels, reason, since, bounds.floor)
            stream.push(stream.codec.control(bounds.last, GAP, body))
        if self.attendance is not None:
            self.attendance.restarted()

    def read_to_the_end(self) -> None:
        """The log has been read as far as it went: streams may join."""
        with self._moved:
            self._moved.notify_all()
        if self.attendance is not None:
            self.attendance.restarted()

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
        with self.order:
            with self.lock:
                self.window.trim(now)
                due = self.streams.turn()
                position = self.position
            if self.attendance is not None:
                self.write(self.attendance.ticked(position))
            pings = {codec: codec.control(position, PING, {}) for codec in sse.CODECS.values()}
            for stream in due:
                if stream.ending:
                    # Told to end a heartbeat ago, and its client has not read that yet.
                    stream.abort()
                elif now >= stream.expires:
                    self._end(stream)
                    stream.finish(sse.retry(dice.randint(100, 1500)))  # jitter
                elif stream.live:
                    stream.push(pings[stream.codec])
        self._run_errands()
