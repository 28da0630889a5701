"""npm's React as ES modules: it is published as CommonJS, and the tests have no build step."""

import re
from pathlib import Path

PACKAGES = Path(__file__).parent / "node_modules"
MODULES = {
    "react": "react/cjs/react.development.js",
    "react-dom": "react-dom/cjs/react-dom.development.js",
    "react-dom/client": "react-dom/cjs/react-dom-client.development.js",
    "react-dom/server": "react-dom/cjs/react-dom-server.browser.development.js",
    "scheduler": "scheduler/cjs/scheduler.development.js",
}
_REQUIRED = re.compile(r"""require\(["']([\w/-]+)["']\)""")
_EXPORTED = re.compile(r"^\s*exports\.(\w+) =", re.MULTILINE)


def as_module(name: str) -> str:
    """The source of one of `MODULES` as an ES module with the same exports."""
    source = (PACKAGES / MODULES[name]).read_text()
    required = sorted(set(_REQUIRED.findall(source)))
    imports = "".join(f'import _{n} from "{one}";' for n, one in enumerate(required))
    table = ", ".join(f'"{one}": _{n}' for n, one in enumerate(required))
    names = sorted(set(_EXPORTED.findall(source)))
    return f"""{imports}
const module = {{ exports: {{}} }}, process = {{ env: {{ NODE_ENV: "development" }} }};
(function (exports, require) {{ {source} }})(module.exports, (name) => ({{ {table} }})[name]);
export default module.exports;
export const {{ {", ".join(names)} }} = module.exports;
"""
