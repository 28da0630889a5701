"""The host that the end-to-end tests run under real servers."""

import os
import signal
import sqlite3
import time
from itertools import count
from pathlib import Path

from flask import Flask, jsonify, request
from flask_login import LoginManager, UserMixin, login_user, logout_user
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from flask_nexora_rt import NexoraRT
from flask_nexora_rt.signals import BY_KIND

db = SQLAlchemy()
rt = NexoraRT()
login = LoginManager()


class User(UserMixin):
    """A user whose id says what it may do: `member-3` holds `room-3` and nothing else."""

    def __init__(self, id):
        self.id = id


login.user_loader(User)
rt.channel("public-{id}", public=True)


@rt.channel("room-{room_id}")
def may_enter(user, room_id):
    # As a host would: the database says who is a member, and so a connection is taken.
    db.session.execute(text("SELECT 1"))
    return user.id.startswith("admin") or user.id == f"member-{room_id}"


@rt.channel("presence-{place}")
def may_be_seen(user, place):
    return {"name": user.id.title()} if place not in BANNED.get(user.id, ()) else False


BANNED = {}


@rt.channel("guild-{guild_id}")
def may_read(user, guild_id):
    return user.id.startswith("writer")


@rt.conversation_members
def members_of(conversation_id):
    return [f"writer-{n}" for n in range(8)]


@rt.notifications.sender
def may_send(user, kind, user_ids):
    return user.id.startswith("admin")


def write_down_signals(app, path):
    """One line per signal; lines this short are written whole, whichever worker writes."""

    def write(kind, **about):
        with Path(path).open("a") as file:
            file.write(" ".join([kind, *map(str, about.values())]) + "\n")

    for kind, sent in BY_KIND.items():
        sent.connect(lambda _, kind=kind, **about: write(kind, **about), app, weak=False)


def create_app():
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY="e2e",
        NEXORA_RT_SECRET="a secret for the end-to-end tests",
        SQLALCHEMY_DATABASE_URI=os.environ.get("E2E_DATABASE", "sqlite://"),
        SQLALCHEMY_ENGINE_OPTIONS=pool_options(),
    )
    app.config.from_prefixed_env()
    db.init_app(app)
    login.init_app(app)
    rt.init_app(app, db=db)
    add_routes(app)
    add_presence_routes(app)
    if "E2E_DATABASE" in os.environ:
        create_tables(app)
    if os.environ.get("E2E_DIE_BEFORE_PUBLISHING"):
        die_before_publishing(app)
    if "E2E_TAIL_LAG" in os.environ:
        read_late(float(os.environ["E2E_TAIL_LAG"]))
    if "E2E_SIGNALS" in os.environ:
        write_down_signals(app, os.environ["E2E_SIGNALS"])
    return app


@event.listens_for(Engine, "connect")
def use_write_ahead_log(connection, _):
    """What a host with several workers on SQLite does: readers and a writer at once."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")


def die_before_publishing(app):
    """Let the worker crash between the commit of a message and its publishing."""
    outbox = app.extensions["nexora_rt"].outbox
    file = os.environ["E2E_DIE_BEFORE_PUBLISHING"]
    drain = outbox.drain

    def crash():
        if os.path.exists(file):  # noqa: PTH110
            os.unlink(file)  # noqa: PTH108
            os.kill(os.getpid(), signal.SIGKILL)
        drain()

    outbox.drain = crash


def read_late(seconds):
    """Let the worker take in what it has read of the log so much later, as a busy one does."""
    from flask_nexora_rt.log.redis import RedisTail

    read = RedisTail.read

    def read_and_wait(tail, timeout):
        batch = read(tail, timeout)
        time.sleep(seconds)
        return batch

    RedisTail.read = read_and_wait


def pool_options():
    """One connection for everybody, and nobody waits long for it."""
    if "E2E_POOL_OF_ONE" not in os.environ:
        return {}
    return {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0, "pool_timeout": 2}


def create_tables(app):
    """Several workers start at once, and two cannot create the same table."""
    with app.app_context():
        for _ in range(5):
            try:
                return db.create_all()
            except DBAPIError:
                time.sleep(0.2)
        return db.create_all()


def add_routes(app):
    @app.post("/login/<user_id>")
    def sign_in(user_id):
        login_user(User(user_id))
        return jsonify(ok=True)

    @app.post("/trigger")
    def trigger():
        body = request.get_json()
        return jsonify(rt.trigger(body["channels"], body["name"], body["data"]))

    @app.post("/trigger-batch")
    def trigger_batch():
        return jsonify(rt.trigger_batch(request.get_json()))

    @app.get("/query")
    def query():
        return jsonify(answer=db.session.execute(text("SELECT 42")).scalar())

    @app.get("/streams")
    def streams():
        return jsonify(count=len(app.extensions["nexora_rt"].runtime.hub))

    numbers = count()

    @app.get("/count")
    def counted():
        return jsonify(number=next(numbers), pid=os.getpid())


def add_presence_routes(app):
    @app.post("/logout")
    def sign_out():
        logout_user()
        return jsonify(ok=True)

    @app.get("/members/<channel>")
    def members(channel):
        return jsonify(rt.presence.members(channel))

    @app.get("/info/<channel>")
    def info(channel):
        return jsonify(rt.channel_info(channel))

    @app.get("/infos")
    def infos():
        return jsonify(rt.channels_info(request.args.get("prefix")))

    @app.get("/status/<user_id>")
    def status(user_id):
        return jsonify(rt.presence.status(user_id))

    @app.post("/revoke")
    def revoke():
        body = request.get_json()
        rt.revoke(body["user"], body["channel"])
        return jsonify(ok=True)

    @app.post("/terminate/<user_id>")
    def terminate(user_id):
        rt.terminate_user_connections(user_id)
        return jsonify(ok=True)


app = create_app()
