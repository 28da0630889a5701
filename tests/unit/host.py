"""A small host app, as the tests of one process need it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_nexora_rt import NexoraRT
from flask_nexora_rt.event_stream import EventStreamParser, ServerSentEvent
from flask_nexora_rt.testing import Kit, StreamReader, make_app, sign_in

SECRET = "a secret that only tests know"
STREAM = "/api/realtime/stream"
AUTH = "/api/realtime/auth"


class Host:
    """An app with one kind of channel for every answer an authorizer can give.

    `public-*` is for everybody, `room-*` for whom `members` names, `presence-*` and `team-*`
    show their holders, and the authorizer of `broken-*` raises. `asked` lists the names that
    the authorizers were asked about.
    """

    def __init__(self, rt: NexoraRT | None = None, **config: Any) -> None:
        self.members = {"alice", "bob"}
        self.asked: list[str] = []
        self.rt = rt or self._make_rt()
        self.app = make_app(self.rt, **{"NEXORA_RT_SECRET": SECRET, **config})
        self.kit = Kit(self.app)
        self.state = self.app.extensions["nexora_rt"]

    def _make_rt(self) -> NexoraRT:
        rt = NexoraRT()
        rt.channel("public-{id}", public=True)

        @rt.channel("room-{id}")
        def may_enter(user, id):
            self.asked.append(f"room-{id}")
            return user.id in self.members

        @rt.channel("presence-{id}")
        def is_seen(user, id):
            return {"name": user.id.title()}

        @rt.channel("team-{id}", presence=True)
        def plays(user, id):
            return {"position": "left"}

        @rt.channel("broken-{id}")
        def breaks(user, id):
            raise LookupError("a secret of the host")

        return rt

    def client(self, user_id: str | None = None) -> FlaskClient:
        """A test client, signed in as this user."""
        client = self.app.test_client()
        return client if user_id is None else sign_in(client, user_id)

    def stream(self, user_id: str | None, *channels: str, **options: str) -> StreamReader:
        """Open a stream as this user."""
        return self.kit.stream(self.client(user_id), *channels, **options)

    def trigger(self, channels: Any, name: str = "tick", data: Any = None, **options: Any) -> str:
        """Publish, and return the position."""
        with self.app.app_context():
            return self.rt.trigger(channels, name, data, **options)["position"]

    @property
    def head(self) -> str:
        """The newest position of the log: it stays where it is when nothing is published."""
        return str(self.state.runtime.log.bounds().last)

    @property
    def hub(self) -> Any:
        return self.state.runtime.hub

    def settle(self, timeout: float = 5) -> None:
        """Wait until the hub has read all that is published."""
        deadline = time.monotonic() + timeout
        while str(self.hub.position) != self.head:
            assert time.monotonic() < deadline, "the hub does not read on"
            time.sleep(0.001)


def events_of(response: TestResponse) -> list[ServerSentEvent]:
    """The events of a response that ends by itself."""
    return EventStreamParser().feed(response.data)


def retry_of(response: TestResponse) -> int | None:
    """The reconnection time that a response sets."""
    parser = EventStreamParser()
    parser.feed(response.data)
    return parser.retry_ms


@contextmanager
def closing(response: TestResponse) -> Iterator[TestResponse]:
    """Leave the stream when the test is done with it."""
    try:
        yield response
    finally:
        response.close()


def assert_error(response: TestResponse, status: int, *in_detail: str) -> None:
    """The answer is an error as the contract writes it, and nothing but that."""
    assert response.status_code == status
    assert response.mimetype == "application/json"
    body = response.get_json()
    assert set(body) <= {"error", "detail", "fields"}
    assert isinstance(body["error"], str)
    assert body["error"]
    assert "Traceback" not in response.text
    for text in in_detail:
        assert text in body["detail"]
