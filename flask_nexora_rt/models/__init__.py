"""Tables for what is saved before it is sent: mixins, and default models on the host's db.

The defaults are made once per declarative base, so two apps on one ``db`` share them. A host that
wants more columns writes its own classes from the mixins and gives them as ``models=``; all
tables of one host then live in its metadata, and its Alembic finds them. No mixin names the
host's user table: user ids are text.
"""

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
from .registry import Models, insert_for, make_models

__all__ = [
    "ActivityMixin",
    "AnomalyMixin",
    "AttachmentMixin",
    "ConversationMixin",
    "InboxMixin",
    "JobRunMixin",
    "MentionMixin",
    "MessageMixin",
    "Models",
    "NotificationEventMixin",
    "NotificationMixin",
    "OutboxMixin",
    "PreferenceMixin",
    "ReactionMixin",
    "ReceiptMixin",
    "RevisionMixin",
    "TrustChangeMixin",
    "TrustDecayMixin",
    "insert_for",
    "make_models",
]
