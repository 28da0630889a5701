"""A host app with the elements and the hooks on its pages, which forbid inline code."""

import json
import secrets
from pathlib import Path

from flask import Flask, Response, jsonify, render_template, request, send_from_directory
from flask_sqlalchemy import SQLAlchemy

from flask_nexora_rt import NexoraRT
from flask_nexora_rt.presets.collaboration import Collaboration
from flask_nexora_rt.presets.marketplace import Marketplace
from tests.browser.commonjs import MODULES, as_module
from tests.e2e.hosts.common import create_tables, set_up

FOLDER = Path(__file__).parent / "pages"

app = Flask(__name__, template_folder=str(FOLDER))
db = SQLAlchemy()
rt = NexoraRT()
set_up(app, db)
collab = Collaboration(
    rt,
    may_see_org=lambda user, org_id: True,
    may_see_thread=lambda user, thread_id: {"name": user.id.title(), "avatar": None},
)
Marketplace(
    rt,
    may_see_conversation=lambda user, conversation_id: True,
    may_view_product=lambda user, product_id: {"name": user.id.title()},
)


@rt.channel("guild-{guild_id}")
def may_enter(user, guild_id):
    return guild_id != "closed"


@rt.notifications.type("plain", title="{{ title }}", message="{{ message }}", url="/ready")
def plain(title, message): ...


@rt.notifications.type("broken", title="{{ title }}", message="{{ message }}", level="error")
def broken(title, message): ...


rt.init_app(app, db=db)
create_tables(app, db)


@app.get("/elements")
def elements():
    return page("elements.html")


@app.get("/react")
def react():
    return page("react.html")


def page(template):
    nonce = secrets.token_urlsafe()
    urls = {name: f"/modules/{name}.js" for name in MODULES}
    import_map = json.dumps({"imports": urls})
    response = Response(render_template(template, nonce=nonce, import_map=import_map))
    # No inline style, no inline script but an import map: browsers have no other way for that.
    response.headers["Content-Security-Policy"] = (
        f"default-src 'self'; script-src 'self' 'nonce-{nonce}'; require-trusted-types-for 'script'"
    )
    return response


@app.get("/modules/<path:name>.js")
def module(name):
    return Response(as_module(name), mimetype="text/javascript")


@app.get("/pages/<path:name>")
def page_file(name):
    return send_from_directory(FOLDER, name)


@app.get("/favicon.ico")
def favicon():
    return "", 204


@app.post("/notify/<user_id>")
def notify(user_id):
    body = request.get_json()
    sent = [rt.notifications.send(user_id, one["type"], one.get("data")) for one in body]
    return jsonify([one.notification["id"] for one in sent])


@app.post("/trigger")
def trigger():
    body = request.get_json()
    return jsonify(rt.trigger(body["channels"], body["name"], body["data"]))


@app.post("/thread/<thread_id>")
def change_thread(thread_id):
    for change in request.get_json():
        if "status" in change:
            collab.thread_status_changed(thread_id, *change["status"])
        else:
            collab.thread_updated(thread_id, **change)
    db.session.commit()
    return jsonify(ok=True)


@app.post("/activity")
def activity():
    return jsonify([collab.record_activity("acme", one) for one in request.get_json()])


@app.get("/channels")
def channels():
    return jsonify(sorted(rt.channels_info()["channels"]))
