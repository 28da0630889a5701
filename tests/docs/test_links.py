"""Links lead somewhere: to files that are there and headings that exist."""

import pytest

from .pages import PAGES, ROOT, Page

INDEX = Page(ROOT / "docs/index.md")
WRITTEN = [*PAGES, Page(ROOT / "CHANGELOG.md")]


@pytest.mark.parametrize("page", WRITTEN, ids=str)
def test_links_of_a_page_lead_to_files_and_headings_that_exist(page: Page) -> None:
    broken = [link for link in page.links if not is_sound(page, link)]
    assert broken == []


def is_sound(page: Page, link: str) -> bool:
    if link.startswith(("https://", "http://")):
        return True
    name, _, anchor = link.partition("#")
    target = Page((page.path.parent / name).resolve() if name else page.path)
    return target.path.exists() and (not anchor or anchor in target.anchors)


def test_every_page_can_be_reached_from_the_index() -> None:
    listed = {(INDEX.path.parent / link).resolve() for link in INDEX.links}
    pages = {page.path for page in PAGES if page.path.parent == INDEX.path.parent}
    assert pages - {INDEX.path} <= listed
