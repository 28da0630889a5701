"""What `flask demo seed` puts into the threads and the market."""

from typing import NamedTuple

from sqlalchemy import select

from example_app.market_models import Product
from example_app.models import Guild, User, db
from example_app.seed_data import Line
from example_app.thread_events import record
from example_app.thread_models import OPEN, SETTLED, Thread


class Question(NamedTuple):
    """A thread, and what was said in it."""

    guild: str
    author: str
    title: str
    description: str
    talk: list[Line]
    status: str = OPEN


class Ware(NamedTuple):
    """A product."""

    seller: str
    title: str
    price: int
    picture: str
    story: str


THREADS = [
    Question(
        "Mapmakers",
        "alice",
        "Which datum for the depth lines?",
        "Low water at spring tide is what sailors expect. The old sheets use the mean, and we"
        " have forty of them.",
        [
            Line("bob", "Spring low water. Nobody runs aground on a chart that is too careful."),
            Line("dan", "Agreed, but then the old sheets need a note in the margin."),
        ],
        SETTLED,
    ),
    Question(
        "Night Watch",
        "carol",
        "Shorter rounds in winter",
        "From dusk to dawn is fourteen hours now. I would like to split it into three rounds.",
        [
            Line("erin", "Three rounds mean three handovers. Where do we meet?"),
            Line("carol", "At the salt gate, it has a stove."),
        ],
    ),
    Question(
        "Mapmakers",
        "dan",
        "A legend that fits on the small sheets",
        "The legend takes a third of the page. Here is what I would leave out:\n\n"
        "1. The compass rose: north is up on all our sheets.\n"
        "2. Symbols that a sheet does not use.",
        [
            Line("alice", "Keep the rose. People fold them."),
            Line("bob", "The second point saves enough on its own, I have tried it on sheet 12."),
            Line("dan", "Then only the symbols. I will draw a proof until Thursday."),
        ],
    ),
]
PRODUCTS = [
    Ware(
        "bob",
        "Pocket compass",
        48,
        "compass",
        "Brass, in a leather case. The needle settles in four seconds, and I have measured it"
        " against the church tower.",
    ),
    Ware(
        "frank",
        "Storm lantern",
        36,
        "lantern",
        "Burns for nine hours and does not mind the wind. Spare glass included.",
    ),
    Ware(
        "alice",
        "Chart of the bay, coloured",
        120,
        "chart",
        "Drawn by hand on cotton paper, all buoys as they lie this spring. Signed and dated.",
    ),
    Ware(
        "carol",
        "Kettle for the night watch",
        22,
        "kettle",
        "Four cups, enamelled, with a dent that tells a story. Ask me for it.",
    ),
    Ware(
        "erin",
        "Hourglass, one hour",
        30,
        "hourglass",
        "From the tribunal's old hall. Exactly one hour, give or take a grain.",
    ),
    Ware(
        "dan",
        "Set of three ink pens",
        18,
        "pen",
        "Fine, finer and finest. Cut last week, with a bottle of black ink.",
    ),
]


def add_thread(question: Question, users: dict[str, User], guilds: dict[str, Guild]) -> Thread:
    """The thread, made unless it is there."""
    guild, author = guilds[question.guild], users[question.author]
    known = select(Thread).filter_by(guild_id=guild.id, author_id=author.id)
    # By what does not change: visitors edit titles.
    found: Thread | None = db.session.scalar(known.order_by(Thread.id))
    if found is not None:
        return found
    thread = Thread(
        guild=guild,
        author=author,
        editor=author,
        title=question.title,
        description=question.description,
        status=question.status,
    )
    db.session.add(thread)
    db.session.flush()
    record(thread, "thread_created", author, started=thread.told())
    db.session.commit()
    return thread


def add_product(ware: Ware, users: dict[str, User]) -> None:
    """Makes the product unless it is there."""
    known = {"title": ware.title, "seller_id": users[ware.seller].id}
    if db.session.scalar(select(Product).filter_by(**known)) is None:
        product = Product(price=ware.price, picture=ware.picture, story=ware.story, **known)
        db.session.add(product)
        db.session.commit()
