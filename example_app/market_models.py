"""The market: what members have made, who asks about it, and who has bought it."""

from datetime import datetime

from sqlalchemy import DateTime, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from example_app.models import User, db, utc_now

# From one to the next; the seller says so.
ORDER_STEPS = ("placed", "packed", "shipped", "delivered")


class Product(db.Model):
    """One piece for sale; `price` in crowns, `picture` is the name of a drawing."""

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(120))
    story: Mapped[str] = mapped_column(String(1000), default="")
    price: Mapped[int]
    picture: Mapped[str] = mapped_column(String(20))
    is_sold: Mapped[bool] = mapped_column(default=False)
    seller_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    seller: Mapped[User] = relationship(lazy="joined")

    @property
    def cost(self) -> str:
        """The price in words."""
        return f"{self.price} crown{'' if self.price == 1 else 's'}"


class Talk(db.Model):
    """A buyer and the seller about a product; one for each who asks."""

    __tablename__ = "market_talk"
    __table_args__ = (UniqueConstraint("product_id", "buyer_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"))
    buyer_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    product: Mapped[Product] = relationship(lazy="joined")
    buyer: Mapped[User] = relationship(lazy="joined")


class Order(db.Model):
    """A product on its way to who has bought it; `status` is one of `ORDER_STEPS`."""

    __tablename__ = "market_order"

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"), unique=True)
    buyer_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    status: Mapped[str] = mapped_column(String(20), default=ORDER_STEPS[0])
    created_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)
    product: Mapped[Product] = relationship(lazy="joined")
    buyer: Mapped[User] = relationship(lazy="joined")

    @property
    def parties(self) -> list[User]:
        """Who follows it."""
        return [self.buyer, self.product.seller]

    @property
    def next_step(self) -> str | None:
        """What the seller does next, or None when it has arrived."""
        after = ORDER_STEPS[ORDER_STEPS.index(self.status) + 1 :]
        return after[0] if after else None
