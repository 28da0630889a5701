"""Files that members of a conversation attach to their messages."""

from .service import AttachmentService, Limits
from .storage import AttachmentStorage, FolderStorage

__all__ = ["AttachmentService", "AttachmentStorage", "FolderStorage", "Limits"]
