"""An app whose one view asks the cache, for servers with several workers."""

import os
import time
from pathlib import Path

from flask import Flask

from flask_nexora_rt import NexoraRT

rt = NexoraRT()
app = Flask(__name__)
app.config.from_prefixed_env()
rt.init_app(app)


def make() -> str:
    """Takes a while and leaves a line."""
    with Path(os.environ["CACHE_RUNS"]).open("a") as file:
        file.write("run\n")
    time.sleep(0.3)
    return "made"


@app.get("/cold")
def cold() -> dict[str, object]:
    """The value and who answers."""
    value = rt.cache.get_or_set("cold", make, 60, lock_timeout=60)
    return {"value": value, "pid": os.getpid()}
