"""For the tests of apps that use this extension.

Streams are read through Flask's test client, time is moved by hand, and a few switches make
happen what networks and time do to clients::

    kit = Kit(app)                                    # on memory://
    with kit.stream(client, "guild-1") as reader:
        rt.trigger("guild-1", "message:new", {"id": 1})
        assert reader.take(1)[0].payload == {"id": 1}

With pytest, ``from flask_nexora_rt.testing import rt_app, rt_kit`` brings the fixtures.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from secrets import token_hex
from typing import Any, Self
from urllib.parse import urlencode

from flask import Flask
from flask.testing import FlaskClient
from flask_login import LoginManager, UserMixin

from . import publishing
from .event_stream import EventStreamParser, ServerSentEvent
from .events import Entry, Event, Position
from .extension import NexoraRT
from .fanout import Delivery, Topics
from .log.memory import MemoryLog
from .state import EXTENSION_KEY, State

__all__ = [
    "Clock",
    "EventStreamParser",
    "Kit",
    "ServerSentEvent",
    "StreamReader",
    "User",
    "make_app",
    "sign_in",
]


class Clock:
    """A clock that stands still until it is moved; gives seconds since the epoch."""

    def __init__(self, start: float | None = None) -> None:
        self._now = time.time() if start is None else start

    def __call__(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds


class User(UserMixin):  # type: ignore[misc]  # Flask-Login has no types
    """A user that exists because a test says so."""

    def __init__(self, id: str) -> None:  # noqa: A002 - Flask-Login's name
        self.id = id


def make_app(rt: NexoraRT | None = None, db: Any = None, **config: Any) -> Flask:
    """Make a small app on ``memory://`` in which anybody can be signed in with `sign_in`.

    ``config`` are further keys of ``app.config``; ``db`` is a Flask-SQLAlchemy object, not yet
    set up. Without ``rt`` there is one with the channels
    ``public-{id}`` (everybody) and ``room-{id}`` (everybody who is signed in).
    """
    app = Flask("nexora_rt_test_app")
    app.config.update(TESTING=True, SECRET_KEY=token_hex(), NEXORA_RT_SECRET=token_hex())
    app.config.update(config)
    login = LoginManager(app)
    login.user_loader(User)
    if db is not None:
        db.init_app(app)
    (rt or _make_rt()).init_app(app, db=db)
    return app


def _make_rt() -> NexoraRT:
    rt = NexoraRT()
    rt.channel("public-{id}", public=True)

    @rt.channel("room-{id}")
    def may_enter(user: Any, id: str) -> bool:  # noqa: A002 - the pattern's name
        return True

    return rt


def sign_in(client: FlaskClient, user_id: str) -> FlaskClient:
    """Sign ``user_id`` in on this test client, as Flask-Login does, and return the client."""
    with client.session_transaction() as session:
        session["_user_id"] = user_id
        session["_fresh"] = True
    return client


class StreamReader:
    """Reads one stream in a thread of its own, so that waiting for events cannot hang a test."""

    def __init__(self, client: FlaskClient, url: str, last_event_id: str = "") -> None:
        headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
        self.response = client.get(url, headers=headers)
        self.parser = EventStreamParser(last_event_id)
        self._events: queue.SimpleQueue[ServerSentEvent | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def last_event_id(self) -> str:
        """What a browser would send when it came back now."""
        return self.parser.last_event_id

    def _read(self) -> None:
        for chunk in self.response.response:
            data = chunk.encode() if isinstance(chunk, str) else chunk
            for event in self.parser.feed(data):
                self._events.put(event)
        self._events.put(None)

    def take(self, count: int, timeout: float = 5.0) -> list[ServerSentEvent]:
        """Return the next ``count`` events of the channels, past those of the connection.

        Raises `AssertionError` with what has come when they do not come in ``timeout`` seconds.
        """
        return self._take(count, timeout, lambda event: not _is_control(event))

    def take_control(self, name: str, timeout: float = 5.0) -> ServerSentEvent:
        """Return the next event of that name, such as ``nexora:gap``, past all others."""
        return self._take(1, timeout, lambda event: event.name == name)[0]

    def _take(
        self, count: int, timeout: float, wanted: Callable[[ServerSentEvent], bool]
    ) -> list[ServerSentEvent]:
        deadline = time.monotonic() + timeout
        seen: list[ServerSentEvent] = []
        taken: list[ServerSentEvent] = []
        while len(taken) < count:
            event = self._next(deadline - time.monotonic())
            if event is None:
                raise AssertionError(f"{len(taken)} of {count} events came; seen: {seen}")
            seen.append(event)
            if wanted(event):
                taken.append(event)
        return taken

    def _next(self, timeout: float) -> ServerSentEvent | None:
        try:
            return self._events.get(timeout=max(timeout, 0.001))
        except queue.Empty:
            return None

    def wait_ended(self, timeout: float = 5.0) -> bool:
        """Say whether the server ends the stream within ``timeout`` seconds."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def close(self) -> None:
        """Leave, as a closed tab does."""
        self.response.close()
        self._thread.join(5)


def _is_control(event: ServerSentEvent) -> bool:
    return event.name.startswith(("pusher:", "nexora:"))


class Kit:
    """Switches for one app on ``memory://``. Make it before the app serves anything."""

    def __init__(self, app: Flask, clock: Clock | None = None) -> None:
        self.app = app
        self.clock = clock or Clock()
        self._state: State = app.extensions[EXTENSION_KEY]
        self._state.clock = self.clock

    def stream(
        self, client: FlaskClient, *channels: str, last_event_id: str = "", **query: str
    ) -> StreamReader:
        """Open a stream as this client's user."""
        arguments = urlencode({"channels": ",".join(channels), **query})
        prefix = self._state.settings.url_prefix
        return StreamReader(client, f"{prefix}/realtime/stream?{arguments}", last_event_id)

    def trigger(self, channels: str | Sequence[str], name: str, data: Any) -> str:
        """Publish as the app does; return the position."""
        return publishing.trigger(self._state, channels, name, data)["position"]

    def disconnect(self) -> None:
        """Cut every stream now, as a network does: nothing more arrives, not even a goodbye."""
        for stream in self._state.runtime.hub.snapshot():
            stream.abort()

    def lose(self, lost: Callable[[Event], bool]) -> None:
        """Let live streams miss the matching events from now on, and say nothing.

        A stream that resumes from before them is shown them, as after a cut.
        """
        hub = self._state.runtime.hub
        with hub.lock:
            hub.topics = _LossyTopics(hub.topics, lost)

    def expire_history(self) -> None:
        """Let the retention of everything published so far be over: who resumes gets a gap."""
        runtime = self._state.runtime
        log = runtime.log
        if not isinstance(log, MemoryLog):
            raise TypeError("expire_history needs NEXORA_RT_URL=memory://")
        self._settle(log)
        log.expire()
        with runtime.hub.lock:
            runtime.hub.window.expire()

    def _settle(self, log: MemoryLog) -> None:
        """Wait until the hub has read all that is published."""
        hub, last = self._state.runtime.hub, log.bounds().last
        hub.joining.has_read(last, timeout=5)

    def advance(self, seconds: float) -> None:
        """Move the clock, with the heartbeats and endings that fall due on the way."""
        for _ in range(int(seconds)):
            self.clock.advance(1)
            self._state.runtime.hub.tick()
            # Between two heartbeats clients have time to read.
            time.sleep(0.001)
        self.clock.advance(seconds % 1)

    def close(self) -> None:
        """Stop what this app runs in this process."""
        self._state.runtime.close()


class _LossyTopics(Topics):
    """Topics over the same streams that plan nothing for some events."""

    def __init__(self, topics: Topics, lost: Callable[[Event], bool]) -> None:
        super().__init__(topics._aliases)
        self._streams = topics._streams
        self._lost = lost

    def plan(
        self, entries: Sequence[Entry], previous: Position, logged: bool = True
    ) -> list[Delivery]:
        kept = [entry for entry in entries if not self._lost(entry.event)]
        return super().plan(kept, previous, logged)


try:
    import pytest
except ImportError:  # the kit works with any test runner; only the fixtures are pytest's
    pass
else:

    @pytest.fixture
    def rt_app() -> Iterator[Flask]:
        """A small app on ``memory://``, see `make_app`; stopped after the test."""
        app = make_app()
        yield app
        app.extensions[EXTENSION_KEY].runtime.close()

    @pytest.fixture
    def rt_kit(rt_app: Flask) -> Kit:
        """The switches of `rt_app`."""
        return Kit(rt_app)
