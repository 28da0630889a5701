"""`flask demo seed`: tables, people, guilds and a few messages; a second run changes nothing."""

from datetime import timedelta

import click
from flask.cli import AppGroup
from sqlalchemy import text

from example_app.models import Guild, Message, User, db, utc_now

DEMO_PASSWORD = "demo"  # noqa: S105 - it is printed on the sign-in page
USERS = {
    "alice": ("Alice Moreau", "Leads the Mapmakers"),
    "bob": ("Bob Okafor", "Mapmaker, draws coastlines"),
    "carol": ("Carol Lindqvist", "Night Watch, not a Mapmaker"),
}
GUILDS = {
    "Mapmakers": ("Charts for hire, from harbour to ridge", ["alice", "bob"]),
    "Night Watch": ("Who is awake, and what they saw", ["alice", "carol"]),
}
MESSAGES = {
    "Mapmakers": [
        ("alice", "Morning! The bounty for the northern coast chart is ours."),
        ("bob", "Lovely. I have the soundings from last week, 240 of them."),
        ("bob", "Two of the buoys have moved, so I will redraw the approach before we hand it in."),
        ("alice", "Good catch. Take the time you need, the deadline is Friday."),
    ],
    "Night Watch": [
        ("carol", "Quiet so far. One lantern on the east pier is out."),
        ("alice", "Thanks, I will tell the harbour office in the morning."),
    ],
}

group = AppGroup("demo", help="The demo's data.")


@group.command("seed")
def seed() -> None:
    """Create the demo's tables and data, and print the logins."""
    db.create_all()
    _let_readers_and_writers_work_at_once()
    if db.session.query(User).first() is None:
        _add_everything()
        db.session.commit()
    click.echo("Sign in with a click, or with login and password:")
    for login, (name, role) in USERS.items():
        click.echo(f"  {login:<6} {DEMO_PASSWORD}   {name}: {role}")


def _let_readers_and_writers_work_at_once() -> None:
    # Several workers on one SQLite file: its default journal lets a writer lock readers out.
    if db.engine.dialect.name == "sqlite":
        db.session.execute(text("PRAGMA journal_mode=WAL"))


def _add_everything() -> None:
    users = {
        login: User(login=login, name=name, role=role) for login, (name, role) in USERS.items()
    }
    for user in users.values():
        user.set_password(DEMO_PASSWORD)
    db.session.add_all(users.values())
    for name, (purpose, logins) in GUILDS.items():
        guild = Guild(name=name, purpose=purpose, members=[users[login] for login in logins])
        db.session.add(guild)
        db.session.flush()
        _add_messages(guild, users)


def _add_messages(guild: Guild, users: dict[str, User]) -> None:
    lines = MESSAGES[guild.name]
    start = utc_now() - timedelta(minutes=7 * len(lines))
    for number, (login, content) in enumerate(lines):
        message = Message(guild_id=guild.id, sender_id=users[login].id, content=content)
        message.client_id = f"seed-{guild.id}-{number}"
        message.created_at = start + timedelta(minutes=7 * number)
        db.session.add(message)
        db.session.flush()
