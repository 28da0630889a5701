"""JavaScript and HTML of the documentation: it parses, and what it imports is there."""

import json
import re
import subprocess
from pathlib import Path

from flask_nexora_rt.blueprints.assets import STATIC

from .page_host import namespace
from .pages import PAGES, ROOT

BLOCKS = [block for page in PAGES for block in page.of("js", "jsx")]
_IMPORT = re.compile(r"import (?:(\w+)|\{([^}]*)\}) from \"([^\"]+)\"")
# What a page brings along itself.
FOREIGN = {"laravel-echo", "react", "pusher-js"}
PARSE = """
const ts = require("typescript");
const compilerOptions = { allowJs: true, jsx: "preserve", target: "esnext", module: "esnext" };
const blocks = JSON.parse(require("fs").readFileSync(0, "utf8"));
for (const [name, text] of blocks) {
  const options = { fileName: "block.jsx", reportDiagnostics: true, compilerOptions };
  for (const { messageText } of ts.transpileModule(text, options).diagnostics)
    console.log(name + ": " + ts.flattenDiagnosticMessageText(messageText, " "));
}
"""


def parse(blocks: list[tuple[str, str]]) -> str:
    """What is wrong with the blocks as modules, one line each."""
    modules = ROOT / "tests/browser"
    command = ["node", "-e", PARSE]
    source = json.dumps(blocks)
    ran = subprocess.run(command, input=source, cwd=modules, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_every_block_parses_as_a_module() -> None:
    assert len(BLOCKS) > 10
    assert parse([(str(block), block.text) for block in BLOCKS]) == ""


def test_a_block_with_a_mistake_would_be_found() -> None:
    assert "wrong.md:1" in parse([("wrong.md:1", "const a = ;")])


def test_what_the_blocks_import_is_exported() -> None:
    missing = [
        f"{block}: {name} from {source}"
        for block in BLOCKS
        for name, source in imports(block.text)
        if source not in FOREIGN and name not in exports(source)
    ]
    assert missing == []


def imports(text: str) -> list[tuple[str, str]]:
    found = []
    for default, names, source in _IMPORT.findall(text):
        found += [("default", source)] if default else []
        found += [
            (name.split(" as ")[0].strip(), source) for name in names.split(",") if name.strip()
        ]
    return found


def exports(source: str) -> set[str]:
    """The names that the declarations of one of our modules export."""
    declared = STATIC / (source.rpartition("/")[2].removesuffix(".js") + ".d.ts")
    text = declared.read_text() if declared.exists() else ""
    found = set(
        re.findall(r"export (?:declare )?(?:abstract )?(?:class|function|const) (\w+)", text)
    )
    for names in re.findall(r"export \{([^}]*)\}", text):
        found |= {name.split(" as ")[-1].strip() for name in names.split(",")}
    return found | ({"default"} if "export default" in text else set())


def test_templates_render(tmp_path: Path) -> None:
    blocks = [block for page in PAGES for block in page.of("html")]
    with namespace(tmp_path) as names:
        for block in blocks:
            html = names["app"].jinja_env.from_string(block.text).render()
            assert "{{" not in html, str(block)
            for name in re.findall(r"<script type=\"importmap\">(.*?)</script>", html):
                json.loads(name)
