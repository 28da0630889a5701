"""Config helper for gunicorn: streams that end cleanly when a worker ends.

Use it as the config file, ``gunicorn -c python:flask_nexora_rt.gunicorn ...``, or import its
names into your own ``gunicorn.conf.py``::

    from flask_nexora_rt.gunicorn import post_worker_init, worker_exit

gunicorn has no hook at the start of a graceful stop, counts a stream as a request
(``max_requests``), and does not wait for sockets that were handed over: so this watches the
worker and drains before it leaves.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from typing import Any

from . import server
from .runtime import drain
from .scheduling import scheduler

worker_class = "gevent"

_WATCH_SECONDS = 0.1


def post_worker_init(worker: Any) -> None:
    """Called in each new worker, after the app is loaded."""
    share_access_log(worker)
    server.reserve_request_slots(*_request_slots(worker))
    # What is loaded stays: the collector need not walk it, and pauses deliveries less.
    gc.collect()
    gc.freeze()
    threading.Thread(target=_watch, args=(worker,), name="nexora-rt-drain", daemon=True).start()
    scheduler.start_all()


def worker_exit(arbiter: Any, worker: Any) -> None:
    """Called in a worker that is leaving: whatever made it leave, its streams end first."""
    scheduler.stop_all()
    drain()
    gc.unfreeze()


def _watch(worker: Any) -> None:
    """Drain as soon as the worker has been told to stop, while it still serves requests."""
    while worker.alive:
        time.sleep(_WATCH_SECONDS)
    scheduler.stop_all()
    drain()


def _request_slots(worker: Any) -> tuple[int, bool]:
    """Return how many requests the worker runs at once, and whether they are threads."""
    if "thread" in type(worker).__name__.lower():
        return int(worker.cfg.threads), True
    return int(worker.cfg.worker_connections), False


def share_access_log(worker: Any) -> None:
    """Write the line of an ended stream where gunicorn writes its access lines."""
    access = logging.getLogger("flask_nexora_rt.access")
    if worker.cfg.accesslog and not access.handlers:
        access.handlers = list(worker.log.access_log.handlers)
        access.setLevel(logging.INFO)
        access.propagate = False
