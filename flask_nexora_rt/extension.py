"""The extension object: declarations and the public API; per-app state lives elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from flask import Flask
from flask_login import user_logged_out

from . import publishing, services
from .blueprints import register_blueprints
from .channels import Pattern, Rule
from .cli import commands
from .declarations import Declarations
from .errors import ConfigurationError
from .settings import Settings
from .state import EXTENSION_KEY, State, current_state

F = TypeVar("F", bound=Callable[..., Any])


class NexoraRT:
    """Realtime for a Flask app: channels on one log, streamed as server-sent events.

    Declarations (channels, user ids) belong to this object and may be made before or after
    `init_app`; everything else belongs to the app, so one object can serve several.
    """

    def __init__(self, app: Flask | None = None, **options: Any) -> None:
        self._declared = Declarations()
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
        state = State(app, self._declared, settings, db)
        register_blueprints(app, settings)
        app.extensions[EXTENSION_KEY] = state
        user_logged_out.connect(_on_sign_out, app)
        app.cli.add_command(commands)

    @property
    def presence(self) -> services.PresenceService:
        """Who is where."""
        return services.PresenceService()

    @property
    def typing(self) -> services.TypingService:
        """Who is typing."""
        return services.TypingService()

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
            self._declared.channels.add(Rule(parsed, public=True, presence=presence))

        def declare(authorizer: F) -> F:
            if not public:
                self._declared.channels.add(Rule(parsed, authorizer, presence=presence))
            return authorizer

        return declare

    def user_id(self, function: F) -> F:
        """Declare how a user object becomes its public id (default: Flask-Login's ``get_id``)."""
        self._declared.user_id = function
        return function

    def user_info(self, function: F) -> F:
        """Declare what others see of a user id: ``{"name", "image"}``, or None when unknown."""
        self._declared.user_info = function
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

        At least once, and once per call: a retry inside never doubles it. ``socket_id``, the
        caller's own, is left out while it is live. Works in requests, commands, scripts and
        other processes, inside an app context. Raises `InvalidName`, `EventTooLarge`,
        `BadRequest`, or `BrokerUnavailable` after ``PUBLISH_TIMEOUT`` seconds.
        """
        return publishing.trigger(current_state(), channels, event_name, data, socket_id)

    def trigger_batch(self, batch: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
        """Publish ``[{"channel", "name", "data", "socket_id"?}, ...]`` in order.

        One round trip for up to 500; all are checked before any is published. Returns
        ``{"positions"}``. Raises as `trigger` does.
        """
        return publishing.trigger_batch(current_state(), batch)

    def authenticate(
        self, channel: str, socket_id: str, custom_data: Mapping[str, Any] | None = None
    ) -> dict[str, str]:
        """Sign a subscription as Pusher does: ``{"auth": "key:hex"[, "channel_data"]}``.

        ``custom_data`` (``{"user_id", "user_info"?}``) makes it a presence signature.
        """
        return publishing.authenticate(current_state(), channel, socket_id, custom_data)

    # -- who holds what -----------------------------------------------------------------------

    def revoke(self, user_id: str, channel: str, reason: str = "revoked") -> None:
        """Take a channel away from a user's open streams, on all workers, within a second.

        The streams are told with ``nexora:revoked``; a replay never shows what came after. It
        lasts only as long as the authorizer says no as well: change that first.
        """
        services.revoke(current_state(), user_id, channel, reason)

    def terminate_user_connections(self, user_id: str) -> None:
        """End all streams of a user, on all workers. It may come back, and is asked again."""
        services.revoke(current_state(), user_id, None, "terminated")

    def channel_info(self, name: str) -> dict[str, Any]:
        """Return ``{"occupied", "subscription_count"[, "user_count"]}`` over all workers."""
        return services.channel_info(current_state(), name)

    def channels_info(self, prefix_filter: str | None = None) -> dict[str, Any]:
        """Return the occupied channels: ``{"channels": {name: info}}``, as `channel_info`."""
        return services.channels_info(current_state(), prefix_filter)

    def users_info(self, name: str) -> dict[str, Any]:
        """Return ``{"users": [{"id"}, ...]}`` of a presence channel."""
        return services.users_info(current_state(), name)


def _on_sign_out(app: Flask, user: Any = None, **_: Any) -> None:
    """End the streams of who signs out (Flask-Login's signal)."""
    state = current_state()
    if user is not None and user.is_authenticated:
        services.end_streams_on_sign_out(state, state.public_id(user))
