"""Threadly, a marketplace: its channels and events, and what its old clients listen for.

Messages are `rt.messages`, typing is `rt.typing`; their events are told in Threadly's words as
well. The seed's ``message`` is the name of a type: its clients bind ``new-message``.
"""

from __future__ import annotations

import hmac
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from ..channels import Authorizer, check_channel, escape_part
from ..errors import Forbidden, InvalidFields, InvalidName, Unauthorized
from ..extension import NexoraRT
from ..state import current_state
from ..times import iso
from ..vocabulary import Events as Nexora

GLOBAL_ANNOUNCEMENTS: Final = "global-announcements"
STATUS_UPDATES: Final = "status-updates"
MAX_STATUS: Final = 64
_CONVERSATIONS: Final = "private-conversation-{conversation_id}"
_USERS: Final = "private-user-{user_id}"
_SEARCH_DIGEST_BYTES: Final = 16


class Events(StrEnum):
    """Event names as they stand on the wire."""

    MESSAGE = "message"
    NEW_MESSAGE = "new-message"
    TYPING = "typing"
    NOTIFICATION = "notification"
    PRESENCE = "presence"
    ORDER_STATUS = "order:status"


def conversation(conversation_id: object) -> str:
    """``private-conversation-{id}``: for a buyer and a seller; also the conversation's id."""
    return check_channel(f"private-conversation-{escape_part(conversation_id)}")


def user(user_id: object) -> str:
    """``private-user-{id}``: for one user alone."""
    return check_channel(f"private-user-{escape_part(user_id)}")


def order(order_id: object) -> str:
    """``private-order-{id}``: for the parties of an order."""
    return check_channel(f"private-order-{escape_part(order_id)}")


def product(product_id: object) -> str:
    """``presence-product-{id}``: who looks at a product."""
    return check_channel(f"presence-product-{escape_part(product_id)}")


def category(category_id: object) -> str:
    """``presence-category-{id}``: who browses a category."""
    return check_channel(f"presence-category-{escape_part(category_id)}")


def search(query: str, secret: str) -> str:
    """``presence-search-{digest}``: who searches for the same, whatever the case and spacing.

    Keyed by ``secret`` (text), so that nobody reads a query off a name or finds it by trying.
    Raises `InvalidName` when the query is empty.
    """
    text = " ".join(unicodedata.normalize("NFKC", query).casefold().split())
    if not text:
        raise InvalidName("an empty search has no channel")
    key = hmac.digest(secret.encode(), b"nexora-rt search", "sha256")
    digest = hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256")
    return f"presence-search-{digest[:_SEARCH_DIGEST_BYTES].hex()}"


class Marketplace:
    """Declares the marketplace's channels on ``rt``.

    ``may_see_conversation(user, conversation_id)``, ``may_see_order(user, order_id)``,
    ``may_view_product(user, product_id)``, ``may_view_category(user, category_id)`` and
    ``may_search(user, digest)`` answer as the authorizers of `NexoraRT.channel` do. What is not
    given stays denied, so searches show nobody to anybody unless the host asks for it.
    ``may_update_order(user, order_id, status)`` says who may do what to an order, and
    ``notify_order(order_id, status)`` tells its parties wherever they are, in the same transaction.
    """

    def __init__(
        self,
        rt: NexoraRT,
        *,
        may_see_conversation: Authorizer | None = None,
        may_see_order: Authorizer | None = None,
        may_view_product: Authorizer | None = None,
        may_view_category: Authorizer | None = None,
        may_search: Authorizer | None = None,
        may_update_order: Callable[[Any, str, str], bool] | None = None,
        notify_order: Callable[[str, str], object] | None = None,
    ) -> None:
        self._rt = rt
        self._may_update_order = may_update_order
        self._notify_order = notify_order
        if may_see_conversation is not None:
            rt.channel(_CONVERSATIONS)(may_see_conversation)
        for pattern, authorizer in (
            (_USERS, _is_same_user),
            ("private-order-{order_id}", may_see_order),
            ("presence-product-{product_id}", may_view_product),
            ("presence-category-{category_id}", may_view_category),
            ("presence-search-{digest}", may_search),
        ):
            if authorizer is not None:
                rt.channel(pattern, conversation=False)(authorizer)
        for name in (GLOBAL_ANNOUNCEMENTS, STATUS_UPDATES):
            rt.channel(name, public=True)
        self._declare_aliases()

    def _declare_aliases(self) -> None:
        alias = self._rt.alias
        alias(_CONVERSATIONS, Nexora.MESSAGE_NEW, Events.NEW_MESSAGE, write_message)
        alias(_CONVERSATIONS, Nexora.TYPING_START, Events.TYPING, write_typing)
        alias(_CONVERSATIONS, Nexora.TYPING_STOP, Events.TYPING, write_typing)
        alias(_USERS, Nexora.NOTIFICATION_NEW, Events.NOTIFICATION, write_notification)

    def search_channel(self, query: str) -> str:
        """Return the channel of a search, for the page that shows its results; see `search`."""
        return search(query, current_state().settings.secret)

    def update_order_status(self, user: Any, order_id: object, status: object) -> None:
        """Publish ``order:status`` when the host's transaction commits, if ``user`` may do this.

        Call it before the order's row is written. Raises `Unauthorized`, `Forbidden`, or
        `InvalidFields` when the status is not text of 1 to 64 characters. The order's channel gets
        ``{"orderId", "status", "timestamp"}``.
        """
        if user is None or not user.is_authenticated:
            raise Unauthorized
        if not isinstance(status, str) or not 0 < len(status) <= MAX_STATUS:
            raise InvalidFields({"status": f"must be text of 1 to {MAX_STATUS} characters"})
        known = str(order_id)
        allowed = self._may_update_order
        if allowed is None or allowed(user, known, status) is not True:
            raise Forbidden
        now = iso(datetime.fromtimestamp(current_state().now(), UTC))
        body = {"orderId": known, "status": status, "timestamp": now}
        self._rt.publish_on_commit(order(known), Events.ORDER_STATUS, body)
        if self._notify_order is not None:
            self._notify_order(known, status)


def _is_same_user(user: Any, user_id: str) -> bool:
    return current_state().public_id(user) == user_id


def write_message(message: Mapping[str, Any], conversation_id: str) -> dict[str, Any]:
    """Write a message for ``new-message``: Threadly's ids of conversations are bare."""
    return {**message, "conversationId": conversation_id}


def write_typing(typing: Mapping[str, Any], conversation_id: str) -> dict[str, Any]:
    """Write ``typing:start`` and ``typing:stop`` as ``typing``."""
    is_typing = typing["expiresInMs"] > 0
    return {"conversationId": conversation_id, "userId": typing["userId"], "isTyping": is_typing}


def write_notification(notification: Mapping[str, Any], user_id: str) -> dict[str, Any]:
    """Write a notification for ``notification``: its data is Threadly's ``metadata``."""
    return {**notification, "userId": user_id, "metadata": notification.get("data")}
