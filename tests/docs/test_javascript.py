"""JavaScript and HTML of the documentation: it parses, and what it calls and imports is there."""

import json
import re
import subprocess
from pathlib import Path

from .page_host import namespace
from .pages import PAGES, ROOT

BLOCKS = [(str(block), block.text) for page in PAGES for block in page.of("js", "jsx")]
WRONG = [
    ("syntax.md:1", "const a = ;"),
    ("method.md:1", 'rt.subscribeTo("guild-1");'),
    ("import.md:1", 'import { MessageLists } from "…/nexora-chat.js";'),
    ("module.md:1", 'import { MessageList } from "…/nexora-chats.js";'),
]


def mistakes(blocks: list[tuple[str, str]]) -> list[str]:
    """What is wrong with the blocks, by our modules' type declarations; see the script."""
    command = ["node", str(ROOT / "tests/docs/check_snippets.cjs")]
    ran = subprocess.run(command, input=json.dumps(blocks), capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


def test_every_block_is_a_module_that_uses_the_client_as_it_is_declared() -> None:
    assert len(BLOCKS) > 10
    found = mistakes([*BLOCKS, *WRONG])
    invented = {name for name, _ in WRONG}
    assert [line for line in found if line.partition(": ")[0] not in invented] == []
    # And the check can see: each of the invented mistakes is found.
    assert {line.partition(": ")[0] for line in found} == invented


def test_templates_render(tmp_path: Path) -> None:
    blocks = [block for page in PAGES for block in page.of("html")]
    with namespace(tmp_path) as names:
        for block in blocks:
            html = names["app"].jinja_env.from_string(block.text).render()
            assert "{{" not in html, str(block)
            for name in re.findall(r"<script type=\"importmap\">(.*?)</script>", html):
                json.loads(name)
