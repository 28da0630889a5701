"""Messages: checked, saved and sent in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import uuid4

from sqlalchemy.orm import Session, scoped_session

from ..attachments import AttachmentService
from ..channels import check_channel
from ..errors import (
    Conflict,
    Forbidden,
    InvalidFields,
    NotFound,
    Unauthorized,
)
from ..events import Event
from ..models import Models
from ..outbox import Outbox
from ..times import utc
from ..transaction import transaction
from ..user_ids import check_user_id
from .content import (
    MAX_REACTION_KEYS,
    check_client_id,
    check_content,
    check_reaction,
)
from .hooks import Hooks, Rules
from .mentions import Mentions
from .publishing import MessageEvents
from .store import MessageStore
from .writing import MessageWriter, write_message

MAX_PAGE: Final = 100


class Sent(NamedTuple):
    """A message as the contract writes it; ``duplicate``: it had been sent before."""

    message: dict[str, Any]
    duplicate: bool


class MessageService:
    """Messages of one app, on one session.

    Every method commits; with ``commit=False`` it joins the host's transaction instead, and the
    events go out when the outermost transaction has really committed. ``make_event`` checks an
    event's size before anything is saved.
    """

    def __init__(
        self,
        models: Models,
        session: Session | scoped_session[Any],
        outbox: Outbox,
        make_event: Callable[..., Event],
        clock: Callable[[], float],
        hooks: Hooks,
        rules: Rules,
        attachments: AttachmentService,
    ) -> None:
        self._session = session
        self._store = MessageStore(models, session() if callable(session) else session)
        self._writer = MessageWriter(self._store, attachments, hooks.user_info)
        self._mentions = Mentions(self._store, hooks)
        self._events = MessageEvents(make_event, outbox, session)
        self._outbox = outbox
        self._clock = clock
        self._hooks = hooks
        self._rules = rules
        self._attachments = attachments

    # -- writing ------------------------------------------------------------------------------

    def send(
        self,
        conversation_id: str,
        content: str,
        sender_id: str | None = None,
        client_id: str | None = None,
        attachments: Sequence[str] = (),
        commit: bool = True,
    ) -> Sent:
        """Save a message under the conversation's next ``seq`` and send ``message:new``.

        Without ``sender_id`` it is the signed-in caller's. ``attachments`` are ids of the
        sender's uploads; with them the content may be empty. The same ``client_id`` again gives
        the stored message, for ever. Raises `InvalidFields`, `Unauthorized` when there is no
        sender, `Conflict` when the same ``client_id`` had other content, `EventTooLarge`.
        """
        channel, sender = check_channel(conversation_id), self._sender_id(sender_id)
        files = self._attachments.check_ids(attachments)
        text = check_content(content, self._rules.max_length, may_be_empty=bool(files))
        client = check_client_id(client_id)
        with self._transaction(commit):
            conversation = self._store.lock(channel, seqs=1)
            message = self._store.add(
                id=uuid4().hex,
                conversation_id=channel,
                seq=conversation.last_seq,
                sender_id=sender,
                client_id=client,
                content=text,
                revision=1,
                created_at=self._now(),
            )
            if message is None:
                self._store.lock(channel, seqs=-1)
                known = self._store.by_client_id(channel, sender, str(client))
                return Sent(self._same(known, text, files), duplicate=True)
            members = self._mentions.members(channel)
            self._store.note_readers(channel, conversation.readers, members)
            mentioned = self._mentions.note(message, members)
            attached = self._attachments.attach(message, files)
            written = write_message(message, self._writer.sender(sender), {}, attached)
            self._events.sent(written)
            self._hooks.alerts.tell(written, mentioned, members)
            for function in self._hooks.sent:
                function(written)
        return Sent(written, duplicate=False)

    def _sender_id(self, given: str | None) -> str:
        found = self._hooks.caller_id() if given is None else given
        if found is None:
            raise Unauthorized("nobody is signed in: give sender_id, or call it in a request")
        return check_user_id(found, "senderId")

    def _same(self, known: Any, text: str, files: list[str]) -> dict[str, Any]:
        written = self._writer.one(known)
        # An edit has changed the text, and a tombstone has lost everything: it has been sent.
        other_text = known.revision == 1 and known.content != text
        other_files = [one["id"] for one in written["attachments"]] != files
        if known.deleted_at is None and (other_text or other_files):
            raise Conflict("this clientId was used for a message with other content")
        return written

    def edit(
        self,
        message_id: str,
        content: str,
        user_id: str,
        expected_revision: int | None = None,
        commit: bool = True,
    ) -> dict[str, Any]:
        """Give a message other text; its place stays. Replay shows the new text as well.

        Raises `NotFound`, `Forbidden` (not the sender's or a moderator's, or too late),
        `Conflict` (another revision, or deleted), `InvalidFields`.
        """
        text = check_content(content, self._rules.max_length, may_be_empty=True)
        with self._transaction(commit):
            message = self._locked(message_id)
            self._require_author(message, user_id, self._rules.edit_seconds)
            if message.deleted_at is not None:
                raise Conflict("the message has been deleted")
            if not text and not self._attachments.of([message.id]):
                raise InvalidFields({"content": "must not be empty without attachments"})
            if expected_revision not in (None, message.revision):
                raise Conflict(f"the message is at revision {message.revision}: read it again")
            if text != message.content:
                self._store.keep_revision(message)
                message.content, message.edited_at = text, self._now()
                message.revision += 1
                written = self._writer.one(message)
                self._events.edited(written)
                members = self._mentions.members(message.conversation_id)
                named = self._mentions.note(message, members)
                if named:
                    self._hooks.alerts.tell_mentioned(written, named)
            answer = self._writer.one(message)
        self._send_now(commit)
        return answer

    def delete(self, message_id: str, user_id: str, commit: bool = True) -> dict[str, Any]:
        """Leave a tombstone; replay shows the message no more. A repeat changes nothing.

        Attachments can be read no more once it is committed. Their bytes go with it; with
        ``commit=False`` with the next purge.
        """
        user_id = check_user_id(user_id)
        files: list[str] = []
        with self._transaction(commit):
            message = self._locked(message_id)
            self._require_author(message, user_id, 0)
            if message.deleted_at is None:
                self._store.empty(message)
                files = self._attachments.discard(message.id)
                message.content, message.deleted_at = "", self._now()
                message.deleted_by = user_id
                self._events.deleted(message)
            answer = self._writer.one(message)
        self._send_now(commit)
        if files and commit:
            self._attachments.erase(files)
        return answer

    def react(self, message_id: str, key: str, user_id: str, commit: bool = True) -> dict[str, Any]:
        """Add the user's reaction; return ``{key: {"count", "userIds"}}``. Idempotent.

        ``userIds`` are the first of a message, up to 100 or 4 KiB; ``count`` counts all. Raises
        `Conflict` when the message is deleted or has 20 other keys, `NotFound`, `InvalidFields`.
        """
        return self._react(message_id, check_reaction(key), user_id, commit, present=True)

    def unreact(
        self, message_id: str, key: str, user_id: str, commit: bool = True
    ) -> dict[str, Any]:
        """Take the user's reaction back; as `react`."""
        return self._react(message_id, check_reaction(key), user_id, commit, present=False)

    def _react(
        self, message_id: str, key: str, user_id: str, commit: bool, present: bool
    ) -> dict[str, Any]:
        user_id = check_user_id(user_id)
        with self._transaction(commit):
            message = self._locked(message_id)
            if message.deleted_at is not None:
                raise Conflict("the message has been deleted")
            if present:
                changed = self._store.react(message.id, user_id, key, self._now())
            else:
                changed = self._store.unreact(message.id, user_id, key)
            totals = self._store.reactions([message.id]).get(message.id, {})
            if present and len(totals) > MAX_REACTION_KEYS:
                raise Conflict(f"a message has at most {MAX_REACTION_KEYS} different reactions")
            if changed:
                about = {"id": message.id, "conversationId": message.conversation_id}
                self._events.reacted(about, totals)
            return totals

    def mark_read(self, conversation_id: str, user_id: str, up_to: int, commit: bool = True) -> int:
        """Read up to a ``seq``, at most the last one, never back; return where it stands."""
        channel, user_id = check_channel(conversation_id), check_user_id(user_id)
        with self._transaction(commit):
            up_to = max(0, min(up_to, self._store.lock(channel).last_seq))
            moved = self._store.mark_read(channel, user_id, up_to)
            if not moved:
                return self._store.read_seq(channel, user_id)
            if self._rules.public_receipts:
                self._events.read(channel, user_id, up_to)
        return up_to

    def lock(self, conversation_ids: Iterable[str]) -> None:
        """Take conversations that this transaction of the host's is going to write to.

        In an order that is everybody's: of two transactions that take the same ones one after the
        other, each could wait for the other, and the database would end one of them.
        """
        channels = sorted({check_channel(one) for one in conversation_ids})
        with self._transaction(commit=False):
            for channel in channels:
                self._store.lock(channel)

    def purge_orphans(self) -> int:
        """Erase uploads that no message took; see `AttachmentService.purge_orphans`."""
        return self._attachments.purge_orphans()

    # -- reading ------------------------------------------------------------------------------

    def history(
        self,
        conversation_id: str,
        before_seq: int | None = None,
        after_seq: int | None = None,
        limit: int = 50,
    ) -> dict[str, Any]:
        """Return ``{"messages", "hasMore"}`` in ``seq`` order: the newest, or beside a seq."""
        if before_seq is not None and after_seq is not None:
            raise InvalidFields({"afterSeq": "give either beforeSeq or afterSeq"})
        limit = max(1, min(limit, MAX_PAGE))
        rows, more = self._store.page(check_channel(conversation_id), before_seq, after_seq, limit)
        return {"messages": self._writer.all(rows), "hasMore": more}

    def get(self, message_id: str) -> dict[str, Any]:
        """Return one message. Raises `NotFound`."""
        return self._writer.one(self._find(message_id))

    def unread(self, user_id: str) -> dict[str, dict[str, int]]:
        """Return ``{conversation id: {"unread", "mentions"}}``, each capped at 100."""
        return self._store.unread(user_id)

    # -- inside -------------------------------------------------------------------------------

    def _transaction(self, commit: bool) -> AbstractContextManager[None]:
        return transaction(self._session, commit)

    def _send_now(self, commit: bool) -> None:
        """Who reconnects after an edit or a delete has been answered is not shown the old text."""
        if commit:
            self._outbox.drain()

    def _find(self, message_id: str) -> Any:
        # PostgreSQL refuses a NUL with an error.
        message = None if "\0" in message_id else self._store.get(message_id)
        if message is None:
            raise NotFound("there is no such message")
        return message

    def _locked(self, message_id: str) -> Any:
        """Return the message as it is under its conversation's lock."""
        self._store.lock(self._find(message_id).conversation_id)
        return self._find(message_id)

    def _require_author(self, message: Any, user_id: str, seconds: float) -> None:
        if self._hooks.may_moderate(user_id, message.conversation_id):
            return
        if message.sender_id != user_id:
            raise Forbidden("only its sender or a moderator may change a message")
        if seconds and self._now() - utc(message.created_at) > timedelta(seconds=seconds):
            raise Forbidden(f"a message may be edited for {seconds:g} seconds")

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)
