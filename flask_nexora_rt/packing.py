"""Puts the modules of the browser client into one, as it is served: one request, few bytes. Pure.

The modules on disk are plain ones that a browser can load as they are. This leaves out what only
their readers need (comments, indentation) and the imports between them. It knows the style they
are written in, not JavaScript: an import on one line, comments on lines of their own, no text over
several lines. Two modules with one name at the top would be a syntax error, which no test survives.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

_IMPORT = re.compile(
    r'import (?:\* as (?P<space>\w+)|\{(?P<names>.*)\}) from "(?P<path>\.{1,2}/[\w./-]+)";'
)
_EXPORT = re.compile(r"export (?:const|class|function|async function) (\w+)")
_COMMENT = ("//", "/**", "* ", "*/")


def pack(name: str, read: Callable[[str], str], apart: Iterable[str] = ()) -> str:
    """Return the module and all it imports as one; ``read`` gives the text of a path.

    Modules that are ``apart`` stay imports: those that several others have to share. They and the
    module itself lie in the same folder.
    """
    packing = _Packing(read, frozenset(apart))
    packing.add(name, is_root=True)
    return "\n".join([*packing.imports(), *packing.lines]) + "\n"


class _Packing:
    """The lines of the modules so far, and what is imported from modules that are apart."""

    def __init__(self, read: Callable[[str], str], apart: frozenset[str]) -> None:
        self.lines: list[str] = []
        self._read = read
        self._apart = apart
        self._seen: set[str] = set()
        self._names: dict[str, set[str]] = {}

    def add(self, path: str, is_root: bool = False) -> None:
        """Add a module after those that it imports."""
        self._seen.add(path)
        text = self._read(path)
        for found in filter(None, map(_IMPORT.fullmatch, text.splitlines())):
            self._import(_resolve(path, found["path"]), found)
        self.lines += (line if is_root else line.removeprefix("export ") for line in _body(text))

    def _import(self, path: str, found: re.Match[str]) -> None:
        if path in self._apart:
            given = map(str.strip, found["names"].split(","))
            self._names.setdefault(path, set()).update(given)
            return
        if path not in self._seen:
            self.add(path)
        if found["space"]:
            names = ", ".join(_EXPORT.findall(self._read(path)))
            self.lines.append(f"const {found['space']} = {{ {names} }};")

    def imports(self) -> list[str]:
        """Return the imports that stay."""
        return [
            f'import {{ {", ".join(sorted(names))} }} from "./{path}";'
            for path, names in self._names.items()
        ]


def _body(text: str) -> list[str]:
    stripped = (line.strip() for line in text.splitlines() if not _IMPORT.fullmatch(line))
    return [line for line in stripped if line and not line.startswith(_COMMENT) and line != "*"]


def _resolve(path: str, relative: str) -> str:
    """Return the path that an import in ``path`` means."""
    folders = path.split("/")[:-1]
    for part in relative.split("/"):
        if part == "..":
            folders.pop()
        elif part != ".":
            folders.append(part)
    return "/".join(folders)
