"""What the end-to-end tests share: the app under a server, and ways to talk to it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests

from flask_nexora_rt import NexoraRT
from flask_nexora_rt.testing import make_app

APP = "tests.e2e.app:app"


@pytest.fixture
def serve(gunicorn, app_id) -> Callable[..., Any]:
    """Serves the app: `serve(redis_url, workers=2, env={...})`; None means `memory://`."""

    def make(url: str | None = None, *, env: dict[str, str] | None = None, **options: Any) -> Any:
        environ = {"FLASK_NEXORA_RT_APP_ID": app_id, **(env or {})}
        if url is not None:
            environ["FLASK_NEXORA_RT_URL"] = url
        return gunicorn(APP, env=environ, ready_path="/count", **options)

    return make


class Publisher:
    """Publishes from this process, from any of its threads."""

    def __init__(self, **config: Any) -> None:
        self._rt = NexoraRT()
        self._app = make_app(self._rt, **config)

    def trigger(self, *event: Any) -> dict[str, str]:
        with self._app.app_context():
            return self._rt.trigger(*event)

    def trigger_batch(self, batch: list[dict[str, Any]]) -> dict[str, list[str]]:
        with self._app.app_context():
            return self._rt.trigger_batch(batch)

    def close(self) -> None:
        self._app.extensions["nexora_rt"].runtime.close()


@pytest.fixture
def publisher(app_id) -> Iterator[Callable[..., Publisher]]:
    """A publisher outside the server: `publisher(redis_url)`."""
    with ExitStack() as stack:

        def make(url: str, **config: Any) -> Publisher:
            made = Publisher(NEXORA_RT_URL=url, NEXORA_RT_APP_ID=app_id, **config)
            stack.callback(made.close)
            return made

        yield make


def stream_url(server: Any, *channels: str, **query: str) -> str:
    """The URL of a stream on that server."""
    more = "".join(f"&{name}={value}" for name, value in query.items())
    return f"{server.url}/api/realtime/stream?channels={','.join(channels)}{more}"


def post(server: Any, path: str, json: Any = None, **options: Any) -> requests.Response:
    """POST as a script would: no cookies, no Origin."""
    return requests.post(f"{server.url}{path}", json=json, timeout=10, **options)


def trigger(server: Any, channel: str, name: str = "tick", data: Any = None) -> str:
    """Publish through the app; return the position."""
    answer = post(server, "/trigger", {"channels": channel, "name": name, "data": data})
    assert answer.status_code == 200, answer.text
    return answer.json()["position"]


def sign_in(server: Any, user_id: str) -> dict[str, str]:
    """The cookies of a user that has signed in."""
    return post(server, f"/login/{user_id}").cookies.get_dict()


def open_streams(server: Any) -> int:
    """How many streams the worker that answers holds."""
    return requests.get(f"{server.url}/streams", timeout=10).json()["count"]
