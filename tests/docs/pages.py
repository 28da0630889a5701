"""The documentation as data: pages, their blocks, headings and links.

Two comments in a page concern its blocks, and readers do not see them::

    <!-- python            code that runs in its place: what the next block needs, or what
    assert answer == 1     has to be true after the last one
    -->
    <!-- file: app.py -->  the next block is this file; all files of a page are served together
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HIDDEN = "<!-- python"
_FILE = re.compile(r"<!-- file: (\S+) -->")
_FENCE = re.compile(r"```(\w*)")
_HEADING = re.compile(r"#{1,6} (.+)")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|<img [^>]*src=\"([^\"]+)\"")
_CODE = re.compile(r"`[^`]*`")


@dataclass(frozen=True)
class Block:
    """Code of a page; ``line`` is that of its first line, ``file`` the name it is given."""

    page: str
    line: int
    language: str
    text: str
    file: str | None = None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    def __str__(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def lines(self) -> list[str]:
        return self.path.read_text().splitlines()

    @cached_property
    def blocks(self) -> list[Block]:
        return list(self._read_blocks())

    def _read_blocks(self) -> Iterator[Block]:
        number, file = 0, None
        while number < len(self.lines):
            line = self.lines[number]
            fence = _FENCE.match(line)
            if fence or line.startswith(HIDDEN):
                end = self.lines.index("```" if fence else "-->", number + 1)
                text = "\n".join(self.lines[number + 1 : end]) + "\n"
                language = fence[1] if fence else "python"
                yield Block(str(self), number + 2, language, text, file)
                number = end
            named = _FILE.match(line)
            file = named[1] if named else None
            number += 1

    def of(self, *languages: str) -> list[Block]:
        """Its blocks in these languages."""
        return [block for block in self.blocks if block.language in languages]

    @property
    def files(self) -> dict[str, str]:
        """The files that the page writes, by name."""
        return {block.file: block.text for block in self.blocks if block.file}

    @cached_property
    def prose(self) -> list[str]:
        """Its lines without blocks and comments."""
        kept, until = [], None
        for line in self.lines:
            if until is not None:
                until = None if line == until else until
            elif _FENCE.match(line):
                until = "```"
            elif line.startswith(HIDDEN):
                until = "-->"
            else:
                kept.append(line)
        return kept

    @property
    def anchors(self) -> set[str]:
        """The names that GitHub gives to its headings."""
        found: set[str] = set()
        for match in filter(None, map(_HEADING.match, self.prose)):
            name = anchor = _anchor(match[1])
            count = 0
            while name in found:
                count += 1
                name = f"{anchor}-{count}"
            found.add(name)
        return found

    @property
    def links(self) -> list[str]:
        """Where its links and pictures lead."""
        text = "\n".join(_CODE.sub("``", line) for line in self.prose)
        return [link or picture for link, picture in _LINK.findall(text)]

    def table(self, *head: str) -> list[list[str]]:
        """The cells of its tables with this head, row by row."""
        rows: list[list[str]] = []
        inside = False
        for line in self.prose:
            cells = _cells(line) if line.startswith("|") else None
            if cells == list(head):
                inside = True
            elif cells is None:
                inside = False
            elif inside and set("".join(cells)) - set("-: "):
                rows.append(cells)
        return rows


def _cells(line: str) -> list[str]:
    cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
    return [cell.strip().replace("\\|", "|") for cell in cells]


def _anchor(heading: str) -> str:
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def page(name: str) -> Page:
    """A page by its path below the root."""
    return Page(ROOT / name)


README = page("README.md")
PAGES = [README, *map(Page, sorted((ROOT / "docs").glob("*.md")))]
