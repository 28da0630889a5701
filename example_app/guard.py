"""Other sites may not act with our visitors' sessions."""

from urllib.parse import urlsplit

from flask import abort, request

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


def refuse_other_sites() -> None:
    """403 for a write that a page of another site has caused; programs that are no browser pass."""
    if request.method in SAFE_METHODS:
        return
    origin = request.headers.get("Origin")
    from_elsewhere = origin is not None and urlsplit(origin).netloc != request.host
    if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site") or from_elsewhere:
        abort(403, "This has to come from a page of this site.")
