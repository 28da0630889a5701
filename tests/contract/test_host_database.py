"""Whose database it is: the host's, however the host has set it up."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy_lite import SQLAlchemy as SQLAlchemyLite
from sqlalchemy import ForeignKey, String, inspect, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from flask_nexora_rt import ConfigurationError, NexoraRT
from flask_nexora_rt.models import ConversationMixin, MessageMixin


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path}/host.db"


def in_context(app, function):
    """Call in an application context, in a thread of its own.

    Flask-SQLAlchemy-Lite ends each context with a coroutine, which Flask cannot run in a thread
    that has an event loop; and Playwright leaves one in that of the browser tests.
    """

    def call():
        with app.app_context():
            return function()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(call).result()


@pytest.fixture
def make_host(redis_url, database_url):
    """Make apps on one database; their tables go with the test."""
    made = []

    def make(rt, db, metadata, app_id, **options):
        app = Flask(app_id)
        app.config.update(
            TESTING=True,
            SECRET_KEY="x",
            SQLALCHEMY_DATABASE_URI=database_url,
            SQLALCHEMY_ENGINES={"default": database_url},
            NEXORA_RT_SECRET="a secret for the tests",
            NEXORA_RT_URL=redis_url,
            NEXORA_RT_APP_ID=app_id,
        )
        db.init_app(app)
        rt.init_app(app, db=db, **options)
        made.append((app, db, metadata))
        in_context(app, lambda: metadata.create_all(db.engine))
        return app

    yield make
    for app, _, _ in made:
        app.extensions["nexora_rt"].runtime.close()
    for app, db, metadata in made:
        in_context(app, lambda db=db, metadata=metadata: remove_tables(db, metadata))


def remove_tables(db, metadata):
    metadata.drop_all(db.engine)
    db.engine.dispose()


def published(app, count):
    log = app.extensions["nexora_rt"].runtime.log
    start = log.bounds().reset
    for _ in range(200):
        entries = log.range(start, 1000)
        if len(entries) >= count:
            break
        threading.Event().wait(0.02)
    return [app.json.loads(entry.event.data)["content"] for entry in log.range(start, 1000)]


def test_flask_sqlalchemy_lite_with_a_base_of_the_hosts_own(make_host, app_id):
    class Base(DeclarativeBase):
        """The host's."""

    rt, db = NexoraRT(), SQLAlchemyLite()
    app = make_host(rt, db, Base.metadata, app_id, base=Base)

    def talk():
        rt.messages.send("guild-1", "saved", "alice", commit=False)
        db.session.rollback()
        rt.messages.send("guild-1", "hello", "alice")
        rt.messages.send("guild-1", "joined", "alice", commit=False)
        db.session.commit()
        return rt.messages.history("guild-1")["messages"]

    history = in_context(app, talk)

    assert [(m["seq"], m["content"]) for m in history] == [(1, "hello"), (2, "joined")]
    assert published(app, 2) == ["hello", "joined"]


def test_lite_without_a_base_is_told_what_is_missing():
    app = Flask("no-base")
    app.config.update(NEXORA_RT_SECRET="a secret for the tests", SQLALCHEMY_ENGINES={})
    db = SQLAlchemyLite(require_default_engine=False)
    db.init_app(app)

    with pytest.raises(ConfigurationError, match="base="):
        NexoraRT().init_app(app, db=db)


def test_two_apps_on_one_db_share_tables_and_keep_their_own_logs(make_host, app_id):
    db = SQLAlchemy()
    first, second = NexoraRT(), NexoraRT()
    one = make_host(first, db, db.metadata, f"{app_id}-1")
    two = make_host(second, db, db.metadata, f"{app_id}-2")

    with one.app_context():
        first.messages.send("guild-1", "from one", "alice")
    with two.app_context():
        second.messages.send("guild-1", "from two", "alice")
        assert [m["content"] for m in second.messages.history("guild-1")["messages"]] == [
            "from one",
            "from two",
        ]

    assert published(one, 1) == ["from one"]
    assert published(two, 1) == ["from two"]


def test_a_host_replaces_models_with_its_own_subclasses(make_host, app_id):
    db = SQLAlchemy()

    class Account(db.Model):
        id: Mapped[str] = mapped_column(String(128), primary_key=True)

    class Message(MessageMixin, db.Model):
        __tablename__ = "nexora_rt_message"
        # The host says so: its users are rows of its own table.
        sender_id: Mapped[str] = mapped_column(ForeignKey(Account.id))
        starred: Mapped[bool] = mapped_column(default=False)

    rt = NexoraRT()
    app = make_host(rt, db, db.metadata, app_id, models={"message": Message})

    with app.app_context():
        db.session.add(Account(id="alice"))
        db.session.commit()
        sent = rt.messages.send("guild-1", "hello", "alice").message
        row = db.session.scalars(select(Message)).one()
        keys = inspect(db.engine).get_foreign_keys("nexora_rt_message")
        assert (row.id, row.starred) == (sent["id"], False)
        assert [key["referred_table"] for key in keys] == ["account"]
        rt.messages.edit(sent["id"], "hello!", "alice")
        rt.messages.react(sent["id"], "+1", "alice")
        assert rt.messages.delete(sent["id"], "alice")["content"] == ""


def test_a_model_that_is_not_made_from_its_mixin_is_refused():
    db = SQLAlchemy()

    class Conversation(ConversationMixin, db.Model):
        """The right one under the wrong name."""

    app = Flask("wrong-model")
    app.config.update(NEXORA_RT_SECRET="a secret for the tests")

    with pytest.raises(ConfigurationError, match="mixins"):
        NexoraRT().init_app(app, db=db, models={"message": Conversation})
