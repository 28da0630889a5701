"""flask-sse as its documentation sets it up."""

from __future__ import annotations

import os

from flask import Flask
from flask_sse import sse


def create_app(url: str = "") -> Flask:
    """flask-sse at ``/stream``; ``url`` of the Redis server, else from the environment."""
    app = Flask(__name__)
    app.config["REDIS_URL"] = url or os.environ["BENCH_REDIS_URL"]
    app.register_blueprint(sse, url_prefix="/stream")
    return app
