"""Drives the C load generator: many streams held open, or many connections opened and closed."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from . import processes
from .build import BINARY

Stats = dict[str, Any]
Options = Mapping[str, str | float]
LIMIT_SECONDS = "420"  # the generator ends by itself, whatever happens to its driver


FAULTS = ("holes", "repeats", "failures", "closed")


class LoadFailed(RuntimeError):
    """The generator did not reach the state that was waited for."""


class Conversation:
    """JSON lines from, and command lines to, one sseload process."""

    def __init__(self, mode: str, log: Path, options: Options, headers: Mapping[str, str]) -> None:
        command = [str(BINARY), mode, "--limit", LIMIT_SECONDS]
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        for name, text in headers.items():
            command += ["--header", f"{name}: {text}"]
        self._unread = b""
        self._process = processes.start(command, log, piped=True)

    def tell(self, line: str) -> None:
        """Send one command."""
        assert self._process.stdin
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def hear(self, state: str, seconds: float) -> Stats | None:
        """The next line whose state is ``state``, or None when it does not come in time."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            line = self._line(left)
            if line and line["state"] == state:
                return line
        return None

    def _line(self, seconds: float) -> Stats | None:
        # Not readline(): select() cannot see a line that already waits in a text buffer.
        assert self._process.stdout
        pipe = self._process.stdout
        if b"\n" not in self._unread and select.select([pipe], [], [], seconds)[0]:
            piece = os.read(pipe.fileno(), 65536)
            if not piece:
                raise LoadFailed(f"sseload ended with {self._process.wait()}")
            self._unread += piece
        if b"\n" not in self._unread:
            return None
        text, _, self._unread = self._unread.partition(b"\n")
        line: Stats = json.loads(text)
        return line

    def stop(self) -> None:
        """End the process."""
        processes.stop(self._process)

    def wait_output(self, seconds: float) -> Stats:
        """Everything a one-shot mode prints."""
        try:
            text, _ = self._process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as late:
            raise LoadFailed("sseload did not end in time") from late
        line: Stats = json.loads(text)
        return line


class Streams:
    """``count`` event streams, held open by one generator process (``with`` closes them)."""

    def __init__(
        self,
        port: int,
        path: str,
        headers: Mapping[str, str],
        count: int,
        log: Path,
        rate: int = 2000,
        inflight: int = 200,
    ) -> None:
        self.count = count
        options: Options = {"port": port, "path": path, "conns": count}
        self._talk = Conversation(
            "stream", log, {**options, "rate": rate, "inflight": inflight}, headers
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._talk.stop()

    def wait_ready(self, seconds: float) -> Stats:
        """Wait until every stream has had body bytes."""
        found = self._talk.hear("ready", seconds)
        if found is None:
            raise LoadFailed(f"not every stream opened within {seconds:.0f} s: {self.stats()}")
        return found

    def expect(self, base: int, count: int) -> None:
        """Begin a run: each stream shall get ``seq`` base .. base + count - 1, in order."""
        self._talk.tell(f"start {base} {count}")
        if self._talk.hear("started", 10) is None:
            raise LoadFailed("the generator did not begin the run")

    def stats(self) -> Stats:
        """Figures of the run so far."""
        self._talk.tell("stats")
        found = self._talk.hear("stats", 20)
        if found is None:
            raise LoadFailed("the generator does not answer")
        return found

    def finish(self, seconds: float) -> Stats:
        """Wait for every event on every stream; raise if one is missing, doubled or misplaced."""
        stats = self._talk.hear("done", seconds) or self.stats()
        faults = {name: stats[name] for name in FAULTS if stats[name]}
        if faults or stats["complete"] != self.count:
            complete = f"{stats['complete']} of {self.count} streams complete"
            raise LoadFailed(f"{complete} within {seconds:.0f} s, faults {faults}")
        return stats


def connect_loop(
    port: int, path: str, headers: Mapping[str, str], log: Path, **options: str | float
) -> Stats:
    """Open, wait for the answer, close, again; options are ``conns``, ``seconds``, ``until``."""
    talk = Conversation("connect", log, {"port": port, "path": path, **options}, headers)
    try:
        return talk.wait_output(float(options["seconds"]) + 20)
    finally:
        talk.stop()
