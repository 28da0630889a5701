"""Buying a product, and following it until it arrives."""

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from example_app import forms
from example_app.changes import change
from example_app.guard import refuse_other_sites
from example_app.market_events import PRODUCT_SOLD, market, may_see_order, tell_seller
from example_app.market_models import ORDER_STEPS, Order, Product
from example_app.models import User, by_id, db
from example_app.realtime import rt
from flask_nexora_rt.presets.marketplace import order as channel_of
from flask_nexora_rt.presets.marketplace import product as product_channel

blueprint = Blueprint("market_orders", __name__)
blueprint.before_request(refuse_other_sites)


@blueprint.post("/market/<int:product_id>/order")
@login_required
def buy(product_id: int) -> Response:
    """Sells it to the first who asks; whoever looks at it sees that it is gone."""
    product = by_id(Product, str(product_id)) or abort(404)
    if product.seller_id == current_user.id:
        abort(409, "It is your own.")
    change(product, Product.is_sold.is_(False), is_sold=True)
    buyer = db.session.get_one(User, current_user.id)
    order = Order(product=product, buyer=buyer)
    db.session.add(order)
    db.session.flush()
    tell_seller(order, buyer)
    rt.publish_on_commit(product_channel(product.id), PRODUCT_SOLD, {"productId": str(product.id)})
    db.session.commit()
    flash(f"It is yours. {product.seller.name} has been told.")
    return redirect(url_for("market_orders.page", order_id=order.id))


@blueprint.get("/orders/<int:order_id>")
@login_required
def page(order_id: int) -> str:
    """How far it is, for buyer and seller."""
    order = _require(order_id)
    channel = channel_of(order.id)
    return render_template("order.html", order=order, steps=ORDER_STEPS, channel=channel)


@blueprint.get("/api/orders/<int:order_id>")
@login_required
def read(order_id: int) -> dict[str, str]:
    """How far it is, for scripts."""
    return {"orderId": str(order_id), "status": _require(order_id).status}


@blueprint.post("/orders/<int:order_id>/status")
@login_required
def set_status(order_id: int) -> Response:
    """The seller brings it one step further: `Forbidden` for everybody else, 409 out of turn."""
    order = _require(order_id)
    status = forms.choice("status", *ORDER_STEPS[1:])
    market.update_order_status(current_user, order.id, status)
    before = ORDER_STEPS[ORDER_STEPS.index(status) - 1]
    change(order, Order.status == before, status=status)
    db.session.commit()
    flash(f"Marked as {status}. {order.buyer.name} has been told.")
    return redirect(url_for("market_orders.page", order_id=order.id))


def _require(order_id: int) -> Order:
    order = by_id(Order, str(order_id)) or abort(404)
    if not may_see_order(current_user, str(order.id)):
        abort(403, "An order is followed by its buyer and its seller.")
    return order
