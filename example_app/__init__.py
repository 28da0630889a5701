"""The demo: guilds that talk, take on bounties and settle disputes, live through flask-nexora-rt.

`make demo` runs it. It uses only the public API of the extension, as any host app would.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask

from example_app import (
    announcements,
    auth,
    bounties,
    cached,
    config,
    conversations,
    direct,
    disputes,
    guilds,
    market,
    market_orders,
    market_talks,
    membership,
    notifications,
    operations,
    pages,
    rankings,
    seed,
    thread_events,
    threads,
    tribunal,
)
from example_app.activity import Conversation, Message
from example_app.models import Receipt, db
from example_app.realtime import rt

AREAS = (
    announcements,
    bounties,
    conversations,
    direct,
    disputes,
    guilds,
    market,
    market_orders,
    market_talks,
    membership,
    notifications,
    operations,
    rankings,
    threads,
    tribunal,
)
ROOT = Path(__file__).resolve().parent.parent


def create_app(overrides: Mapping[str, Any] | None = None) -> Flask:
    """The app, configured by its defaults, then the environment (FLASK_*), then `overrides`."""
    app = Flask("example_app", instance_path=str(config.instance_folder(ROOT)))
    app.config.from_mapping(config.defaults(Path(app.instance_path)))
    app.config.from_prefixed_env()
    app.config.from_mapping(overrides or {})
    db.init_app(app)
    auth.init_app(app)
    own = {"conversation": Conversation, "message": Message, "receipt": Receipt}
    rt.init_app(app, db=db, models=own)
    conversations.use(
        guilds.KIND, thread_events.KIND, disputes.KIND, market_talks.KIND, direct.KIND
    )
    for area in AREAS:
        app.register_blueprint(area.blueprint)
    app.cli.add_command(seed.group)
    cached.init_app(app)
    pages.init_app(app)
    return app
