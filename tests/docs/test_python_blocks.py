"""Every Python block of the documentation runs, page by page, in a host app."""

from pathlib import Path

import pytest

from .page_host import namespace, run_page
from .pages import PAGES, Page


@pytest.mark.parametrize("page", [p for p in PAGES if p.of("python")], ids=str)
def test_the_python_of_a_page_runs_from_top_to_bottom(page: Page, tmp_path: Path) -> None:
    with namespace(tmp_path) as names:
        run_page(page, names)
