"""The market: what is for sale, and who looks at it right now."""

from flask import Blueprint, abort, render_template
from flask_login import current_user, login_required
from sqlalchemy import or_, select

from example_app.market_models import Order, Product
from example_app.models import by_id, db
from flask_nexora_rt.presets.marketplace import product as channel_of

blueprint = Blueprint("market", __name__, url_prefix="/market")


@blueprint.get("")
@login_required
def grid() -> str:
    """All products, and the orders that the signed-in user is part of."""
    products = db.session.scalars(select(Product).order_by(Product.is_sold, Product.id)).all()
    is_mine = or_(Order.buyer_id == current_user.id, Product.seller_id == current_user.id)
    orders = db.session.scalars(
        select(Order).join(Product).where(is_mine).order_by(Order.id.desc())
    )
    return render_template("market.html", products=products, orders=orders.all())


@blueprint.get("/<int:product_id>")
@login_required
def page(product_id: int) -> str:
    """One product; who has it open is seen by the others who have."""
    product = by_id(Product, str(product_id)) or abort(404)
    order = db.session.scalar(select(Order).filter_by(product_id=product.id))
    mine = order if order is not None and current_user in order.parties else None
    return render_template(
        "product.html", product=product, order=mine, channel=channel_of(product.id)
    )
