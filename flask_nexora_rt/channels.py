"""Channel names, patterns, and the registry that says who may hold which channel.

Pure: no Flask, no broker. Names follow Pusher's grammar (Pusher Channels, "Naming channels"):
at most 164 characters of ``A-Za-z0-9_-=@,.;``.
"""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .errors import InvalidName, PatternError

logger = logging.getLogger(__name__)

MAX_CHANNEL_LENGTH = 164
# The status of a refusal when the authorizer raised: not a no, but no yes either.
UNDECIDED = 500
GRAMMAR = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-=@,.;")
_CHANNEL = re.compile(rf"[A-Za-z0-9_\-=@,.;]{{1,{MAX_CHANNEL_LENGTH}}}")
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
# Ids that are written as they are.
_PLAIN = re.compile(r"[A-Za-z0-9_\-@,.;]+", re.ASCII)
_ESCAPE = re.compile(r"=([0-9a-f]{2})")

Authorizer = Callable[..., object]


def check_channel(name: object) -> str:
    """Return ``name`` when it is a channel name, else raise `InvalidName`."""
    if isinstance(name, str) and _CHANNEL.fullmatch(name):
        return name
    raise InvalidName(
        f"{str(name)[:60]!r} is not a channel name: use 1 to {MAX_CHANNEL_LENGTH} characters "
        "of A-Z a-z 0-9 _ - = @ , . ;"
    )


def escape_part(value: object, keep_dash: bool = True) -> str:
    """Write an id so that it fits into a channel name; `unescape_part` gives it back.

    Bytes outside the grammar, and ``=`` itself, become ``=xx`` (hex of the UTF-8 byte). With
    ``keep_dash=False`` so does ``-``, which makes names with two ids unambiguous.
    """
    text = str(value)
    if _PLAIN.fullmatch(text) and (keep_dash or "-" not in text):
        return text
    allowed = GRAMMAR - ({"="} if keep_dash else {"=", "-"})
    if not text or _LONE_SURROGATE.search(text):
        raise InvalidName("an id in a channel name is text that is not empty and is valid Unicode")
    return "".join(
        char if char in allowed else "".join(f"={byte:02x}" for byte in char.encode())
        for char in text
    )


def unescape_part(text: str) -> str:
    """Undo `escape_part`. Text that `escape_part` never writes is returned as it is."""
    raw = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    try:
        value = raw.encode("latin-1").decode("utf-8")
    except (UnicodeDecodeError, UnicodeEncodeError):
        return text
    canonical = value and text in (escape_part(value), escape_part(value, keep_dash=False))
    return value if canonical else text


class Converter(NamedTuple):
    """How one placeholder reads: its regex, and the characters it may consist of."""

    regex: str
    alphabet: frozenset[str]


_DIGITS = frozenset("0123456789")
CONVERTERS = {
    "str": Converter(r"[A-Za-z0-9_\-=@,.;]+", GRAMMAR),
    "part": Converter(r"[A-Za-z0-9_=@,.;]+", GRAMMAR - {"-"}),
    "int": Converter(r"(?:0|[1-9][0-9]*)", _DIGITS),
    "uuid": Converter(
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        frozenset("0123456789abcdef-"),
    ),
}
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?::([a-z]+))?\}")


class _Token(NamedTuple):
    """One step of a pattern: exactly one of ``alphabet``, or one or more when ``many``."""

    alphabet: frozenset[str]
    many: bool


@dataclass(frozen=True)
class Pattern:
    """A channel pattern such as ``guild-{guild_id}`` or ``dm-{a:part}-{b:part}``.

    Converters: ``str`` (default), ``part`` (no ``-``), ``int``, ``uuid``. Ids reach the
    authorizer unescaped. Raises `PatternError` when the text is no pattern.
    """

    text: str
    names: tuple[str, ...] = field(init=False)
    _regex: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _tokens: tuple[_Token, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names: list[str] = []
        regex: list[str] = []
        tokens: list[_Token] = []
        at = 0
        for match in _PLACEHOLDER.finditer(self.text):
            self._add_literal(self.text[at : match.start()], regex, tokens)
            converter = self._converter(match[2] or "str")
            names.append(match[1])
            regex.append(f"(?P<{match[1]}>{converter.regex})")
            tokens.append(_Token(converter.alphabet, many=True))
            at = match.end()
        self._add_literal(self.text[at:], regex, tokens)
        if len(set(names)) != len(names):
            raise PatternError(f"{self.text!r} names a placeholder twice")
        object.__setattr__(self, "names", tuple(names))
        object.__setattr__(self, "_regex", re.compile("".join(regex)))
        object.__setattr__(self, "_tokens", tuple(tokens))

    def _add_literal(self, text: str, regex: list[str], tokens: list[_Token]) -> None:
        if set(text) - GRAMMAR:
            raise PatternError(
                f"{self.text!r} is not a channel pattern: write literal text in the channel "
                "grammar and placeholders as {name} or {name:converter}"
            )
        regex.append(re.escape(text))
        tokens.extend(_Token(frozenset(char), many=False) for char in text)

    def _converter(self, name: str) -> Converter:
        if name not in CONVERTERS:
            known = ", ".join(sorted(CONVERTERS))
            raise PatternError(f"{self.text!r}: no converter {name!r}; there are {known}")
        return CONVERTERS[name]

    @property
    def specificity(self) -> tuple[int, int]:
        """Larger wins: more literal characters first, then narrower placeholders."""
        literals = sum(not token.many for token in self._tokens)
        return literals, -sum(len(token.alphabet) for token in self._tokens if token.many)

    def match(self, channel: str) -> dict[str, str] | None:
        """Return the unescaped ids of ``channel``, or None when it is another kind."""
        # Walking first costs the same for any name; the regex alone could be made to backtrack.
        found = self._regex.fullmatch(channel) if self._reads(channel) else None
        if found is None:
            return None
        return {name: unescape_part(value) for name, value in found.groupdict().items()}

    def _reads(self, channel: str) -> bool:
        """Say whether the tokens can read the name, in steps of one character."""
        places = {0}
        for char in channel:
            places = {
                place
                for at in places
                if at < len(self._tokens) and char in self._tokens[at].alphabet
                for place in ((at, at + 1) if self._tokens[at].many else (at + 1,))
            }
        return len(self._tokens) in places

    def overlaps(self, other: Pattern) -> bool:
        """Say whether some name matches both (walks both patterns side by side)."""
        mine, theirs = self._tokens, other._tokens
        todo, seen = [(0, 0)], {(0, 0)}
        while todo:
            i, j = todo.pop()
            if i == len(mine) and j == len(theirs):
                return True
            for step in _steps(mine, theirs, i, j):
                if step not in seen:
                    seen.add(step)
                    todo.append(step)
        return False


def _steps(
    mine: Sequence[_Token], theirs: Sequence[_Token], i: int, j: int
) -> Iterable[tuple[int, int]]:
    """Places two patterns can stand at after both have read one same character."""
    if i == len(mine) or j == len(theirs) or not mine[i].alphabet & theirs[j].alphabet:
        return
    for next_i in (i, i + 1) if mine[i].many else (i + 1,):
        for next_j in (j, j + 1) if theirs[j].many else (j + 1,):
            yield next_i, next_j


@dataclass(frozen=True)
class Rule:
    """Who may hold the channels of one pattern, and whether they may write messages there."""

    pattern: Pattern
    authorizer: Authorizer | None = None
    public: bool = False
    presence: bool = False
    conversation: bool = True


@dataclass(frozen=True)
class Grant:
    """The caller may hold ``channel``; ``user_info`` is what presence shows of them."""

    channel: str
    user_info: dict[str, Any] | None = None
    public: bool = False


@dataclass(frozen=True)
class Refusal:
    """The caller may not hold ``channel``: ``status`` is 401, 403, or 500 when a rule broke."""

    channel: str
    status: int

    @property
    def error(self) -> str:
        return {401: "Unauthorized", 403: "Forbidden"}.get(self.status, "Internal Server Error")


class ChannelRegistry:
    """Rules by pattern: the most specific one decides, and nothing is allowed without one."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []

    def add(self, rule: Rule) -> None:
        """Add a rule. Raises `PatternError` when another one would decide as well."""
        for known in self._rules:
            if known.pattern.specificity == rule.pattern.specificity and known.pattern.overlaps(
                rule.pattern
            ):
                raise PatternError(
                    f"{rule.pattern.text!r} and {known.pattern.text!r} are equally specific "
                    "and match the same names: make one of them longer or narrower"
                )
        if rule.authorizer is not None:
            check_signature(rule.pattern, rule.authorizer, "user")
        rules = sorted([*self._rules, rule], key=lambda r: r.pattern.specificity, reverse=True)
        self._rules = rules

    def find(self, channel: str) -> tuple[Rule, dict[str, str]] | None:
        """Return the rule that decides about ``channel`` and the ids in its name."""
        for rule in self._rules:
            ids = rule.pattern.match(channel)
            if ids is not None:
                return rule, ids
        return None

    def is_presence(self, channel: str) -> bool:
        """Say whether holding the channel makes its holder visible to the others."""
        found = self.find(channel)
        return channel.startswith("presence-") or (found is not None and found[0].presence)

    def is_conversation(self, channel: str) -> bool:
        """Say whether who holds the channel may read and write messages there."""
        found = self.find(channel)
        return found is not None and found[0].conversation

    def is_public(self, channel: str) -> bool:
        """Say whether everybody may hold the channel."""
        found = self.find(channel)
        return found is not None and found[0].public

    def authorize(self, channel: str, user: object | None) -> Grant | Refusal:
        """Decide for ``user`` (None: not signed in). An authorizer that raises denies."""
        found = self.find(channel)
        if found is not None and found[0].public:
            return Grant(channel, public=True)
        if user is None:
            return Refusal(channel, 401)
        if found is None or found[0].authorizer is None:
            return Refusal(channel, 403)
        return _ask(found[0].authorizer, channel, user, found[1])


def _ask(
    authorizer: Authorizer, channel: str, user: object, ids: dict[str, str]
) -> Grant | Refusal:
    try:
        answer = authorizer(user, **ids)
    except Exception:
        logger.exception("the authorizer of %s raised: denied", channel)
        return Refusal(channel, UNDECIDED)
    if answer is True:
        return Grant(channel)
    if isinstance(answer, dict):
        return Grant(channel, user_info=answer)
    return Refusal(channel, 403)


def check_signature(pattern: Pattern, function: Callable[..., object], *first: str) -> None:
    """Raise `PatternError` unless the host's function takes ``first`` and then the ids by name."""
    name = getattr(function, "__name__", repr(function))
    if inspect.iscoroutinefunction(function):
        raise PatternError(f"{name} of {pattern.text!r} must not be async: none is awaited")
    signature = inspect.signature(function)
    try:
        signature.bind(*first, **dict.fromkeys(pattern.names, ""))
    except TypeError as error:
        wanted = ", ".join((*first, *pattern.names))
        raise PatternError(f"{name}{signature} must take ({wanted}): {error}") from None
