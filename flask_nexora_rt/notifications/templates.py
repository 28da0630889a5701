"""Texts of notifications: Jinja2 in a sandbox, plain text out. Pure.

A template is the host's code, its parameters are anybody's: so parameters are never read as
templates, reach no Python objects, and are percent-encoded inside URLs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

from jinja2 import StrictUndefined, Template, TemplateError, meta
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ..errors import ConfigurationError, InvalidFields

MAX_TITLE: Final = 200
MAX_TEXT: Final = 2000
MAX_URL: Final = 2000

# A path of this site (not `//host` or `/\host`, which browsers read as another one), or http(s).
_URL = re.compile(r"(?:/(?![/\\])|https?://[^\s/\\?#@]+(?:[/?#]|$))[^\s\\\x00-\x1f\x7f]*")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class _Link(str):
    """A parameter that is a whole URL: checked at the end, not encoded."""

    __slots__ = ()


def _encode(value: Any) -> Any:
    return value if isinstance(value, _Link | StrictUndefined) else quote(str(value), safe="")


_TEXTS = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
_URLS = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, finalize=_encode)
_URLS.filters["link"] = _Link


def names_in(source: str) -> set[str]:
    """Return the names of the parameters in a template. Raises `ConfigurationError`."""
    try:
        # This one knows the filters of both.
        return meta.find_undeclared_variables(_URLS.parse(source))
    except TemplateError as error:
        raise ConfigurationError(
            [f"the template {source[:60]!r} cannot be read: {error}"]
        ) from None


@lru_cache(maxsize=1024)
def _compiled(source: str, is_url: bool) -> Template:
    return (_URLS if is_url else _TEXTS).from_string(source)


def _render(source: str, params: Mapping[str, Any], is_url: bool = False) -> str:
    try:
        return _compiled(source, is_url).render(params)
    except SecurityError as error:
        # The host's fault, whoever calls: the type has to be mended.
        problem = f"the template {source[:60]!r} reaches for what templates may not have: {error}"
        raise ConfigurationError([problem]) from None
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        problem = f"does not fit the template {source[:60]!r}: {error}"
        raise InvalidFields({"data": problem}) from None


def render_text(source: str, params: Mapping[str, Any], limit: int) -> str:
    """Return plain text of at most ``limit`` characters; a longer one ends with an ellipsis.

    Raises `InvalidFields` when the parameters do not fit, `ConfigurationError` when the template
    reaches for more than its parameters.
    """
    text = _CONTROL.sub(" ", _render(source, params)).strip()
    return text if len(text) <= limit else text[: limit - 1] + "…"


def render_url(source: str, params: Mapping[str, Any]) -> str | None:
    """Return a path of this site or an http(s) URL, None when the template writes nothing.

    Raises `InvalidFields` for anything else.
    """
    url = _render(source, params, is_url=True).strip()
    if not url:
        return None
    if len(url) > MAX_URL or not _URL.fullmatch(url):
        raise InvalidFields(
            {"data": "its url must be a path of this site (/...) or start with http(s)://"}
        )
    return url
