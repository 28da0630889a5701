"""A small Threadly: one conversation, one order, products to look at."""

from flask import Flask, abort, jsonify, request
from flask_login import current_user
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import Mapped, mapped_column

from flask_nexora_rt import NexoraRT
from flask_nexora_rt.errors import InvalidFields
from flask_nexora_rt.presets.marketplace import GLOBAL_ANNOUNCEMENTS, Marketplace
from tests.e2e.hosts.common import body_field, create_tables, set_up

CONVERSATIONS = {"7": {"buyer", "seller"}}
STATUSES = {"paid", "shipped", "delivered"}


def create_app(**config):
    app, db, rt = Flask(__name__), SQLAlchemy(), NexoraRT()
    set_up(app, db, **config)

    class Order(db.Model):
        id: Mapped[str] = mapped_column(primary_key=True)
        status: Mapped[str] = mapped_column()

    parties = {"buyer", "seller"}
    app.notified = []
    app.market = Marketplace(
        rt,
        may_see_conversation=lambda user, conversation_id: (
            user.id in CONVERSATIONS.get(conversation_id, ())
        ),
        may_see_order=lambda user, order_id: user.id in parties,
        may_view_product=lambda user, product_id: {"name": user.id.title()},
        may_search=lambda user, digest: True,
        may_update_order=lambda user, order_id, status: user.id == "seller",
        notify_order=lambda *about: app.notified.append(about),
    )
    rt.init_app(app, db=db)

    @app.patch("/api/orders/<order_id>/status")
    def update_status(order_id):
        status = body_field("status")
        order = db.session.get(Order, order_id)
        if current_user.is_authenticated and (order is None or current_user.id not in parties):
            abort(404)
        app.market.update_order_status(current_user, order_id, status)
        if status not in STATUSES:
            raise InvalidFields({"status": "is none of this shop's"})
        order.status = status
        db.session.commit()
        return jsonify(success=True, order={"id": order.id, "status": order.status})

    @app.get("/api/orders/<order_id>")
    def show(order_id):
        return jsonify(status=db.session.get(Order, order_id).status)

    @app.get("/search")
    def search():
        return jsonify(channel=app.market.search_channel(request.args["q"]))

    @app.post("/announce")
    def announce():
        return jsonify(rt.trigger(GLOBAL_ANNOUNCEMENTS, "announcement", {"text": "hello"}))

    create_tables(app, db, [Order(id="1", status="paid")])
    return app
