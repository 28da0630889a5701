"""Other sites may not act with our visitors' sessions, and we do not send visitors there."""

import re
from urllib.parse import urlsplit

from flask import abort, request

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
# Browsers drop tabs and newlines and read a backslash as a slash: "/<tab>/other.example" leaves us.
_OWN_PATH = re.compile(r"/(?!/)[^\x00-\x20\x7f-\x9f\\]*")


def refuse_other_sites() -> None:
    """403 for a write that a page of another site has caused; programs that are no browser pass."""
    if request.method in SAFE_METHODS:
        return
    origin = request.headers.get("Origin")
    from_elsewhere = origin is not None and urlsplit(origin).netloc != request.host
    if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site") or from_elsewhere:
        abort(403, "This has to come from a page of this site.")


def is_own_path(path: str) -> bool:
    """Whether it leads to a page of this site, and no browser takes it for another one."""
    return _OWN_PATH.fullmatch(path) is not None
