"""Types of notifications: what each must be given, and what it says. Pure."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, NamedTuple, get_args

from pydantic import BaseModel, ValidationError

from ..errors import ConfigurationError, InvalidFields
from .templates import MAX_TEXT, MAX_TITLE, names_in, render_text, render_url

Level = Literal["info", "success", "warning", "error"]
# One text, or one by locale; the first one is what readers of other locales see.
Text = str | Mapping[str, str]
DEFAULT_LOCALE: Final = "en"
# What a template may use besides its parameters: how many the notification stands for.
COUNT: Final = "count"
# A hundred years: dates end somewhere.
MAX_SECONDS: Final = 3_155_760_000


class Rendered(NamedTuple):
    """What a reader sees."""

    title: str
    message: str
    icon: str
    url: str | None


@dataclass(frozen=True)
class NotificationType:
    """One type.

    ``required`` and ``optional``: the names of its parameters; a missing or an unknown one is an
    error at send. ``ttl``: seconds until a notification expires. ``group_key``: a template;
    within ``group_seconds`` an unread notification with the same key is updated instead of
    joined by another. ``critical``: cannot be muted. ``schema``: a pydantic model that checks
    the parameters, instead of their names alone. ``defaults``: of optional parameters, else None.
    """

    key: str
    title: Text
    message: Text
    icon: str = ""
    url: str | None = None
    category: str = "other"
    level: Level = "info"
    critical: bool = False
    ttl: float | None = None
    group_key: str | None = None
    group_seconds: float = 3600
    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    schema: type[BaseModel] | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def check(self, data: object) -> dict[str, Any]:
        """Return the parameters. Raises `InvalidFields` that names each wrong one."""
        if data is not None and not isinstance(data, Mapping):
            raise InvalidFields({"data": "must be an object"})
        given = dict(data or {})
        if self.schema is not None:
            return _validate(self.schema, given)
        known = self.required | self.optional
        wrong = {f"data.{name}": "is missing" for name in self.required - given.keys()}
        wrong |= {f"data.{name}": f"is unknown to {self.key}" for name in given.keys() - known}
        if wrong:
            raise InvalidFields(wrong)
        return given

    def render(
        self, params: Mapping[str, Any], locale: str | None = None, count: int = 1
    ) -> Rendered:
        """Write it in a locale such as ``de-AT``, else in its language, else in the first one."""
        values = {**self._known(params), COUNT: count}
        return Rendered(
            render_text(_text_for(self.title, locale), values, MAX_TITLE),
            render_text(_text_for(self.message, locale), values, MAX_TEXT),
            self.icon,
            None if self.url is None else render_url(self.url, values),
        )

    def group_of(self, params: Mapping[str, Any]) -> str | None:
        """Return what notifications of one group have in common; None: it stands alone."""
        if self.group_key is None:
            return None
        return f"{self.key}:{render_text(self.group_key, self._known(params), 180)}"

    def _known(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return {**dict.fromkeys(self.optional), **self.defaults, **params}


def _validate(schema: type[BaseModel], given: dict[str, Any]) -> dict[str, Any]:
    unknown = given.keys() - schema.model_fields.keys()
    try:
        checked = schema.model_validate(given)
    except ValidationError as error:
        wrong = {f"data.{'.'.join(map(str, p['loc']))}": p["msg"] for p in error.errors()}
        raise InvalidFields(wrong) from None
    if unknown:
        raise InvalidFields({f"data.{name}": "is unknown" for name in unknown})
    return checked.model_dump(mode="json")


def _text_for(text: Text, locale: str | None) -> str:
    if isinstance(text, str):
        return text
    wishes = [] if locale is None else [locale, locale.replace("_", "-").partition("-")[0]]
    for wanted in wishes:
        if wanted in text:
            return text[wanted]
    return next(iter(text.values()))


class TypeRegistry:
    """Types by key."""

    def __init__(self, types: Iterable[NotificationType] = ()) -> None:
        self._types = {kind.key: kind for kind in types}
        self._own: set[str] = set()

    def find(self, key: str) -> NotificationType | None:
        return self._types.get(key)

    def get(self, key: object) -> NotificationType:
        """Return a type. Raises `InvalidFields` when there is none of that key."""
        found = self._types.get(key) if isinstance(key, str) else None
        if found is None:
            raise InvalidFields({"type": f"{str(key)[:60]!r} is no notification type"})
        return found

    def all(self) -> list[NotificationType]:
        """Return all types, by key."""
        return [self._types[key] for key in sorted(self._types)]

    @property
    def categories(self) -> set[str]:
        return {kind.category for kind in self._types.values()}

    def declare(
        self, key: str, params: Iterable[str] | None, optional: Iterable[str], **rest: Any
    ) -> Callable[[Any], Any]:
        """Add the host's own type, or replace a built-in one; see `NotificationService.type`."""
        kind = NotificationType(key, optional=frozenset(optional), **rest)
        named = _names_of(kind) - kind.optional if params is None else set(params)
        self._add(replace(kind, required=frozenset(named)))
        return lambda parameters: self._describe(key, parameters)

    def _add(self, kind: NotificationType) -> None:
        problem = _problem_with(kind)
        if kind.key in self._own:
            problem = "has been declared already"
        if problem:
            raise ConfigurationError([f"the notification type {kind.key!r} {problem}"])
        _try_out(kind)
        self._own.add(kind.key)
        self._types[kind.key] = kind

    def _describe(self, key: str, parameters: Any) -> Any:
        """Take the parameters from a pydantic model, or from a function's signature."""
        kind = self._types[key]
        if isinstance(parameters, type) and issubclass(parameters, BaseModel):
            fields = parameters.model_fields
            optional = frozenset(n for n, field in fields.items() if not field.is_required())
            required = frozenset(fields) - optional
            kind = replace(kind, schema=parameters, required=required, optional=optional)
        else:
            signature = inspect.signature(parameters).parameters.values()
            defaults = {p.name: p.default for p in signature if p.default is not p.empty}
            required = frozenset(p.name for p in signature) - defaults.keys()
            kind = replace(kind, required=required, optional=frozenset(defaults), defaults=defaults)
        problem = _problem_with(kind)
        if problem:
            raise ConfigurationError([f"the notification type {key!r} {problem}"])
        self._types[key] = kind
        return parameters


def _texts(text: Text) -> list[str]:
    return [text] if isinstance(text, str) else list(text.values())


def _names_of(kind: NotificationType) -> set[str]:
    """Return the parameters that its templates use."""
    sources = [*_texts(kind.title), *_texts(kind.message), kind.url or "", kind.group_key or ""]
    return set().union(*map(names_in, sources)) - {COUNT}


def _problem_with(kind: NotificationType) -> str | None:
    if not kind.key or len(kind.key) > 64 or not _texts(kind.title) or not _texts(kind.message):
        return "needs a key of 1 to 64 characters, a title and a message"
    if len(kind.icon) > 64 or not 0 < len(kind.category) <= 64:
        return "needs a category and an icon of at most 64 characters"
    if not all(_is_duration(one) for one in (kind.ttl, kind.group_seconds) if one is not None):
        return "needs a ttl and group_seconds in seconds, more than 0"
    if COUNT in kind.required | kind.optional:
        return f"has a parameter {COUNT!r}: that is how many a notification stands for"
    if kind.level not in get_args(Level):
        return f"has the level {kind.level!r}: use one of {', '.join(get_args(Level))}"
    unknown = _names_of(kind) - kind.required - kind.optional
    return f"uses parameters that it does not have: {sorted(unknown)}" if unknown else None


def _is_duration(seconds: object) -> bool:
    return isinstance(seconds, int | float) and 0 < seconds <= MAX_SECONDS


def _try_out(kind: NotificationType) -> None:
    """Find what reaches for Python objects at registration, not at the first send."""
    values = dict.fromkeys(kind.required, "x")
    for attempt in (kind.render, kind.group_of):
        try:
            attempt(values)
        except InvalidFields:
            continue  # its parameters are no texts: only a send can tell
