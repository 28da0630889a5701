"""The browser client as it is served: typed, cached, compressed, one module, and small."""

import gzip
import re
import subprocess

import pytest
from flask import render_template_string, session

from flask_nexora_rt.blueprints import assets
from flask_nexora_rt.packing import pack
from flask_nexora_rt.presets.nexora import Events
from flask_nexora_rt.testing import make_app

PREFIX = "/api/realtime/assets"


@pytest.fixture
def app():
    app = make_app()
    yield app
    app.extensions["nexora_rt"].runtime.close()


@pytest.fixture
def client(app):
    return app.test_client()


def test_the_template_helper_writes_a_tag_without_inline_script(app):
    with app.test_request_context():
        tag = render_template_string("{{ nexora_rt_script() }}")
    url = f"{PREFIX}/{assets.version()}/nexora-rt.js"
    assert tag == f'<script type="module" src="{url}" data-nexora-rt="" data-url="/api"></script>'


def test_the_template_helper_escapes_its_options_and_knows_where_the_app_is_mounted(app):
    with app.test_request_context(environ_overrides={"SCRIPT_NAME": "/shop"}):
        tag = render_template_string("""{{ nexora_rt_script(of_page='"><script>') }}""")
    assert 'data-of-page="&#34;&gt;&lt;script&gt;"' in tag
    assert f'src="/shop{PREFIX}/' in tag
    assert 'data-url="/shop/api"' in tag


def test_todays_version_is_cached_for_ever_and_any_other_url_is_asked_for_again(client):
    today = client.get(f"{PREFIX}/{assets.version()}/nexora-rt.js")
    older = client.get(f"{PREFIX}/0ld/nexora-rt.js")

    assert today.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert older.headers["Cache-Control"] == "no-cache"
    assert older.data == today.data


@pytest.mark.parametrize("name, has_default", [("nexora-rt.js", True), ("nexora-chat.js", False)])
def test_a_url_without_a_version_passes_on_the_module_of_today(client, name, has_default):
    """A page has one client, whichever of the two URLs its scripts import."""
    lasting = client.get(f"{PREFIX}/{name}")

    todays = f"./{assets.version()}/{name}"
    wanted = [f'export * from "{todays}";', f'export {{ default }} from "{todays}";']
    assert lasting.text.splitlines() == wanted[: 1 + has_default]
    assert lasting.headers["Cache-Control"] == "no-cache"


def test_an_unchanged_file_is_not_sent_again(client):
    first = client.get(f"{PREFIX}/nexora-rt.js")
    again = client.get(f"{PREFIX}/nexora-rt.js", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_compressed_and_plain_are_told_apart_by_caches(client):
    plain, zipped = (
        client.get(f"{PREFIX}/{assets.version()}/nexora-chat.js", headers=headers)
        for headers in ({}, {"Accept-Encoding": "gzip, br"})
    )

    assert gzip.decompress(zipped.data) == plain.data
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert zipped.headers["ETag"] != plain.headers["ETag"]
    assert {one.headers["Vary"] for one in (plain, zipped)} == {"Accept-Encoding"}


def test_a_session_leaves_no_trace_in_shared_caches(app, client):
    @app.before_request
    def refresh():
        session["seen"] = True

    answer = client.get(f"{PREFIX}/{assets.version()}/nexora-rt.js")

    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers["Vary"]


@pytest.mark.parametrize(
    "name, kind",
    [("nexora-rt.js", "text/javascript"), ("nexora-rt.d.ts", "text/plain")],
)
def test_files_have_their_type_and_no_other(client, name, kind):
    answer = client.get(f"{PREFIX}/{name}")
    assert answer.headers["Content-Type"] == f"{kind}; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path", ["nothing.js", "../settings.py", "%2e%2e/settings.py", "x/../../settings.py", "nexora"]
)
def test_nothing_else_is_served(client, path):
    answer = client.get(f"{PREFIX}/{path}")
    assert answer.status_code == 404
    assert answer.json["error"] == "Not Found"


@pytest.mark.parametrize(
    "name, limit, imported",
    [
        ("nexora-rt.js", 12_000, set()),
        ("nexora-stores.js", 6_000, {"./nexora-rt.js"}),
        ("nexora-elements.js", 10_000, {"./nexora-rt.js", "./nexora-stores.js"}),
        ("nexora-chat.js", 3_500, {"./nexora-rt.js"}),
        ("nexora-rt-react.js", 3_000, {"react", "./nexora-rt.js", "./nexora-stores.js"}),
    ],
)
def test_what_pages_load_is_one_small_module_each(client, name, limit, imported):
    url = f"{PREFIX}/{assets.version()}/{name}"
    answer = client.get(url, headers={"Accept-Encoding": "gzip"})
    assert len(answer.data) < limit
    text = gzip.decompress(answer.data).decode()
    assert set(re.findall(r'^import .* from "(.*)";$', text, re.MULTILINE)) == imported


@pytest.mark.parametrize("name", [name for name in assets.bodies() if name.endswith(".js")])
def test_what_is_served_is_javascript(name, tmp_path):
    file = tmp_path / "module.mjs"
    file.write_bytes(assets.bodies()[name])
    done = subprocess.run(["node", "--check", file], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_packing_keeps_code_and_order_and_loads_each_module_once():
    modules = {
        "door.js": (
            'import { a } from "./in/a.js";\nimport * as all from "./b.js";\n\n'
            "/** What it is. */\nexport const door = `${a} ${all.b}`; // kept\n"
        ),
        "in/a.js": 'import { b } from "../b.js";\n// a reason\nexport const a = b + 1;\n',
        "b.js": "/**\n * Two\n * lines.\n */\nexport const b = 1;\n"
        "export function c() {\n  return b;\n}\n",
    }
    assert pack("door.js", modules.__getitem__).splitlines() == [
        "const b = 1;",
        "function c() {",
        "return b;",
        "}",
        "const a = b + 1;",
        "const all = { b, c };",
        "export const door = `${a} ${all.b}`; // kept",
    ]


def test_modules_that_others_share_stay_apart():
    modules = {
        "door.js": 'import { b } from "./in/b.js";\nimport { a } from "./a.js";\n'
        "export const c = a + b;\n",
        "in/b.js": 'import { a, z } from "../a.js";\nexport const b = a + z;\n',
    }
    assert pack("door.js", modules.__getitem__, ["a.js"]).splitlines() == [
        'import { a, z } from "./a.js";',
        "const b = a + z;",
        "export const c = a + b;",
    ]


def test_the_browser_has_the_same_event_names():
    text = (assets.STATIC / "nexora-events.js").read_text()
    assert dict(re.findall(r'^  (\w+): "(.*)",$', text, re.MULTILINE)) == {
        event.name: event.value for event in Events
    }
