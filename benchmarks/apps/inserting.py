"""Both sides of the row about messages: ours, and a bare Flask view that inserts and commits."""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from flask import Flask, abort, jsonify, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, Engine, String, Text, event
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from flask_nexora_rt import NexoraRT

from .login import add_login


class Base(DeclarativeBase):
    """The base of the bare app's table and of ours."""


db = SQLAlchemy(model_class=Base)
rt = NexoraRT()


@rt.channel("guild-{number}")
def may_talk(user: object, number: str) -> bool:
    """Every signed-in user may."""
    return True


class Line(db.Model):  # type: ignore[name-defined]  # Flask-SQLAlchemy's Model has no type
    """What a bare app keeps of a message."""

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(String(164), index=True)
    sender_id: Mapped[str] = mapped_column(String(128))
    content: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


@event.listens_for(Engine, "connect")
def _write_ahead(connection: Any, _: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")


def _new_app() -> Flask:
    app = Flask(__name__)
    add_login(app)
    app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["BENCH_DATABASE"]
    db.init_app(app)
    return app


def create_bare() -> Flask:
    """Flask, Flask-Login, Flask-SQLAlchemy: one INSERT and a commit per request."""
    app = _new_app()
    with app.app_context():
        db.create_all()

    @app.post("/insert")
    def insert() -> ResponseReturnValue:
        if not current_user.is_authenticated:
            abort(401)
        body = request.get_json()
        line = Line(
            id=uuid4().hex,
            conversation_id=body["conversationId"],
            sender_id=current_user.get_id(),
            content=body["content"],
            created_at=datetime.now(UTC),
        )
        db.session.add(line)
        db.session.commit()
        return jsonify(id=line.id), 201

    return app


def create_ours() -> Flask:
    """``POST /api/messages`` with everything it does: seq, outbox, rate, event in Redis."""
    app = _new_app()
    app.config.update(
        NEXORA_RT_URL=os.environ["BENCH_REDIS_URL"],
        NEXORA_RT_SECRET="x" * 32,
        NEXORA_RT_MESSAGE_RATE=1_000_000,
    )
    rt.init_app(app, db=db)
    with app.app_context():
        db.create_all()
    return app
