"""Messages: checked, saved and sent in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import uuid4

from sqlalchemy.orm import Session, scoped_session

from ..channels import check_channel
from ..errors import Conflict, Forbidden, InvalidFields, NotFound
from ..events import Event
from ..models import Models
from ..outbox import Outbox
from ..presets.nexora import Events
from .content import check_client_id, check_content, check_reaction, mentioned_names
from .store import MessageStore

MESSAGE_REACTION: Final = "message:reaction"
MESSAGE_READ: Final = "message:read"
MAX_PAGE: Final = 100


class Hooks(NamedTuple):
    """What the host says: see the decorators of `NexoraRT`."""

    user_info: Callable[[str], Mapping[str, Any] | None]
    members: Callable[[str], Sequence[str]] | None
    mentions: Callable[[str, Sequence[str]], Sequence[str]] | None
    may_moderate: Callable[[str, str], bool]


class Rules(NamedTuple):
    """``max_length`` in characters, ``edit_seconds`` after sending (0: for ever)."""

    max_length: int
    edit_seconds: float
    public_receipts: bool


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
    ) -> None:
        self._session = session
        self._store = MessageStore(models, session() if callable(session) else session)
        self._outbox = outbox
        self._make_event = make_event
        self._clock = clock
        self._hooks = hooks
        self._rules = rules

    # -- writing ------------------------------------------------------------------------------

    def send(
        self,
        conversation_id: str,
        content: str,
        sender_id: str,
        client_id: str | None = None,
        commit: bool = True,
    ) -> Sent:
        """Save a message under the conversation's next ``seq`` and send ``message:new``.

        The same ``client_id`` again gives the stored message, for ever. Raises `InvalidFields`,
        `Conflict` when the same ``client_id`` had other content, `EventTooLarge`.
        """
        channel = check_channel(conversation_id)
        text, client = check_content(content, self._rules.max_length), check_client_id(client_id)
        with self._transaction(commit):
            seq = self._store.lock(channel, seqs=1)
            known = self._store.by_client_id(channel, sender_id, client) if client else None
            if known is not None:
                self._store.lock(channel, seqs=-1)
                return Sent(self._same(known, text), duplicate=True)
            message = self._store.add(
                id=uuid4().hex,
                conversation_id=channel,
                seq=seq,
                sender_id=sender_id,
                client_id=client,
                content=text,
                revision=1,
                created_at=self._now(),
            )
            self._note_readers(message)
            written = self._write(message)
            self._publish(message, Events.MESSAGE_NEW, written)
        return Sent(written, duplicate=False)

    def _same(self, known: Any, text: str) -> dict[str, Any]:
        # A tombstone has lost its text: what was sent again has been sent.
        if known.deleted_at is None and known.revision == 1 and known.content != text:
            raise Conflict("this clientId was used for a message with other content")
        return self._write(known)

    def _note_readers(self, message: Any) -> None:
        """Let members count it as unread, and those it names as a mention."""
        members = self._members(message.conversation_id)
        self._store.add_readers(message.conversation_id, members)
        self._store.add_mentions(message, self._mentioned(message, members))

    def _members(self, conversation_id: str) -> Sequence[str]:
        if self._hooks.members is None:
            return ()
        return [str(user) for user in self._hooks.members(conversation_id)]

    def _mentioned(self, message: Any, members: Sequence[str]) -> Sequence[str]:
        names = mentioned_names(message.content)
        if not names or self._hooks.mentions is None:
            return ()
        users = {str(user) for user in self._hooks.mentions(message.conversation_id, names)}
        allowed = users & set(members) if self._hooks.members else users
        return sorted(allowed - {message.sender_id})

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
        text = check_content(content, self._rules.max_length)
        with self._transaction(commit):
            message = self._locked(message_id)
            self._require_author(message, user_id, self._rules.edit_seconds)
            if message.deleted_at is not None:
                raise Conflict("the message has been deleted")
            if expected_revision not in (None, message.revision):
                raise Conflict(f"the message is at revision {message.revision}: read it again")
            if text != message.content:
                self._store.keep_revision(message)
                message.content, message.edited_at = text, self._now()
                message.revision += 1
                written = self._write(message)
                self._publish(message, Events.MESSAGE_EDIT, written, replay=written)
            answer = self._write(message)
        self._send_now(commit)
        return answer

    def delete(self, message_id: str, user_id: str, commit: bool = True) -> dict[str, Any]:
        """Leave a tombstone; replay shows the message no more. A repeat changes nothing."""
        with self._transaction(commit):
            message = self._locked(message_id)
            self._require_author(message, user_id, 0)
            if message.deleted_at is None:
                self._store.empty(message)
                message.content, message.deleted_at = "", self._now()
                message.deleted_by = user_id
                gone = {
                    "id": message.id,
                    "conversationId": message.conversation_id,
                    "seq": message.seq,
                    "deletedAt": iso(message.deleted_at),
                    "deletedBy": user_id,
                }
                self._publish(message, Events.MESSAGE_DELETE, gone, replay=b"")
            answer = self._write(message)
        self._send_now(commit)
        return answer

    def react(self, message_id: str, key: str, user_id: str, commit: bool = True) -> dict[str, Any]:
        """Add the user's reaction; return ``{key: {"count", "userIds"}}``. Idempotent."""
        return self._react(message_id, check_reaction(key), user_id, commit, present=True)

    def unreact(
        self, message_id: str, key: str, user_id: str, commit: bool = True
    ) -> dict[str, Any]:
        """Take the user's reaction back; as `react`."""
        return self._react(message_id, check_reaction(key), user_id, commit, present=False)

    def _react(
        self, message_id: str, key: str, user_id: str, commit: bool, present: bool
    ) -> dict[str, Any]:
        with self._transaction(commit):
            message = self._locked(message_id)
            if message.deleted_at is not None:
                raise Conflict("the message has been deleted")
            if present:
                changed = self._store.react(message.id, user_id, key, self._now())
            else:
                changed = self._store.unreact(message.id, user_id, key)
            totals = self._store.reactions([message.id]).get(message.id, {})
            if changed:
                body = {
                    "id": message.id,
                    "conversationId": message.conversation_id,
                    "reactions": totals,
                }
                self._publish(message, MESSAGE_REACTION, body, key=f"reactions:{message.id}")
            return totals

    def mark_read(self, conversation_id: str, user_id: str, up_to: int, commit: bool = True) -> int:
        """Read up to a ``seq``, at most the last one, never back; return where it stands."""
        channel = check_channel(conversation_id)
        with self._transaction(commit):
            up_to = max(0, min(up_to, self._store.lock(channel)))
            if self._store.mark_read(channel, user_id, up_to) and self._rules.public_receipts:
                body = {"conversationId": channel, "userId": user_id, "upToSeq": up_to}
                event = self._make_event(
                    [channel], MESSAGE_READ, body, key=f"read:{channel}:{user_id}"
                )
                self._outbox.add(self._session, [event])
        return up_to

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
        reactions = self._store.reactions([row.id for row in rows])
        senders = {row.sender_id: self._sender(row.sender_id) for row in rows}
        messages = [
            write_message(row, senders[row.sender_id], reactions.get(row.id, {})) for row in rows
        ]
        return {"messages": messages, "hasMore": more}

    def get(self, message_id: str) -> dict[str, Any]:
        """Return one message. Raises `NotFound`."""
        return self._write(self._find(message_id))

    def unread(self, user_id: str) -> dict[str, dict[str, int]]:
        """Return ``{conversation id: {"unread", "mentions"}}``, each capped at 100."""
        return self._store.unread(user_id)

    # -- inside -------------------------------------------------------------------------------

    @contextmanager
    def _transaction(self, commit: bool) -> Iterator[None]:
        if not commit:
            yield
            return
        try:
            yield
            self._session.commit()
        except BaseException:
            self._session.rollback()
            raise

    def _send_now(self, commit: bool) -> None:
        """Who reconnects after an edit or a delete has been answered is not shown the old text."""
        if commit:
            self._outbox.drain()

    def _find(self, message_id: str) -> Any:
        message = self._store.get(message_id)
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

    def _publish(
        self,
        message: Any,
        name: str,
        body: Any,
        replay: dict[str, Any] | bytes | None = None,
        key: str | None = None,
    ) -> None:
        event = self._make_event(
            [message.conversation_id], name, body, key=key or f"message:{message.id}", replay=replay
        )
        self._outbox.add(self._session, [event])

    def _write(self, message: Any) -> dict[str, Any]:
        reactions = self._store.reactions([message.id]).get(message.id, {})
        return write_message(message, self._sender(message.sender_id), reactions)

    def _sender(self, user_id: str) -> dict[str, Any] | None:
        info = self._hooks.user_info(user_id)
        return None if info is None else dict(info)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def write_message(
    message: Any, sender: dict[str, Any] | None, reactions: dict[str, Any]
) -> dict[str, Any]:
    """Write a message as the contract does."""
    return {
        "id": message.id,
        "conversationId": message.conversation_id,
        "seq": message.seq,
        "clientId": message.client_id,
        "senderId": message.sender_id,
        "sender": sender,
        "content": message.content,
        "createdAt": iso(message.created_at),
        "editedAt": iso(message.edited_at),
        "revision": message.revision,
        "deletedAt": iso(message.deleted_at),
        "attachments": [],
        "reactions": reactions,
    }


def utc(moment: datetime) -> datetime:
    """Return a stored time with its zone: SQLite forgets it."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def iso(moment: datetime | None) -> str | None:
    """Write a time as ISO 8601, UTC, ending in Z."""
    if moment is None:
        return None
    return utc(moment).isoformat(timespec="milliseconds").replace("+00:00", "Z")
