"""The head of the log, asked once for all who want to know it."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future

from ..errors import BrokerUnavailable
from ..events import Position
from .base import EventLog

logger = logging.getLogger(__name__)

_PAUSE_SECONDS = 0.01


class ReadIndex:
    """How far a worker must have read to show nothing that was out of date when it was asked.

    That is the log's head at some moment after the question: Raft's read index (Ongaro,
    "Consensus: Bridging Theory and Practice", 6.4). At most one request is under way; all who
    ask meanwhile, and during the pause after it, share the next one. So a storm of reconnects
    costs each worker's log at most 100 requests a second, however many streams come back.

    ``_lock`` guards ``_next`` and ``_asking``. The log is asked by a thread that ends when
    nobody wants to know: a caller's own could be killed by its server while others wait for it.
    """

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._next: Future[Position] | None = None
        self._asking = False

    def get(self, timeout: float) -> Position | None:
        """Return the head; None when the broker does not tell it within ``timeout`` seconds."""
        try:
            return self._enter().result(timeout)
        except (BrokerUnavailable, TimeoutError):
            return None

    def _enter(self) -> Future[Position]:
        """Return the answer to a request that has not been sent yet."""
        with self._lock:
            if self._next is None:
                if not self._asking:
                    thread = threading.Thread(
                        target=self._run, name="nexora-rt-read-index", daemon=True
                    )
                    thread.start()
                    self._asking = True
                self._next = Future()
            return self._next

    def _run(self) -> None:
        while (answer := self._close()) is not None:
            self._ask(answer)
            time.sleep(_PAUSE_SECONDS)

    def _close(self) -> Future[Position] | None:
        """Let nobody share this request any more: it is about to be sent."""
        with self._lock:
            answer, self._next = self._next, None
            self._asking = answer is not None
            return answer

    def _ask(self, answer: Future[Position]) -> None:
        try:
            answer.set_result(self._log.bounds().last)
        except BrokerUnavailable as error:
            logger.warning("the log does not tell its head: %s", error)
            answer.set_exception(error)
        except Exception as error:
            logger.exception("the log's head cannot be asked for")
            answer.set_exception(error)
