"""Small images, written by hand: what a reader of headers needs, and no more."""

from __future__ import annotations

import struct
import zlib


def png(width: int = 3, height: int = 2) -> bytes:
    """A grey PNG; past a few pixels only its header is true."""
    rows = b"".join(b"\0" + b"\x80" * min(width, 8) for _ in range(min(height, 8)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
            (b"IDAT", zlib.compress(rows)),
            (b"IEND", b""),
        )
    )


def gif(width: int = 3, height: int = 2) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0) + b"\x3b"


def jpeg(width: int = 3, height: int = 2, comment: bytes = b"") -> bytes:
    note = b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment if comment else b""
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"
    return b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0" + note + frame + b"\xff\xd9"


def webp(width: int = 3, height: int = 2) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunk = b"VP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + size
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


def avif(width: int = 3, height: int = 2) -> bytes:
    extent = box(b"ispe", b"\0\0\0\0" + struct.pack(">II", width, height))
    meta = box(b"meta", b"\0\0\0\0" + box(b"iprp", box(b"ipco", extent)))
    return box(b"ftyp", b"avif\0\0\0\0avifmif1") + meta + box(b"mdat", b"")


def box(kind: bytes, payload: bytes) -> bytes:
    """One box of an ISO base media file."""
    return struct.pack(">I", len(payload) + 8) + kind + payload
