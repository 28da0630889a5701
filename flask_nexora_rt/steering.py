"""Reaches the worker that holds a stream, from whichever worker is asked.

A socket id names its worker. A command for another worker goes through the ephemeral stream,
which every worker reads, and so does its answer: at most once, and a missing answer is told.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import uuid4

from .errors import NexoraError, NotFound, Overloaded
from .events import Event
from .log import EventLog

logger = logging.getLogger(__name__)

COMMAND: Final = "#command"
ANSWER: Final = "#answer"
_ANSWER_SECONDS = 2.0
_MOST_ASIDE = 100
_BUSY: Final = {"busy": True}

# Called with a socket id and a body; returns the answer, or None when there is no such stream.
Action = Callable[[str, dict[str, Any]], dict[str, Any] | None]


class Steering:
    """Commands to streams by socket id. ``_lock`` guards ``_waiting``.

    ``actions`` are run by the worker that holds the stream. A command from another worker comes
    with the log: those of ``slow_actions`` may wait for the log to be read on, and so each gets
    a thread. ``wait_for_start`` returns once answers are heard.
    """

    def __init__(self, log: EventLog, worker: int, wait_for_start: Callable[[], None]) -> None:
        self._log = log
        self._worker = str(worker)
        self._wait_for_start = wait_for_start
        self.actions: dict[str, Action] = {}
        self.slow_actions: dict[str, Action] = {}
        self._aside = threading.BoundedSemaphore(_MOST_ASIDE)
        self._lock = threading.Lock()
        self._waiting: dict[str, Waiter] = {}

    def call(self, socket_id: str, action: str, body: dict[str, Any]) -> dict[str, Any]:
        """Run an action on the stream and return its answer.

        Raises `NotFound` when no worker has the stream (any more), `BrokerUnavailable`, and
        `Overloaded` when 100 slow calls of other workers are under way at the one that has it.
        """
        worker = socket_id.partition(".")[0]
        if worker == self._worker:
            answer = self._perform(socket_id, action, body)
        else:
            answer = self._ask(worker, {"socket_id": socket_id, "action": action, "body": body})
        if answer is None:
            raise NotFound("no open stream has this socket_id: open a new stream")
        if answer == _BUSY:
            raise Overloaded("the worker that holds the stream is busy: try again")
        return answer

    def _perform(self, socket_id: str, action: str, body: dict[str, Any]) -> dict[str, Any] | None:
        return (self.actions | self.slow_actions)[action](socket_id, body)

    def _ask(self, worker: str, command: dict[str, Any]) -> dict[str, Any] | None:
        # Until this worker reads the log it would not hear the answer.
        self._wait_for_start()
        waiter = Waiter()
        call_id = uuid4().hex
        with self._lock:
            self._waiting[call_id] = waiter
        try:
            message = {**command, "from": self._worker, "call": call_id}
            self._send(COMMAND, worker, message)
            return waiter.wait(_ANSWER_SECONDS)
        finally:
            with self._lock:
                del self._waiting[call_id]

    def _send(self, name: str, worker: str, message: dict[str, Any]) -> None:
        # The key addresses it: workers it is not for need not read the message.
        self._log.emit([Event((), name, json.dumps(message).encode(), key=worker)])

    def on_command(self, event: Event) -> None:
        """Another worker asks; runs outside the hub's locks."""
        if event.key != self._worker:
            return
        message = json.loads(event.data)
        if message["action"] not in self.slow_actions:
            self._answer(message)
        elif self._aside.acquire(blocking=False):
            threading.Thread(
                target=self._answer_aside, args=(message,), name="nexora-rt-steering", daemon=True
            ).start()
        else:
            self._reply(message, _BUSY)

    def _answer_aside(self, message: dict[str, Any]) -> None:
        try:
            self._answer(message)
        except NexoraError as error:
            logger.warning("a command is not answered: %s", error)
        except Exception:
            logger.exception("a command to a stream failed")
        finally:
            self._aside.release()

    def _answer(self, message: dict[str, Any]) -> None:
        answer = self._perform(message["socket_id"], message["action"], message["body"])
        self._reply(message, answer)

    def _reply(self, message: dict[str, Any], answer: Mapping[str, Any] | None) -> None:
        self._send(ANSWER, message["from"], {"call": message["call"], "answer": answer})

    def on_answer(self, event: Event) -> None:
        """A worker has answered."""
        if event.key != self._worker:
            return
        message = json.loads(event.data)
        with self._lock:
            waiter = self._waiting.get(message["call"])
        if waiter is not None:
            waiter.tell(message["answer"])


class Waiter:
    """One answer that somebody waits for."""

    def __init__(self) -> None:
        self._told = threading.Event()
        self._answer: dict[str, Any] | None = None

    def tell(self, answer: dict[str, Any] | None) -> None:
        self._answer = answer
        self._told.set()

    def wait(self, seconds: float) -> dict[str, Any] | None:
        """Return the answer; None when it does not come in time, or is that there is none."""
        self._told.wait(seconds)
        return self._answer
