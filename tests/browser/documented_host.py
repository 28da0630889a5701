"""A host app that has each block of the documentation on a page, and a user who may read it all."""

import os

from flask import Flask, Response, jsonify, render_template_string, send_from_directory
from flask_login import login_user
from flask_sqlalchemy import SQLAlchemy

from flask_nexora_rt import NexoraRT
from tests.browser.commonjs import PACKAGES, as_module
from tests.browser.documented import BLOCKS, FILES, FOLDER, events, module, template
from tests.browser.documented_mistakes import MISTAKES
from tests.docs.pages import Block
from tests.e2e.hosts.common import User, create_tables, set_up

API = os.environ["DOCUMENTED_API"]
KNOWN = {**BLOCKS, **{str(block): block for block, _ in MISTAKES}}

app = Flask(__name__, static_folder=None)
db = SQLAlchemy()
rt = NexoraRT()
set_up(app, db)


@rt.channel("room-{name}")
@rt.channel("guild-{guild_id}")
@rt.channel("private-guild-{guild_id}")
def may_read(user, **ids):
    return True


@rt.channel("presence-{place}")
@rt.channel("presence-product-{product_id}")
def may_be_seen(user, **ids):
    return {"name": user.id.title()}


rt.init_app(app, db=db)
create_tables(app, db)


@app.get("/blocks/<path:name>")
def shown(name):
    login_user(User("alice"))
    block = KNOWN[name]
    return render_template_string(template(block), page=fetched(block))


def fetched(block: Block) -> dict[str, str]:
    """A history that somebody has fetched; the events have come since then."""
    position = rt.trigger("guild-1", "page:fetched", {})["position"]
    for event in events(block):
        rt.trigger("guild-1", event, {"id": "7"})
    return {"position": position}


@app.get("/scripts/<path:name>.js")
def block_module(name):
    return script(module(KNOWN[name], API))


@app.post("/tell/<path:name>")
def tell(name):
    """Publishes what the block waits for, wherever somebody listens."""
    held = sorted(rt.channels_info()["channels"])
    for event in events(KNOWN[name]) if held else ():
        rt.trigger(held, event, {"id": "7"})
    return jsonify(held)


@app.get("/static/<path:filename>", endpoint="static")
def static_file(filename):
    if filename == "react.js":
        return script(as_module("react"))
    return script(module(FILES[f"static/{filename}"], API))


@app.get("/modules/<path:name>.js")
def package_module(name):
    return script(as_module(name))


@app.get("/packages/<path:name>")
def package(name):
    return send_from_directory(PACKAGES, name, mimetype="text/javascript")


@app.get("/pages/<path:name>")
def page_file(name):
    return send_from_directory(FOLDER, name)


@app.get("/favicon.ico")
def favicon():
    return "", 204


def script(text: str) -> Response:
    return Response(text, mimetype="text/javascript")
