"""What the hosts of the presets have in common: a database, a login, errors as JSON."""

from flask import jsonify, request
from flask_login import LoginManager, UserMixin, login_user
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.exc import DBAPIError

from flask_nexora_rt import NexoraError


class User(UserMixin):
    """A user that exists because somebody signs in under that name."""

    def __init__(self, id):
        self.id = id


def set_up(app, db: SQLAlchemy, **config):
    """Configure a host; `FLASK_*` of the environment wins."""
    app.config.update(
        SECRET_KEY="presets",
        NEXORA_RT_SECRET="a secret for the tests of presets",
        SQLALCHEMY_DATABASE_URI="sqlite://",
    )
    app.config.update(config)
    app.config.from_prefixed_env()
    db.init_app(app)
    LoginManager(app).user_loader(User)
    app.register_error_handler(NexoraError, answer_error)
    app.add_url_rule("/login/<user_id>", view_func=sign_in, methods=["POST"])
    app.add_url_rule("/ready", view_func=lambda: "ready")


def sign_in(user_id):
    login_user(User(user_id))
    return jsonify(ok=True)


def answer_error(error):
    return jsonify(error=error.error, detail=str(error)), error.status


def body_field(name):
    """A field of the JSON body, or None."""
    body = request.get_json(silent=True)
    return body.get(name) if isinstance(body, dict) else None


def create_tables(app, db, rows=()):
    """Create tables, and rows unless they are there: several workers start at once."""
    with app.app_context():
        try:
            db.create_all()
            db.session.add_all(rows)
            db.session.commit()
        except DBAPIError:
            db.session.rollback()
