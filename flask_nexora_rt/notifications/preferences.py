"""What a user wants to be told. Pure.

``{"global": bool, "categories": {name: bool}, "types": {name: bool}}``: true is wanted, and what
is not named is. The most specific word counts; critical types are told in any case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ..errors import InvalidFields
from .types import TypeRegistry

Said = tuple[str, str, bool]
_SCOPES: Final = {"categories": "category", "types": "type"}


def read_preferences(said: object, types: TypeRegistry) -> list[Said]:
    """Return ``(scope, name, wanted)`` for what a user says. Raises `InvalidFields`."""
    if not isinstance(said, Mapping):
        raise InvalidFields({"preferences": "must be an object"})
    wrong = {str(name): "is unknown" for name in said.keys() - {"global", *_SCOPES}}
    found: list[Said] = []
    if "global" in said:
        found.append(("global", "", said["global"]))
    for field, scope in _SCOPES.items():
        part = said.get(field, {})
        if not isinstance(part, Mapping):
            wrong[field] = "must be an object"
            continue
        found += [(scope, str(name), wanted) for name, wanted in part.items()]
    for scope, name, wanted in found:
        problem = _problem_with(scope, name, wanted, types)
        if problem:
            wrong[name or scope] = problem
    if wrong:
        raise InvalidFields(wrong)
    return found


def _problem_with(scope: str, name: str, wanted: object, types: TypeRegistry) -> str | None:
    if not isinstance(wanted, bool):
        return "must be true or false"
    if scope == "category" and name not in types.categories:
        return "is no category"
    if scope != "type":
        return None
    kind = types.find(name)
    if kind is None:
        return "is no type"
    return "is critical and cannot be muted" if kind.critical and not wanted else None


def write_preferences(said: Iterable[Said]) -> dict[str, Any]:
    """Write what a user has said as the contract does."""
    written: dict[str, Any] = {"global": True, "categories": {}, "types": {}}
    for scope, name, wanted in said:
        if scope == "global":
            written["global"] = wanted
        else:
            written["categories" if scope == "category" else "types"][name] = wanted
    return written
