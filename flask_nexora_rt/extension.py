"""The extension object: declarations and the public API; per-app state lives elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from flask import Flask

from .blueprints import register_blueprints
from .channels import ChannelRegistry, Pattern, Rule, check_channel
from .cli import commands
from .errors import BadRequest, ConfigurationError
from .events import Event
from .settings import Settings
from .signing import channel_signature, check_socket_id
from .state import EXTENSION_KEY, State, current_state

F = TypeVar("F", bound=Callable[..., Any])


class NexoraRT:
    """Realtime for a Flask app: channels on one log, streamed as server-sent events.

    Declarations (channels, user ids) belong to this object and may be made before or after
    `init_app`; everything else belongs to the app, so one object can serve several.
    """

    def __init__(self, app: Flask | None = None, **options: Any) -> None:
        self._channels = ChannelRegistry()
        self._user_id: Callable[[Any], object] | None = None
        self._user_info: Callable[[str], Mapping[str, Any] | None] | None = None
        if app is not None:
            self.init_app(app, **options)

    def init_app(self, app: Flask, db: Any = None) -> None:
        """Set the extension up for ``app``.

        ``db`` is the host's Flask-SQLAlchemy or Flask-SQLAlchemy-Lite object. Raises
        `ConfigurationError` that names every bad ``NEXORA_RT_*`` key and how to mend it.
        """
        if EXTENSION_KEY in app.extensions:
            raise ConfigurationError([f"init_app was called twice for the app {app.name!r}"])
        settings = Settings.from_config(app.config, debug=app.debug)
        state = State(app, self, settings, db)
        register_blueprints(app, settings)
        app.extensions[EXTENSION_KEY] = state
        app.cli.add_command(commands)

    # -- declarations -------------------------------------------------------------------------

    def channel(
        self, pattern: str, *, public: bool = False, presence: bool = False
    ) -> Callable[[F], F]:
        """Declare who may hold the channels of a pattern such as ``guild-{guild_id}``.

        The decorated authorizer is called with the host's user object and the ids in the name;
        ``True`` or a dict (the presence user_info, also ``{}``) allows, anything else denies.
        It is asked at every subscribe and every resume, for signed-in users only. With
        ``public=True`` everybody may hold the channel and nobody is asked; it needs no function.
        Raises `PatternError` when the pattern is malformed or as specific as another one.
        """
        parsed = Pattern(pattern)
        if public:
            self._channels.add(Rule(parsed, public=True, presence=presence))

        def declare(authorizer: F) -> F:
            if not public:
                self._channels.add(Rule(parsed, authorizer, presence=presence))
            return authorizer

        return declare

    def user_id(self, function: F) -> F:
        """Declare how a user object becomes its public id (default: Flask-Login's ``get_id``)."""
        self._user_id = function
        return function

    def user_info(self, function: F) -> F:
        """Declare what others see of a user id: ``{"name", "image"}``, or None when unknown."""
        self._user_info = function
        return function

    # -- publishing ---------------------------------------------------------------------------

    def trigger(
        self,
        channels: str | Sequence[str],
        event_name: str,
        data: Any,
        socket_id: str | None = None,
    ) -> dict[str, str]:
        """Publish one event to one or many channels; return its ``{"position"}``.

        At least once, and once per call: a retry inside never doubles it. ``socket_id`` is left
        out while it is live. Works in requests, commands, scripts and other processes, inside an
        app context. Raises `InvalidName`, `EventTooLarge`, `BadRequest`, or
        `BrokerUnavailable` after ``PUBLISH_TIMEOUT`` seconds.
        """
        state = current_state()
        names = [channels] if isinstance(channels, str) else list(channels)
        _require_at_most(len(names), state.settings.max_channels)
        event = _checked_event(state, names, event_name, data, socket_id)
        return {"position": str(state.runtime.log.append([event])[0])}

    def trigger_batch(self, batch: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
        """Publish ``[{"channel", "name", "data", "socket_id"?}, ...]`` in order.

        One round trip for up to 500; all are checked before any is published. Returns
        ``{"positions"}``. Raises as `trigger` does.
        """
        state = current_state()
        events = [_batch_event(state, item) for item in batch]
        positions = state.runtime.log.append(events) if events else []
        return {"positions": [str(position) for position in positions]}

    def authenticate(
        self, channel: str, socket_id: str, custom_data: Mapping[str, Any] | None = None
    ) -> dict[str, str]:
        """Sign a subscription as Pusher does: ``{"auth": "key:hex"[, "channel_data"]}``.

        ``custom_data`` (``{"user_id", "user_info"?}``) makes it a presence signature.
        """
        settings = current_state().settings
        name, socket = check_channel(channel), check_socket_id(socket_id)
        data = json.dumps(custom_data) if custom_data else None
        auth = channel_signature(settings.key, settings.secret, socket, name, data)
        return {"auth": auth} if data is None else {"auth": auth, "channel_data": data}


def _checked_event(
    state: State, channels: Sequence[str], name: str, data: Any, socket_id: str | None
) -> Event:
    exclude = None if socket_id is None else check_socket_id(socket_id)
    return state.event(channels, name, data, exclude=exclude)


def _batch_event(state: State, item: Mapping[str, Any]) -> Event:
    missing = {"channel", "name", "data"} - set(item)
    unknown = set(item) - {"channel", "name", "data", "socket_id"}
    if missing or unknown:
        raise BadRequest(
            "each item of a batch is {'channel', 'name', 'data', 'socket_id'?}: "
            f"missing {sorted(missing)}, unknown {sorted(unknown)}"
        )
    channels = [item["channel"]]
    return _checked_event(state, channels, item["name"], item["data"], item.get("socket_id"))


def _require_at_most(count: int, limit: int) -> None:
    if count > limit:
        raise BadRequest(f"{count} channels in one call, the limit is {limit}: send several")
