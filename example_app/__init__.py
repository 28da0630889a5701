"""The demo: a small guild chat that is live through flask-nexora-rt.

`make demo` runs it. It uses only the public API of the extension, as any host app would.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask

from example_app import auth, chat, config, pages, seed
from example_app.models import db
from example_app.realtime import rt

ROOT = Path(__file__).resolve().parent.parent


def create_app(overrides: Mapping[str, Any] | None = None) -> Flask:
    """The app, configured by its defaults, then the environment (FLASK_*), then `overrides`."""
    app = Flask("example_app", instance_path=str(config.instance_folder(ROOT)))
    app.config.from_mapping(config.defaults(Path(app.instance_path)))
    app.config.from_prefixed_env()
    app.config.from_mapping(overrides or {})
    db.init_app(app)
    auth.init_app(app)
    rt.init_app(app, db=db)
    app.register_blueprint(chat.blueprint)
    app.cli.add_command(seed.group)
    pages.init_app(app)
    return app
