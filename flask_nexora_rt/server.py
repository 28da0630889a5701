"""What the WSGI server around us can do: its stream limits, and how its workers end."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any

from .errors import NotServable

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

logger = logging.getLogger(__name__)


@dataclass
class _Process:
    """What is known of this process. ``request_slots``: set by the gunicorn helper."""

    request_slots: int | None = None
    sigterm_pid: int | None = None


_process = _Process()


def descriptor_limit() -> int | None:
    """Return how many files and sockets this process may have open, None when unlimited."""
    try:
        import resource
    except ImportError:
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def stream_limit(wanted: int | None) -> int:
    """Return how many streams this worker takes, so that pages always have a descriptor left."""
    limit = descriptor_limit() or 1_000_000
    most = max(1, limit - max(64, limit // 10))
    return min(most, wanted or most)


def reserve_request_slots(slots: int, threads: bool) -> None:
    """Say how many requests this worker serves at once; some of them stay free for pages."""
    _process.request_slots = max(1, slots - max(1, slots // (5 if threads else 10)))


def request_slot_limit() -> int | None:
    """Return how many streams may hold a request slot (the wsgi transport), None: unknown."""
    return _process.request_slots


def require_concurrency(environ: WSGIEnvironment) -> None:
    """Raise `NotServable` on a server that serves one request at a time.

    A stream would hold it for ever. Flask's test client is no server and passes.
    """
    if environ.get("wsgi.multithread") or "SERVER_SOFTWARE" not in environ:
        return
    logger.error("streams need concurrent workers: run gunicorn with -k gevent or -k gthread")
    raise NotServable(
        "this server handles one request at a time: run gunicorn with -k gevent "
        "(pip install 'flask-nexora-rt[server]') or -k gthread, or flask run with threads"
    )


def drain_on_sigterm(drain: Callable[[], None]) -> None:
    """Drain before the worker's own SIGTERM handler runs; needs no gunicorn helper.

    Only in the main thread of a gevent worker: there our sockets are nobody else's, and the
    worker would exit within a second. Other workers wait for their threads themselves.
    """
    if _process.sigterm_pid == os.getpid() or not _in_gevent_main_thread():
        return
    previous = signal.getsignal(signal.SIGTERM)
    if not callable(previous):
        return
    _process.sigterm_pid = os.getpid()
    signal.signal(signal.SIGTERM, _draining_handler(drain, previous))


def _draining_handler(
    drain: Callable[[], None], previous: Callable[[int, FrameType | None], Any]
) -> Callable[[int, FrameType | None], None]:
    import gevent

    def drain_and_exit(signum: int, frame: FrameType | None) -> None:
        try:
            drain()
        finally:
            previous(signum, frame)

    def handler(signum: int, frame: FrameType | None) -> None:
        # It interrupts anything, gevent's own loop too: nothing may block or switch here.
        gevent.spawn(drain_and_exit, signum, frame)

    return handler


def _in_gevent_main_thread() -> bool:
    if "gevent" not in sys.modules:
        return False
    from gevent import monkey

    # Greenlets look like threads; on Linux the first OS thread has the id of its process.
    patched = bool(monkey.is_module_patched("threading"))
    return patched and threading.get_native_id() == os.getpid()
