"""Reads event streams as browsers do: the parser of the HTML standard, section 9.2.6. Pure."""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import dataclass
from typing import Any

_LINE_END = re.compile("\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One dispatched event: its type, its data, and the last event id at that moment."""

    name: str
    data: str
    id: str

    def json(self) -> Any:
        """The data, decoded from JSON."""
        return json.loads(self.data)

    @property
    def channel(self) -> str | None:
        """The `channel` inside the JSON data; None for connection-level events."""
        value = self.json()
        return value.get("channel") if isinstance(value, dict) else None

    @property
    def payload(self) -> Any:
        """The `data` inside the JSON data."""
        return self.json()["data"]


class EventStreamParser:
    """Turns the bytes of one connection into events, however the bytes are cut into chunks.

    `last_event_id` is given for a reconnection: browsers keep the id across connections,
    and so an event without an `id` field still carries it.
    """

    def __init__(self, last_event_id: str = "") -> None:
        self.last_event_id = last_event_id
        self.retry_ms: int | None = None
        self.comments: list[str] = []
        # "utf-8-sig" drops one leading byte order mark and no second one, as the standard says.
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._partial_line = ""
        self._after_cr = False
        self._id_buffer = last_event_id
        self._type_buffer = ""
        self._data_buffer: list[str] = []

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The events that the chunk completes; an unterminated one waits for more bytes."""
        events = (self._take_line(line) for line in self._lines(self._decoder.decode(chunk)))
        return [event for event in events if event is not None]

    def _lines(self, text: str) -> list[str]:
        if not text:
            return []
        # A CR ended its line at once; an LF that follows in the next chunk is the same line end.
        continues = self._after_cr and text[0] == "\n"
        self._after_cr = text.endswith("\r")
        text = text[1:] if continues else text
        *lines, self._partial_line = _LINE_END.split(self._partial_line + text)
        return lines

    def _take_line(self, line: str) -> ServerSentEvent | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not name:
            self.comments.append(value)
        else:
            self._take_field(name, value)
        return None

    def _take_field(self, name: str, value: str) -> None:
        match name:
            case "event":
                self._type_buffer = value
            case "data":
                self._data_buffer.append(value)
            case "id" if "\0" not in value:
                self._id_buffer = value
            case "retry" if value.isascii() and value.isdigit():
                self.retry_ms = int(value)

    def _dispatch(self) -> ServerSentEvent | None:
        # The id moves first: a block with an id and no data is no event, but it moves the cursor.
        self.last_event_id = self._id_buffer
        lines, self._data_buffer = self._data_buffer, []
        name, self._type_buffer = self._type_buffer or "message", ""
        if not lines:
            return None
        return ServerSentEvent(name, "\n".join(lines), self.last_event_id)
