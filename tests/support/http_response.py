"""An HTTP/1.1 response read from bytes that arrive bit by bit."""


class HttpResponse:
    """Feed it what the socket gives; it hands back the body, without the framing.

    `status` is None until the head is complete. `complete` turns true at the end of a chunked
    or counted body; a body without framing ends with the connection.
    """

    def __init__(self) -> None:
        self.status: int | None = None
        self.headers: dict[str, str] = {}
        self.complete = False
        self._buffer = b""
        self._chunked = False
        self._left: int | None = None

    def feed(self, data: bytes) -> bytes:
        """The body bytes that `data` adds."""
        self._buffer += data
        if self.status is None and not self._read_head():
            return b""
        if self._chunked:
            return b"".join(self._chunks())
        return self._plain()

    def _read_head(self) -> bool:
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return False
        status_line, *lines = head.decode("latin-1").split("\r\n")
        self.headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        self.status, self._buffer = int(status_line.split(" ", 2)[1]), rest
        self._chunked = self.headers.get("transfer-encoding", "").lower() == "chunked"
        if "content-length" in self.headers:
            self._left = int(self.headers["content-length"])
        return True

    def _plain(self) -> bytes:
        body, self._buffer = self._buffer, b""
        if self._left is not None:
            self._left -= len(body)
            self.complete = self._left <= 0
        return body

    def _chunks(self) -> list[bytes]:
        chunks = []
        while not self.complete:
            size_line, separator, rest = self._buffer.partition(b"\r\n")
            size = int(size_line.split(b";")[0], 16) if separator else 0
            if not separator or len(rest) < size + 2:
                break
            chunks.append(rest[:size])
            self._buffer = rest[size + 2 :]
            self.complete = size == 0
        return chunks
