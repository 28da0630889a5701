"""A small collaboration app: the organisation `acme`, its thread 7, and a thread 8 of few."""

from flask import Flask, abort, jsonify, request
from flask_login import current_user
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import Mapped, mapped_column

from flask_nexora_rt import NexoraRT
from flask_nexora_rt.presets.collaboration import Collaboration
from tests.e2e.hosts.common import body_field, create_tables, set_up

MEMBERS = {"ann", "ben", "cid"}
READERS = {"7": {"ann", "ben"}, "8": {"ann"}}


def create_app(org_wide=False, **config):
    """`org_wide`: all members may read all threads, as in the seed."""
    app, db, rt = Flask(__name__), SQLAlchemy(), NexoraRT()
    set_up(app, db, **config)

    class Thread(db.Model):
        id: Mapped[str] = mapped_column(primary_key=True)
        title: Mapped[str] = mapped_column()
        revision: Mapped[int] = mapped_column(default=1)

    def may_see_org(user, org_id):
        return org_id == "acme" and user.id in MEMBERS

    def may_see_thread(user, thread_id):
        seen = user.id in (MEMBERS if org_wide else READERS.get(thread_id, ()))
        return {"name": user.id.title(), "avatar": None} if seen else False

    app.rt, app.db = rt, db
    app.collab = Collaboration(
        rt,
        may_see_org=may_see_org,
        may_see_thread=may_see_thread,
        org_of_thread=(lambda thread_id: "acme") if org_wide else None,
    )
    rt.init_app(app, db=db)

    @app.patch("/api/threads/<thread_id>")
    def update(thread_id):
        thread = db.session.get(Thread, thread_id)
        if body_field("revision") != thread.revision:
            abort(409)
        thread.title, thread.revision = body_field("title"), thread.revision + 1
        app.collab.thread_updated(thread_id, title=thread.title, revision=thread.revision)
        db.session.commit()
        return jsonify(revision=thread.revision)

    @app.post("/api/activity")
    def act():
        done = [
            app.collab.record_activity("acme", {"by": current_user.id, "what": what})
            for what in request.get_json()
        ]
        return jsonify(done)

    @app.get("/api/activity")
    def feed():
        if not may_see_org(current_user, "acme"):
            abort(403)
        return jsonify(app.collab.activity_feed("acme"))

    create_tables(app, db, [Thread(id="7", title="Old"), Thread(id="8", title="Other")])
    return app
