"""How the services that use the database are put together, on the current session."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from .attachments import AttachmentService, AttachmentStorage, FolderStorage, Limits
from .messages.alerts import Alerts
from .messages.service import Hooks, MessageService, Rules
from .notifications.desk import Desk
from .notifications.purging import Purge
from .notifications.store import NotificationStore

if TYPE_CHECKING:
    from .state import State


def make_messages(state: State) -> MessageService:
    """Raises `NotServable` when the host has given no database."""
    declared, settings = state.declared, state.settings
    hooks = Hooks(
        user_info=declared.user_info or (lambda user_id: None),
        members=declared.members,
        mentions=declared.mentions,
        may_moderate=declared.moderator or (lambda user_id, conversation_id: False),
        caller_id=lambda: state.caller().id,
        sent=declared.message_sent,
        alerts=Alerts(lambda notices: state.notifications.send_all(notices, commit=False)),
    )
    rules = Rules(
        settings.max_message_length, settings.message_edit_seconds, settings.public_receipts
    )
    return MessageService(
        state.stored,
        state.db.session,
        state.outbox,
        state.event,
        state.now,
        hooks,
        rules,
        state.attachments,
    )


def make_attachments(state: State) -> AttachmentService:
    """Raises `NotServable` when the host has given no database."""
    storage, limits = state.attachment_place
    return AttachmentService(state.stored.attachment, state.db.session, storage, state.now, limits)


def make_place(state: State) -> tuple[AttachmentStorage, Limits]:
    """Where uploads are kept, by default a folder of the instance, and what may be."""
    settings = state.settings
    limits = Limits(
        settings.max_attachment_bytes,
        settings.attachment_types,
        settings.max_attachments,
        settings.attachment_orphan_seconds,
    )
    default = Path(state.app.instance_path) / "nexora_rt_attachments"
    return state.attachment_storage or FolderStorage(settings.attachment_folder or default), limits


def make_desk(state: State) -> Desk:
    """What a call about notifications works with. Raises `NotServable` without a database."""
    outbox, session = state.outbox, state.db.session
    real = session() if callable(session) else session
    return Desk(
        real,
        NotificationStore(state.stored, real),
        Purge(state.stored, real),
        state.event,
        lambda events: outbox.add(real, events),
        datetime.fromtimestamp(state.now(), UTC),
    )
