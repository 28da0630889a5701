"""The extension object: declarations and the public API; per-app state lives elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Flask
from flask_caching import Cache
from flask_login import user_logged_out

from . import publishing, services
from .attachments import AttachmentService, AttachmentStorage
from .blueprints import register_blueprints
from .cache.service import CacheService
from .cli import commands
from .declarations import Declarations
from .declaring import Declaring
from .errors import ConfigurationError
from .jobs import JobService
from .messages import MessageService
from .models import make_models
from .notifications.service import NotificationService
from .settings import Settings
from .state import EXTENSION_KEY, State, current_state


class NexoraRT(Declaring):
    """Realtime for a Flask app: channels on one log, streamed as server-sent events.

    Declarations (channels, user ids) belong to this object and may be made before or after
    `init_app`; everything else belongs to the app, so one object can serve several.
    """

    def __init__(self, app: Flask | None = None, **options: Any) -> None:
        self._declared = Declarations()
        if app is not None:
            self.init_app(app, **options)

    def init_app(
        self,
        app: Flask,
        db: Any = None,
        cache: Cache | None = None,
        models: Mapping[str, type[Any]] | None = None,
        base: type[Any] | None = None,
        attachments: AttachmentStorage | None = None,
    ) -> None:
        """Set the extension up for ``app``.

        ``db`` is the host's Flask-SQLAlchemy or Flask-SQLAlchemy-Lite object; the second needs
        ``base``, the declarative base. ``models`` replaces default models, see
        `flask_nexora_rt.models`. Without ``db`` nothing is stored: no messages, no jobs. ``cache``
        is the host's Flask-Caching object; without it the app's first one is used, else one of
        ours (in the Redis of ``NEXORA_RT_URL``, or a SimpleCache). ``attachments`` keeps the bytes
        of uploads elsewhere than in a folder, see `flask_nexora_rt.attachments.AttachmentStorage`.
        Raises `ConfigurationError` that names every bad ``NEXORA_RT_*`` key and how to mend it.
        """
        if EXTENSION_KEY in app.extensions:
            raise ConfigurationError([f"init_app was called twice for the app {app.name!r}"])
        settings = Settings.from_config(app.config, debug=app.debug)
        tables = None if db is None else make_models(base or _base_of(db), models)
        state = State(app, self._declared, settings, db, tables, attachments, cache)
        register_blueprints(app, settings, with_database=db is not None)
        app.extensions[EXTENSION_KEY] = state
        user_logged_out.connect(_on_sign_out, app)
        if db is not None:
            state.prepare_database()
            app.before_request(state.start_relay)
        # A host without a database and without jobs has nothing to schedule, and no log line.
        if db is not None or self._declared.jobs:
            app.before_request(state.jobs.scheduler.start_once)
        app.cli.add_command(commands)

    @property
    def messages(self) -> MessageService:
        """Messages, on the current database session."""
        return current_state().messages

    @property
    def notifications(self) -> NotificationService:
        """Notifications: declare types, send, list, mark. Declarations need no app."""
        return NotificationService(
            self._declared.notifications, lambda: current_state().open_desk()
        )

    @property
    def attachments(self) -> AttachmentService:
        """Uploaded files, on the current database session."""
        return current_state().attachments

    @property
    def jobs(self) -> JobService:
        """Scheduled jobs: run one now, read its runs."""
        return current_state().jobs.service

    @property
    def presence(self) -> services.PresenceService:
        """Who is where."""
        return services.PresenceService()

    @property
    def typing(self) -> services.TypingService:
        """Who is typing."""
        return services.TypingService()

    @property
    def cache(self) -> CacheService:
        """Values that are costly to make."""
        return current_state().cache

    # -- cache -------------------------------------------------------------------------------

    def warm(self, names: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Run the warm-ups, or those named, now: ``[{"name", "seconds", "error"}, ...]``."""
        return current_state().warm(names)

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

    def publish_on_commit(self, channels: str | Sequence[str], event_name: str, data: Any) -> None:
        """Publish when the host's transaction has really committed, and only then.

        The event is a row of that transaction: a rollback takes it back, a crash or a broker
        that is away delays it. Raises as `trigger` does, before anything is saved.
        """
        publishing.publish_on_commit(current_state(), channels, event_name, data)

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

    def workers_info(self) -> dict[str, Any]:
        """Return ``{"workers": [figures, ...]}`` of all workers that have served a stream.

        Each has ``host``, ``pid``, ``streams``, ``subscriptions``, ``lag`` (seconds from an event's
        append to its fan-out), ``connected``, ``draining``, and totals since it began:
        ``connections``, ``events`` (read from the log), ``deliveries`` (events times streams),
        ``bytes``, ``evictions``, ``replays``, ``gaps``. ``at`` is when it wrote them, in seconds
        since the epoch: they are renewed every two seconds, so two answers give a rate. Raises
        `BrokerUnavailable`.
        """
        return services.workers_info(current_state())

    def users_info(self, name: str) -> dict[str, Any]:
        """Return ``{"users": [{"id"}, ...]}`` of a presence channel."""
        return services.users_info(current_state(), name)


def _base_of(db: Any) -> type[Any]:
    """Return Flask-SQLAlchemy's own declarative base; Lite has none."""
    base: type[Any] | None = getattr(db, "Model", None)
    if base is None:
        raise ConfigurationError(
            ["this db has no declarative base of its own: give yours, init_app(..., base=Base)"]
        )
    return base


def _on_sign_out(app: Flask, user: Any = None, **_: Any) -> None:
    """End the streams of who signs out (Flask-Login's signal)."""
    state = current_state()
    if user is not None and user.is_authenticated:
        services.end_streams_on_sign_out(state, state.public_id(user))
