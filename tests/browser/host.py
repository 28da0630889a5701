"""A host app with an empty page that has the browser client on it: tests drive it from outside."""

from pathlib import Path

from flask import render_template_string, send_from_directory

from tests.e2e.app import app

PACKAGES = Path(__file__).parent / "node_modules"
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>client</title>
<link rel="icon" href="data:,">
{{ nexora_rt_script() }}</head>
<body data-chat="{{ nexora_rt_asset('nexora-chat.js') }}"
 data-desktop="{{ nexora_rt_asset('nexora-desktop.js') }}"></body></html>"""


@app.get("/page")
def page():
    return render_template_string(PAGE)


@app.get("/packages/<path:name>")
def package(name):
    return send_from_directory(PACKAGES, name, mimetype="text/javascript")
