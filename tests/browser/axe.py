"""What axe-core finds wrong in a page."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

SCRIPT = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"


def violations(page: Page) -> list[list[str]]:
    """`[rule, element, ...]` per violation of any gravity: WCAG 2.2 A and AA, best practices."""
    if not SCRIPT.exists():
        pytest.fail("axe-core is missing: npm ci --prefix tests/browser", pytrace=False)
    # Evaluated, not linked: a page's Content-Security-Policy forbids scripts of others.
    page.evaluate(SCRIPT.read_text())
    found: list[list[str]] = page.evaluate("""async () => {
      const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
      const { violations } = await axe.run(document, { runOnly: tags });
      const where = (nodes) => nodes.map(({ target }) => target.flat().join(" "));
      return violations.map(({ id, nodes }) => [id, ...where(nodes)]);
    }""")
    return found
