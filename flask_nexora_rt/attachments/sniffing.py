"""What a file's bytes are, whatever it is called. Pure; no pixel is ever decoded."""

from __future__ import annotations

import io
import re
from typing import IO, Final

SAFE_IMAGES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"})
UNKNOWN: Final = "application/octet-stream"
TEXT: Final = "text/plain"

_HEAD_BYTES: Final = 8192
# "Binary data bytes" and byte order marks: mimesniff.spec.whatwg.org, sections 3 and 7.2.
_BINARY: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_UTF16_MARKS: Final = (b"\xfe\xff", b"\xff\xfe")
# Formats that may be all text; any other signature in front of text is a coincidence or a trick.
_WRITTEN_AS_TEXT: Final = frozenset(
    {"application/pdf", "application/rtf", "application/postscript"}
)
# An animated PNG is a PNG to every reader.
_PLAIN_NAMES: Final = {"image/apng": "image/png"}
_MAX_READS: Final = 4096
_MAX_HEADER_BYTES: Final = 512 * 1024


def sniff_type(file: IO[bytes]) -> str:
    """Return the MIME type of a seekable file by its first 8 KiB.

    Markup and scripts (HTML, SVG, XML, JavaScript) are ``text/plain``, never a type that a
    browser would run; what nobody knows is ``application/octet-stream``.
    """
    import filetype

    file.seek(0)
    head = file.read(_HEAD_BYTES)
    kind = filetype.guess(head)
    found = None if kind is None else str(kind.mime)
    if not _BINARY.search(head):
        return found if found in _WRITTEN_AS_TEXT else TEXT
    if found is None:
        return TEXT if head.startswith(_UTF16_MARKS) else UNKNOWN
    return _PLAIN_NAMES.get(found, found)


def image_size(file: IO[bytes]) -> tuple[int, int] | None:
    """Return an image's (width, height) in pixels as it is shown; None when its header is damaged.

    Reads the header only, and of that at most 512 KiB in 4,096 reads: a header may be made to be
    walked through for seconds.
    """
    import imagesize

    width, height = imagesize.get(_Bounded(file))
    return (int(width), int(height)) if width > 0 and height > 0 else None


class _Bounded:
    """A file of which only so much can be read; past that it raises OSError."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._reads = _MAX_READS
        self._bytes = _MAX_HEADER_BYTES

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(self._bytes + 1 if size < 0 else min(size, self._bytes + 1))
        self._reads -= 1
        self._bytes -= len(data)
        if self._reads < 0 or self._bytes < 0:
            raise OSError("the image's header is too long")
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()
