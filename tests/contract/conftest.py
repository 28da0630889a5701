"""Every backend of the log, made the same way."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from flask_nexora_rt.events import Event
from flask_nexora_rt.log import EventLog, Limits
from flask_nexora_rt.log.memory import MemoryLog
from flask_nexora_rt.log.redis import RedisLog
from flask_nexora_rt.redis_client import RedisClient

MakeLog = Callable[..., EventLog]


@pytest.fixture(params=["memory", "redis"])
def make_log(request, redis_url, app_id) -> Iterator[MakeLog]:
    """Makes a new log: `make_log(events=10_000, seconds=300)`."""
    logs: list[EventLog] = []

    def make(events: int = 10_000, seconds: float = 300) -> EventLog:
        limits = Limits(events, seconds, 1 << 30)
        if request.param == "memory":
            logs.append(MemoryLog(limits))
        else:
            client = RedisClient(redis_url, timeout=5)
            logs.append(RedisLog(client, f"{app_id}-{len(logs)}", limits))
        return logs[-1]

    yield make
    for log in logs:
        log.close()


@pytest.fixture
def log(make_log: MakeLog) -> EventLog:
    """A new log with plenty of room."""
    return make_log()


def event(number: int = 0, *channels: str, **rest: object) -> Event:
    """An event whose data is its number."""
    return Event(channels or ("c-1",), "tick", str(number).encode(), **rest)


def numbers(entries: list) -> list[int]:
    """The numbers of these entries."""
    return [int(entry.event.data) for entry in entries]


class Follower:
    """Tails a log in a thread and keeps what it reads."""

    def __init__(self, log: EventLog, after) -> None:
        self.entries: list = []
        self.ephemeral: list[Event] = []
        self._tail = log.tail(after)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            batch = self._tail.read(0.05)
            self.entries += batch.entries
            self.ephemeral += batch.ephemeral

    def wait(self, entries: int = 0, ephemeral: int = 0, timeout: float = 10) -> None:
        """Wait until so much has been read, then stop."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if len(self.entries) >= entries and len(self.ephemeral) >= ephemeral:
                break
            time.sleep(0.01)
        self.stop()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        self._tail.close()
