"""flask-nexora-rt with one public and one authorised channel pattern."""

from __future__ import annotations

import os

from flask import Flask

from flask_nexora_rt import NexoraRT

from .login import add_login

rt = NexoraRT()


@rt.channel("bench-{number}")
def may_join(user: object, number: str) -> bool:
    """Every signed-in user may."""
    return True


@rt.channel("presence-{name}")
def may_be_seen(user: object, name: str) -> dict[str, str]:
    """Every signed-in user may, and is shown."""
    return {"name": "Somebody"}


rt.channel("public-{name}", public=True)


def create_app(url: str = "") -> Flask:
    """The app; ``url`` of the Redis server, else from the environment."""
    app = Flask(__name__)
    add_login(app)
    app.config.update(
        NEXORA_RT_URL=url or os.environ["BENCH_REDIS_URL"],
        NEXORA_RT_SECRET="x" * 32,
        NEXORA_RT_MAX_STREAMS=12000,
        NEXORA_RT_MAX_STREAMS_PER_USER=100000,
    )
    rt.init_app(app)
    return app
