"""The models of an app: the host's, and defaults for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy.dialects import postgresql, sqlite

from ..errors import ConfigurationError
from .events import ActivityMixin, OutboxMixin
from .jobs import AnomalyMixin, JobRunMixin, TrustChangeMixin, TrustDecayMixin
from .messages import (
    AttachmentMixin,
    ConversationMixin,
    MentionMixin,
    MessageMixin,
    ReactionMixin,
    ReceiptMixin,
    RevisionMixin,
)
from .notifications import InboxMixin, NotificationEventMixin, NotificationMixin, PreferenceMixin


@dataclass(frozen=True)
class Models:
    """The classes in use by one app."""

    outbox: type[Any]
    conversation: type[Any]
    message: type[Any]
    revision: type[Any]
    reaction: type[Any]
    receipt: type[Any]
    mention: type[Any]
    notification_event: type[Any]
    notification: type[Any]
    inbox: type[Any]
    preference: type[Any]
    activity: type[Any]
    attachment: type[Any]
    job_run: type[Any]
    anomaly: type[Any]
    trust_decay: type[Any]
    trust_change: type[Any]


_MIXINS: dict[str, type[Any]] = {
    "outbox": OutboxMixin,
    "conversation": ConversationMixin,
    "message": MessageMixin,
    "revision": RevisionMixin,
    "reaction": ReactionMixin,
    "receipt": ReceiptMixin,
    "mention": MentionMixin,
    "notification_event": NotificationEventMixin,
    "notification": NotificationMixin,
    "inbox": InboxMixin,
    "preference": PreferenceMixin,
    "activity": ActivityMixin,
    "attachment": AttachmentMixin,
    "job_run": JobRunMixin,
    "anomaly": AnomalyMixin,
    "trust_decay": TrustDecayMixin,
    "trust_change": TrustChangeMixin,
}
_defaults: WeakKeyDictionary[type[Any], dict[str, type[Any]]] = WeakKeyDictionary()


def _class_name(name: str) -> str:
    return name.title().replace("_", "")


def insert_for(dialect: str, target: Any) -> Any:
    """Return an INSERT that knows ``on_conflict_...``, for the two databases that have it."""
    return (postgresql if dialect == "postgresql" else sqlite).insert(target)


def make_models(base: type[Any], given: Mapping[str, type[Any]] | None = None) -> Models:
    """Return the models of an app on a declarative base: the host's, and defaults for the rest.

    ``given`` maps names of `Models` to subclasses of the mixins. Raises `ConfigurationError`
    for others.
    """
    own = dict(given or {})
    names = {field.name for field in fields(Models)}
    for name, model in own.items():
        if name not in names or not issubclass(model, _MIXINS[name]):
            problem = (
                f"models={{{name!r}: ...}}: use the names {', '.join(sorted(names))}, and "
                "classes made from the mixins in flask_nexora_rt.models"
            )
            raise ConfigurationError([problem])
    known = _defaults.setdefault(base, {})
    for name in names - own.keys():
        if name not in known:
            known[name] = type(f"Nexora{_class_name(name)}", (_MIXINS[name], base), {})
    return Models(**{**{name: known[name] for name in names - own.keys()}, **own})
