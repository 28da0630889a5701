"""Messages of conversations: a conversation's id is the name of its channel."""

from .service import MessageService, Sent

__all__ = ["MessageService", "Sent"]
