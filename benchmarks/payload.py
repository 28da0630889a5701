"""The payload of every benchmark: a sequence number, a time stamp and padding."""

from __future__ import annotations

import json
import time
from typing import Any

PAYLOAD_BYTES = 150
Payload = dict[str, Any]


def payload(seq: int) -> Payload:
    """150 bytes of compact JSON: ``seq``, ``t`` (monotonic ns, now) and ``pad``."""
    data: Payload = {"seq": seq, "t": time.monotonic_ns(), "pad": ""}
    data["pad"] = "x" * (PAYLOAD_BYTES - len(encode(data)))
    return data


def encode(data: Payload) -> bytes:
    """Compact JSON."""
    return json.dumps(data, separators=(",", ":")).encode()
