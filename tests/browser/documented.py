"""The blocks of the documentation that a browser runs, each on a page with what it presumes."""

import json
import re
import subprocess
from pathlib import Path

from tests.docs.pages import PAGES, Block, page

FOLDER = Path(__file__).parent / "pages"
BLOCKS = {str(block): block for one in PAGES for block in one.of("html", "js", "jsx")}
FILES = {block.file: block for block in BLOCKS.values() if block.file}
# What a bundler, or an import map of the reader's own, knows besides what the page says.
PACKAGES_OF_THE_PAGE = {
    "laravel-echo": "/packages/laravel-echo/dist/echo.js",
    "react-dom": "/modules/react-dom.js",
    "react-dom/client": "/modules/react-dom/client.js",
    "scheduler": "/modules/scheduler.js",
}
# Another origin of the same server stands for this one.
OTHER_ORIGIN = "https://api.example.com"
RUN_TO_ITS_END = "\ndocumented.ended += 1;\n"
ELEMENT = """import React from "react";
import {{ flushSync }} from "react-dom";
import {{ createRoot }} from "react-dom/client";
import {{ RealTimeProvider }} from "/api/realtime/assets/nexora-rt-react.js";

flushSync(() => createRoot(root).render({}));
if (!root.textContent) throw new Error("it shows nothing");
"""

_IMPORT_MAP = re.compile(r'<script type="importmap">(.*?)</script>')
_EVENT = re.compile(
    r'(?:bind|listen|addEventListener)\("((?!pusher:|nexora:|state_change)[\w:-]+)"'
)
_CALL = re.compile(r"(?<!function )\b(badge|draw|show)\(")


def source(block: Block) -> str:
    """All its code: of HTML, also that of the page's files that it loads."""
    return "".join([block.text, *(FILES[name].text for name in loaded(block))])


def loaded(block: Block) -> list[str]:
    """The documented scripts that HTML loads, by file name."""
    if block.language != "html":
        return []
    return [name for name in FILES if name.endswith(".js") and f"'{Path(name).name}'" in block.text]


def events(block: Block) -> list[str]:
    """The names of the events that it waits for from the app."""
    return _EVENT.findall(source(block))


def calls(block: Block) -> list[str]:
    """The functions of `documented.js` that it calls when it is told something."""
    return sorted(set(_CALL.findall(source(block))))


def template(block: Block) -> str:
    """The page that runs it: its own, or that of the HTML block which loads it as a file."""
    if block.language == "html":
        return _with_page(block.text, len(loaded(block)))
    if block.file:
        (html,) = (one for one in BLOCKS.values() if block.file in loaded(one))
        return template(html)
    known = json.dumps({"imports": {**PACKAGES_OF_THE_PAGE, **_import_map(block)}})
    scripts = f"""<script type="importmap">{known}</script>
{{{{ nexora_rt_script() }}}}
<script type="module" src="/scripts/{block}.js"></script>"""
    return _with_page(scripts, 1)


def _with_page(html: str, modules: int) -> str:
    prelude = (FOLDER / "documented.html").read_text().replace("MODULES", str(modules))
    if "</body>" in html:
        return html.replace("</body>", f"{prelude}</body>")
    return f'<!doctype html><html lang="en"><title>Block</title><body>{html}{prelude}</body></html>'


def _import_map(block: Block) -> dict[str, str]:
    """What the HTML of the same page says about imports."""
    found: dict[str, str] = {}
    for html in page(block.page).of("html"):
        for known in _IMPORT_MAP.findall(html.text):
            found.update(json.loads(known)["imports"])
    return found


def module(block: Block, api: str) -> str:
    """Its code as a module that says when it has run to its end; `api` is the other origin."""
    text = _compiled(ELEMENT.format(block.text)) if block.language == "jsx" else block.text
    return text.replace(OTHER_ORIGIN, api) + RUN_TO_ITS_END


def _compiled(jsx: str) -> str:
    command = ["node", str(Path(__file__).parent / "compile_jsx.cjs")]
    done = subprocess.run(command, input=jsx, capture_output=True, text=True, check=True)
    return done.stdout
