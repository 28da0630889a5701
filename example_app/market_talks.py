"""Asking a seller about a product: a conversation for each who asks."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, abort, redirect, url_for
from flask_login import current_user, login_required
from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response

from example_app import conversations
from example_app.conversations import Conversation, Kind, Participant
from example_app.guard import refuse_other_sites
from example_app.market_models import Product, Talk
from example_app.models import User, by_id, db
from example_app.realtime import rt
from flask_nexora_rt.presets.marketplace import conversation as channel_of

blueprint = Blueprint("market_talks", __name__)
blueprint.before_request(refuse_other_sites)

PREFIX = "private-conversation"


@blueprint.post("/market/<int:product_id>/talk")
@login_required
def start(product_id: int) -> Response:
    """Opens the conversation with the seller, and makes it at the first time."""
    product = by_id(Product, str(product_id)) or abort(404)
    if product.seller_id == current_user.id:
        abort(409, "It is your own: wait until somebody asks you.")
    ids = {"product_id": product.id, "buyer_id": current_user.id}
    talk = db.session.scalar(select(Talk).filter_by(**ids)) or _make(ids)
    return redirect(url_for("market_talks.page", talk_id=talk.id))


@blueprint.get("/market/talks/<int:talk_id>")
@login_required
def page(talk_id: int) -> str:
    """The conversation."""
    return conversations.show(find(str(talk_id)))


@rt.message_sent
def notify_other(message: Mapping[str, Any]) -> None:
    """A question or an answer is told to the other side, as a direct message is."""
    prefix, _, talk_id = message["conversationId"].rpartition("-")
    talk = find(talk_id) if prefix == PREFIX else None
    if talk is None:
        return
    sender = talk.participant(message["senderId"])
    others = [str(one.user.id) for one in talk.participants if one != sender]
    about = {
        "senderName": sender.user.name if sender else message["senderId"],
        "conversationId": message["conversationId"],
        "messageId": message["id"],
    }
    rt.notifications.send(
        others, "message_received", about, actor=message["senderId"], commit=False
    )


def find(talk_id: str) -> Conversation | None:
    """A conversation, by its number."""
    talk = by_id(Talk, talk_id)
    return None if talk is None else _conversation(talk)


def of_user(user: User) -> list[Conversation]:
    """What a user asks and is asked."""
    is_in = or_(Talk.buyer_id == user.id, Product.seller_id == user.id)
    talks = db.session.scalars(select(Talk).join(Product).where(is_in).order_by(Talk.id))
    return [_conversation(talk) for talk in talks]


def _make(ids: dict[str, int]) -> Talk:
    talk = Talk(**ids)
    db.session.add(talk)
    try:
        db.session.commit()
    except IntegrityError:  # a second click has made it
        db.session.rollback()
        return db.session.scalars(select(Talk).filter_by(**ids)).one()
    return talk


def _conversation(talk: Talk) -> Conversation:
    return Conversation(
        id=channel_of(talk.id),
        kind=PREFIX,
        title=talk.product.title,
        topic=f"{talk.buyer.name} asks {talk.product.seller.name}",
        endpoint="market_talks.page",
        key={"talk_id": talk.id},
        participants=[Participant(talk.product.seller, "Seller"), Participant(talk.buyer, "Buyer")],
        facts={"Price": talk.product.cost},
        subject=talk,
    )


KIND = Kind(PREFIX, "Market", "market.grid", find, of_user, if_none="No talks yet")
