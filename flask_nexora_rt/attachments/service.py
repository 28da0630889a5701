"""Attachments: checked and stored, then given to a message, or purged.

A row is committed before its bytes are stored and removed after they are deleted, so whenever a
process dies there is a row that names what is left, and `AttachmentService.purge_orphans` finds
it: no storage has to be listed.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import IO, Any, Final, NamedTuple
from uuid import uuid4

from sqlalchemy.orm import Session, scoped_session

from ..channels import check_channel
from ..errors import AttachmentTooLarge, InvalidFields, NotFound, TooManyRequests
from ..user_ids import check_user_id
from .names import check_name
from .sniffing import SAFE_IMAGES, image_size, sniff_type
from .storage import AttachmentStorage
from .store import AttachmentStore

logger = logging.getLogger(__name__)

# What the largest cameras take. To show a pixel a browser needs 4 bytes, however small the file.
MAX_PIXELS: Final = 200_000_000
# So many messages' worth of uploads may wait to be sent, per user.
_LOOSE_MESSAGES: Final = 10
_PURGE_BATCH: Final = 100
_ID: Final = re.compile(r"[0-9a-f]{32}")


class Limits(NamedTuple):
    """``max_bytes`` of one file, ``types`` as MIME patterns, ``per_message`` files;
    ``orphan_seconds`` an upload may wait for its message."""

    max_bytes: int
    types: Sequence[str]
    per_message: int
    orphan_seconds: float


class Content(NamedTuple):
    """What was found in a file: bytes, MIME type and, for images, pixels."""

    size: int
    type: str
    width: int | None = None
    height: int | None = None


class AttachmentService:
    """Attachments of one app, on one session. ``clock`` gives seconds since the epoch."""

    def __init__(
        self,
        model: type[Any],
        session: Session | scoped_session[Any],
        storage: AttachmentStorage,
        clock: Callable[[], float],
        limits: Limits,
    ) -> None:
        self._session = session
        self._store = AttachmentStore(model, session() if callable(session) else session)
        self._storage = storage
        self._clock = clock
        self._limits = limits

    # -- files --------------------------------------------------------------------------------

    def upload(
        self,
        conversation_id: str,
        file: IO[bytes],
        name: str,
        uploader_id: str,
        declared_type: str = "",
    ) -> dict[str, Any]:
        """Store a seekable file for a later message of its uploader; return it as JSON.

        Always commits: bytes cannot join a transaction. The type is what the bytes are; the
        declared one is only compared. Raises `AttachmentTooLarge`, `InvalidFields` (empty, a
        type that is not allowed, not the image it claims to be, damaged, a path as its name),
        `TooManyRequests` when too many uploads of the user wait for a message.
        """
        channel, shown = check_channel(conversation_id), check_name(name)
        uploader_id = check_user_id(uploader_id)
        content = self._inspect(file, declared_type)
        self._require_room(uploader_id)
        row = self._store.add(
            id=uuid4().hex,
            conversation_id=channel,
            uploader_id=uploader_id,
            name=shown,
            created_at=self._now(),
            **content._asdict(),
        )
        written, key = write_attachment(row), row.id
        self._session.commit()
        try:
            self._storage.save(key, file)
        except BaseException:
            self.erase([key])
            raise
        return written

    def _inspect(self, file: IO[bytes], declared: str) -> Content:
        size = file.seek(0, io.SEEK_END)
        if size > self._limits.max_bytes:
            raise AttachmentTooLarge(
                f"the file has {size} bytes, the limit is {self._limits.max_bytes}"
            )
        if size == 0:
            raise InvalidFields({"file": "is empty"})
        found = sniff_type(file)
        if declared.startswith("image/") and not found.startswith("image/"):
            raise InvalidFields({"file": f"is declared as {declared[:40]!r} and holds {found}"})
        if not any(fnmatchcase(found, pattern) for pattern in self._limits.types):
            raise InvalidFields({"file": f"holds {found}, which may not be attached"})
        return Content(size, found, *(_pixels(file, found) or ()))

    def _require_room(self, uploader_id: str) -> None:
        room = _LOOSE_MESSAGES * self._limits.per_message
        if self._store.count_loose(uploader_id) >= room:
            raise TooManyRequests(f"{room} uploads wait for a message: send or leave them", 60)

    def get(self, attachment_id: str) -> Any:
        """Return an attachment's row. Raises `NotFound`, also after its message was deleted."""
        row = self._store.get(attachment_id) if _ID.fullmatch(attachment_id) else None
        if row is None:
            raise NotFound("there is no such attachment")
        return row

    def open(self, attachment_id: str) -> IO[bytes]:
        """Return the bytes; the caller closes it and has checked who asks. Raises `NotFound`."""
        try:
            return self._storage.open(attachment_id)
        except FileNotFoundError:
            logger.warning("the storage has nothing for attachment %s", attachment_id)
            raise NotFound("there is no such attachment") from None

    # -- in a message's transaction -----------------------------------------------------------

    def check_ids(self, given: object) -> list[str]:
        """Return the ids of a message to be. Raises `InvalidFields`."""
        if isinstance(given, str) or not isinstance(given, Sequence):
            raise InvalidFields({"attachments": "must be a list of attachment ids"})
        if len(given) > self._limits.per_message:
            raise InvalidFields(
                {"attachments": f"are {len(given)}, the limit is {self._limits.per_message}"}
            )
        known = all(isinstance(one, str) and _ID.fullmatch(one) for one in given)
        if not known or len(set(given)) < len(given):
            raise InvalidFields({"attachments": "must be attachment ids, each once"})
        return list(given)

    def attach(self, message: Any, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Give the message its sender's uploads; return them as JSON. Raises `InvalidFields`."""
        if not ids:
            return []
        if self._store.attach(message, ids) != len(ids):
            # The same for all of them: whether somebody else's exists is nobody's business.
            raise InvalidFields(
                {"attachments": "must be the sender's own uploads to this conversation, unsent"}
            )
        return self.of([message.id])[message.id]

    def of(self, message_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """Return ``{message id: attachments as JSON}`` of the messages that have any."""
        found = self._store.of(message_ids)
        return {message: [write_attachment(row) for row in rows] for message, rows in found.items()}

    def discard(self, message_id: str) -> list[str]:
        """Take a message's attachments away; after the commit `erase` these ids.

        Nobody can read them from the commit on. Who does not erase them leaves that to the purge.
        """
        return self._store.discard(message_id, self._now())

    # -- the end ------------------------------------------------------------------------------

    def erase(self, ids: Iterable[str]) -> int:
        """Delete bytes, then rows, and commit; return how many. What fails waits for a purge."""
        gone = [key for key in ids if self._deleted(key)]
        removed = self._store.remove(gone) if gone else 0
        self._session.commit()
        return removed

    def _deleted(self, key: str) -> bool:
        try:
            self._storage.delete(key)
        except Exception:
            # The storage is the host's: whatever it raises, the next purge tries again.
            logger.exception("the bytes of attachment %s are still there", key)
            return False
        return True

    def purge_orphans(self) -> int:
        """Erase uploads that no message took in time, and what a crash has left; return how many.

        Commits after every hundred. Several workers may do it at once.
        """
        purged = 0
        before = self._now() - timedelta(seconds=self._limits.orphan_seconds)
        while True:
            ids = self._store.claim_orphans(before, self._now(), _PURGE_BATCH)
            # Before any byte goes: from here on no message can take them.
            self._session.commit()
            erased = self.erase(ids) if ids else 0
            purged += erased
            if erased < len(ids) or not ids:
                return purged

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def _pixels(file: IO[bytes], found: str) -> tuple[int, int] | None:
    """Return an image's size; None for other files, and for images that browsers do not show."""
    if not found.startswith("image/"):
        return None
    pixels = image_size(file)
    if pixels is None and found in SAFE_IMAGES:
        raise InvalidFields({"file": f"holds a damaged {found}: its size cannot be read"})
    if pixels is not None and pixels[0] * pixels[1] > MAX_PIXELS:
        raise InvalidFields(
            {"file": f"is {pixels[0]} x {pixels[1]} pixels, the limit is {MAX_PIXELS} in all"}
        )
    return pixels


def write_attachment(row: Any) -> dict[str, Any]:
    """Write an attachment as the contract does."""
    written = {"id": row.id, "name": row.name, "type": row.type, "size": row.size}
    if row.width is not None:
        written |= {"width": row.width, "height": row.height}
    return written
