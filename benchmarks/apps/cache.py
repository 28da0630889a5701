"""A host app with a Flask-Caching store, and flask-nexora-rt's cache over it."""

from __future__ import annotations

from flask import Flask
from flask_caching import Cache

from flask_nexora_rt import NexoraRT

from .login import add_login

rt = NexoraRT()


def create_app(kind: str, redis_url: str = "") -> Flask:
    """The app with a store of this ``CACHE_TYPE``."""
    app = Flask(__name__)
    add_login(app)
    app.config.update(CACHE_TYPE=kind, CACHE_REDIS_URL=redis_url, NEXORA_RT_SECRET="x" * 32)
    app.extensions["raw"] = cache = Cache(app)
    rt.init_app(app, cache=cache)
    return app
