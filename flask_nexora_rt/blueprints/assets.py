"""``/realtime/assets``: the browser client, cached for ever under URLs that change with it."""

from __future__ import annotations

import gzip
import hashlib
import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, current_app, request, url_for
from markupsafe import Markup
from werkzeug.datastructures import Headers

from ..errors import NotFound
from ..packing import pack

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

STATIC = Path(str(files("flask_nexora_rt"))) / "static"
DOOR = "nexora-rt.js"
# Each served as one module, which imports those before it.
PACKED = (
    DOOR,
    "nexora-stores.js",
    "nexora-elements.js",
    "nexora-rt-react.js",
    "nexora-chat.js",
)
ENDPOINT = "nexora_rt_assets.asset"
_FOREVER = 31_536_000
# Not asked of the machine: its table may know no JavaScript, and takes .ts for video.
_TYPES = {".js": "text/javascript", ".ts": "text/plain", ".css": "text/css"}


class AssetResponse(Response):
    """The same for everybody: what sessions add to each response must not be in a shared cache."""

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        headers = super().get_wsgi_headers(environ)
        headers["Vary"] = "Accept-Encoding"
        headers.remove("Set-Cookie")
        return headers


def make_blueprints(prefix: str) -> list[Blueprint]:
    blueprint = Blueprint("nexora_rt_assets", __name__)
    blueprint.add_url_rule(f"{prefix}/realtime/assets/<path:name>", "asset", view_func=asset)
    blueprint.add_app_template_global(nexora_rt_script)
    blueprint.add_app_template_global(nexora_rt_asset)
    return [blueprint]


@cache
def bodies() -> dict[str, bytes]:
    """Return what is served, by name: the files, and the modules that pages load in one each."""
    found = {
        file.relative_to(STATIC).as_posix(): file.read_bytes()
        for file in sorted(STATIC.rglob("*"))
        if file.suffix in _TYPES
    }

    def packed(name: str) -> bytes:
        apart = PACKED[: PACKED.index(name)]
        return pack(name, lambda path: found[path].decode(), apart).encode()

    return found | {name: packed(name) for name in PACKED}


@cache
def compressed(name: str) -> bytes:
    """Return the file's body in gzip."""
    return gzip.compress(bodies()[name], 9, mtime=0)


@cache
def version() -> str:
    """Return what stands in the URLs: a digest of all files, so that it changes with any."""
    digest = hashlib.sha256()
    for name, body in bodies().items():
        digest.update(name.encode() + b"\0" + body)
    return digest.hexdigest()[:12]


@cache
def lasting(name: str) -> bytes:
    """Return the module under its URL without a version: it passes on that of today.

    A browser takes two URLs for two modules. So a script that cannot know the version, as it is a
    plain file, still gets the client that the page has already.
    """
    passed_on = f"./{version()}/{name}"
    lines = [f'export * from "{passed_on}";']
    if re.search(rb"^export default", bodies()[name], re.MULTILINE):
        lines.append(f'export {{ default }} from "{passed_on}";')
    return "\n".join([*lines, ""]).encode()


def asset(name: str) -> Response:
    """Answer a file: for good under today's version, else to be asked for again each time."""
    if name in bodies() and name.endswith(".js") and "/" not in name:
        return _answer(name, lasting(name), is_current=False)
    first, _, rest = name.partition("/")
    # Any other first part may be the version before an update, of a page that is still open.
    found = next((path for path in (name, rest) if path in bodies()), None)
    if found is None:
        raise NotFound
    zipped = request.accept_encodings["gzip"] > 0
    body = compressed(found) if zipped else bodies()[found]
    return _answer(found, body, is_current=first == version(), zipped=zipped)


def _answer(name: str, body: bytes, is_current: bool, zipped: bool = False) -> Response:
    response = AssetResponse(body)
    response.content_type = f"{_TYPES[Path(name).suffix]}; charset=utf-8"
    if zipped:
        response.content_encoding = "gzip"
    lasts = f"public, max-age={_FOREVER}, immutable"
    response.headers["Cache-Control"] = lasts if is_current else "no-cache"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.add_etag()
    response.make_conditional(request)
    return response


def nexora_rt_asset(name: str = DOOR) -> str:
    """Return the URL of one of the client's files, for an ``import`` or a ``link``."""
    return url_for(ENDPOINT, name=f"{version()}/{name}")


def nexora_rt_script(name: str = DOOR, **options: Any) -> Markup:
    """Write the script tag of the client: ``{{ nexora_rt_script() }}`` in a template.

    No inline script, so a Content-Security-Policy of ``script-src 'self'`` allows it. ``options``
    become ``data-`` attributes. The page's later scripts find the class in ``window.NexoraRT``.
    """
    settings = current_app.extensions["nexora_rt"].settings
    given = {"nexora-rt": "", "url": request.script_root + settings.url_prefix, **options}
    data = [Markup(' data-{}="{}"').format(key.replace("_", "-"), v) for key, v in given.items()]
    tag = Markup('<script type="module" src="{}"{}></script>')
    return tag.format(nexora_rt_asset(name), Markup().join(data))
