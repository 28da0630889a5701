"""How the services that use the database are put together, on the current session."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from .attachments import AttachmentService, AttachmentStorage, FolderStorage, Limits
from .core import AppCore
from .messages.alerts import Alerts
from .messages.hooks import Hooks, Rules
from .messages.service import MessageService
from .notifications.desk import Desk
from .notifications.purging import Purge
from .notifications.service import NotificationService
from .notifications.store import NotificationStore


class AppServices(AppCore):
    """One app's. Each service is made when asked for, and raises `NotServable` without a
    database: its session is the one of the request, or of whatever else runs now."""

    @property
    def messages(self) -> MessageService:
        """Messages on the current session."""
        settings = self.settings
        rules = Rules(
            settings.max_message_length, settings.message_edit_seconds, settings.public_receipts
        )
        return MessageService(
            self.stored,
            self.db.session,
            self.outbox,
            self.event,
            self.now,
            self._message_hooks(),
            rules,
            self.attachments,
        )

    def _message_hooks(self) -> Hooks:
        declared = self.declared
        return Hooks(
            user_info=declared.user_info or (lambda user_id: None),
            members=declared.members,
            mentions=declared.mentions,
            may_moderate=declared.moderator or (lambda user_id, conversation_id: False),
            caller_id=lambda: self.caller().id,
            sent=declared.message_sent,
            alerts=Alerts(lambda notices: self.notifications.send_all(notices, commit=False)),
        )

    @property
    def attachments(self) -> AttachmentService:
        """Attachments on the current session."""
        return AttachmentService(
            self.stored.attachment,
            self.db.session,
            self._uploads_storage,
            self.now,
            self._upload_limits,
        )

    @cached_property
    def _uploads_storage(self) -> AttachmentStorage:
        """The host's, or a folder of the instance."""
        default = Path(self.app.instance_path) / "nexora_rt_attachments"
        folder = self.settings.attachment_folder or default
        return self.attachment_storage or FolderStorage(folder)

    @cached_property
    def _upload_limits(self) -> Limits:
        settings = self.settings
        return Limits(
            settings.max_attachment_bytes,
            settings.attachment_types,
            settings.max_attachments,
            settings.attachment_orphan_seconds,
        )

    @property
    def notifications(self) -> NotificationService:
        """Notifications on the current session."""
        return NotificationService(self.declared.notifications, self.open_desk)

    def open_desk(self) -> Desk:
        """Return what a call about notifications works with, now and on the current session."""
        outbox, session = self.outbox, self.db.session
        real = session() if callable(session) else session
        return Desk(
            real,
            NotificationStore(self.stored, real),
            Purge(self.stored, real),
            self.event,
            lambda events: outbox.add(real, events),
            datetime.fromtimestamp(self.now(), UTC),
        )
