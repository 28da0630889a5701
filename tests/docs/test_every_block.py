"""No block is left out: each is in a language that some test runs, on a page where it does."""

import re

import pytest

from .pages import PAGES, README, Page, page

DEPLOY = page("docs/deploy.md")
SERVED = [README, page("docs/quickstart.md")]
# Where the blocks of a language are run: `test_commands`, `test_python_blocks`,
# `test_server_files`, and `test_documented_blocks` of tests/browser.
RUN = {
    "console": PAGES,
    "html": PAGES,
    "ini": [DEPLOY],
    "js": PAGES,
    "json": PAGES,
    "jsx": PAGES,
    "nginx": PAGES,
    "python": PAGES,
    "systemd": [DEPLOY],
    "text": [DEPLOY],
}
# Also those that Markdown takes for blocks and `Page` does not: indented, quoted, with tildes.
_ANY_FENCE = re.compile(r"[\s>*\-\d.]*(?:```|~~~)")


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_block_is_in_a_language_that_is_run(page: Page) -> None:
    assert [str(block) for block in page.blocks if page not in RUN.get(block.language, [])] == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_fence_is_one_of_a_block(page: Page) -> None:
    ends = {end for block in page.blocks for end in fence_lines(page, block.line)}
    assert [n for n, line in enumerate(page.lines, 1) if _ANY_FENCE.match(line)] == sorted(ends)


def fence_lines(page: Page, first: int) -> list[int]:
    """The lines of both fences around the block that begins there; none if it is a comment."""
    if not page.lines[first - 2].startswith("```"):
        return []
    return [first - 1, page.lines.index("```", first - 1) + 1]


def test_the_apps_of_pages_are_served() -> None:
    assert [page for page in PAGES if any(block.file for block in page.of("python"))] == SERVED
