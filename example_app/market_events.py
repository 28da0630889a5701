"""Who may follow products, talks and orders: the marketplace preset at work."""

from typing import Any

from example_app.market_models import Order, Product, Talk
from example_app.models import User, by_id
from example_app.realtime import rt
from flask_nexora_rt.presets.marketplace import Marketplace

PRODUCT_SOLD = "product:sold"


def may_view_product(user: Any, product_id: str) -> dict[str, Any] | None:
    """Everybody who is signed in; presence shows their names."""
    return {"name": user.name} if by_id(Product, product_id) else None


def may_see_talk(user: Any, conversation_id: str) -> bool:
    """Its buyer and the seller."""
    talk = by_id(Talk, conversation_id)
    return talk is not None and user.id in (talk.buyer_id, talk.product.seller_id)


def may_see_order(user: Any, order_id: str) -> bool:
    """Its buyer and the seller."""
    order = by_id(Order, order_id)
    return order is not None and user.id in (order.buyer_id, order.product.seller_id)


def may_update_order(user: Any, order_id: str, status: str) -> bool:
    """The seller."""
    order = by_id(Order, order_id)
    return order is not None and user.id == order.product.seller_id


def notify_order(order_id: str, status: str) -> None:
    """Tells the buyer, wherever they are."""
    order = by_id(Order, order_id)
    assert order is not None  # noqa: S101 - the preset has just asked who may update it
    about = {"productTitle": order.product.title, "orderId": order_id, "status": status}
    rt.notifications.send([str(order.buyer_id)], "order_update", about, commit=False)


market = Marketplace(
    rt,
    may_see_conversation=may_see_talk,
    may_see_order=may_see_order,
    may_view_product=may_view_product,
    may_update_order=may_update_order,
    notify_order=notify_order,
)


@rt.notifications.type(
    "order_update",
    title="Order Update",
    message='Your order for "{{ productTitle }}" has been {{ status }}',
    url="/orders/{{ orderId }}",
    icon="📦",
    category="order",
    level="success",
)
def order_update(productTitle: str, status: str, orderId: str) -> None:  # noqa: N803
    """For the buyer."""


@rt.notifications.type(
    "order_placed",
    title="You Have Sold Something",
    message='{{ buyerName }} has bought "{{ productTitle }}"',
    url="/orders/{{ orderId }}",
    icon="🛍️",
    category="order",
    level="success",
)
def order_placed(buyerName: str, productTitle: str, orderId: str) -> None:  # noqa: N803
    """For the seller."""


def tell_seller(order: Order, buyer: User) -> None:
    """Tells the seller of an order; the caller commits."""
    product = order.product
    about = {"buyerName": buyer.name, "productTitle": product.title, "orderId": str(order.id)}
    to = [str(product.seller_id)]
    rt.notifications.send(to, "order_placed", about, actor=str(buyer.id), commit=False)
