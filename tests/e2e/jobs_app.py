"""A host with jobs, for the end-to-end tests. What has happened is lines of a file."""

import os
import sqlite3
import time
from itertools import count
from pathlib import Path

from flask import Flask, jsonify
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Engine, String, event, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import mapped_column

from flask_nexora_rt import NexoraRT

# Due once a year, and all year: no test meets another slot, whenever it is run.
YEARLY = {"cron": "@yearly", "grace": 366 * 86_400}

db = SQLAlchemy()
rt = NexoraRT()


class Done(db.Model):
    """What the job has done: a row for each time it could commit."""

    run_id = mapped_column(String(32))
    id = mapped_column(db.Integer, primary_key=True)


def note(name, text):
    """One short line, written whole whichever worker writes."""
    with Path(os.environ["E2E_NOTES"], name).open("a") as file:
        file.write(f"{text}\n")


@rt.job("work", **YEARLY, timeout=600)
def work(task):
    note("began", os.getpid())
    time.sleep(float(os.environ.get("E2E_JOB_SECONDS", "0")))
    hold = Path(os.environ["E2E_NOTES"], "hold")
    while hold.exists():
        time.sleep(0.05)
    db.session.execute(insert(Done).values(run_id=task.run_id))
    task.confirm(db.session)
    db.session.commit()
    return {"pid": os.getpid()}


@event.listens_for(Engine, "connect")
def use_write_ahead_log(connection, _):
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA journal_mode=WAL")


def create_app():
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY="e2e",
        NEXORA_RT_SECRET="a secret for the end-to-end tests",
        NEXORA_RT_CRON_SECRET=os.environ["E2E_CRON_SECRET"],
        NEXORA_RT_JOB_TICK_SECONDS=0.5,
        NEXORA_RT_JOB_LEASE_SECONDS=2,
        SQLALCHEMY_DATABASE_URI=os.environ["E2E_DATABASE"],
    )
    app.config.from_prefixed_env()
    db.init_app(app)
    rt.init_app(app, db=db)
    with app.app_context():
        for _ in range(20):
            try:
                db.create_all()
                break
            except DBAPIError:  # another worker creates them at this moment
                time.sleep(0.1)
    numbers = count()
    app.add_url_rule("/count", view_func=lambda: jsonify(number=next(numbers), pid=os.getpid()))
    return app


app = create_app()
