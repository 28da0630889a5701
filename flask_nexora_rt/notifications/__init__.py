"""Notifications: types, who was told what, and what each has seen and read of it."""

from .sending import Notice, Notified
from .service import NotificationService
from .types import NotificationType

__all__ = ["Notice", "NotificationService", "NotificationType", "Notified"]
