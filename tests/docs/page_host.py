"""The host app in which the Python of a page runs: a database, users, and somebody signed in."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

from flask import Flask, request
from flask.testing import FlaskClient
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import Mapped, mapped_column

from flask_nexora_rt import NexoraRT

from .pages import Page


class Visitor(FlaskClient):
    """A client whose requests know nothing of the page's own: `g`, its user, its session."""

    def open(self, *args: Any, **options: Any) -> Any:
        return Context().run(super().open, *args, **options)


@contextmanager
def namespace(folder: Path, **config: Any) -> Iterator[dict[str, Any]]:
    """The names that blocks may use without saying where they come from."""
    app = Flask("docs_host", root_path=str(folder), instance_path=str(folder / "instance"))
    app.config.update(
        TESTING=True,
        SECRET_KEY=token_hex(),
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{folder / 'docs.sqlite3'}",
        NEXORA_RT_SECRET=token_hex(),
        NEXORA_RT_CRON_SECRET="0123456789",
    )
    app.config.update(config)
    app.test_client_class = Visitor
    db = SQLAlchemy(app)
    User = _user_model(db)  # noqa: N806 - it is a class
    LoginManager(app).user_loader(lambda user_id: db.session.get(User, user_id))
    rt = NexoraRT()
    rt.init_app(app, db=db)
    with app.test_request_context():
        db.create_all()
        db.session.add_all(User(id=name, name=name.title()) for name in ("alice", "bob", "carol"))
        db.session.commit()
        login_user(db.session.get(User, "alice"))
        yield {
            "app": app,
            "current_user": current_user,
            "db": db,
            "login_required": login_required,
            "request": request,
            "rt": rt,
            "User": User,
        }
        db.session.remove()
        db.engine.dispose()
    app.extensions["nexora_rt"].runtime.close()


def _user_model(db: SQLAlchemy) -> Any:
    class User(UserMixin, db.Model):  # type: ignore[misc, name-defined]
        id: Mapped[str] = mapped_column(primary_key=True)
        name: Mapped[str]
        is_admin: Mapped[bool] = mapped_column(default=False)
        trust_score: Mapped[int] = mapped_column(default=1000)
        last_active: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
        guild_ids = frozenset({"1", "7"})

    return User


def run_page(page: Page, names: dict[str, Any]) -> None:
    """Runs the page's Python from top to bottom; a traceback shows the page's own lines."""
    for block in page.of("python"):
        if block.file is None:
            source = "\n" * (block.line - 1) + block.text
            exec(compile(source, page.path, "exec"), names)  # our own documentation
