"""`flask demo seed`: tables, people and what they have going on; a second run changes nothing."""

import json
from datetime import timedelta
from typing import Any, TypeVar

import click
from flask.cli import AppGroup
from sqlalchemy import inspect, select, text

from example_app import seed_areas as areas
from example_app import seed_data as data
from example_app.activity import Generation
from example_app.generation import TOLD_POSTER, generate
from example_app.generator import LEAST, MOST
from example_app.models import (
    Bounty,
    Candidate,
    Dispute,
    Guild,
    Membership,
    User,
    db,
    utc_now,
)
from example_app.realtime import rt
from flask_nexora_rt.presets import collaboration, nexora

group = AppGroup("demo", help="The demo's data.")
Row = TypeVar("Row", bound=db.Model)


@group.command("seed")
@click.option(
    "--users",
    "people",
    type=click.IntRange(LEAST, MOST),
    help="Generate so many people as well, with 30 days of what they did.",
)
@click.option("--seed", default=1, show_default=True, help="The same seed: the same people.")
def seed_command(people: int | None, seed: int) -> None:
    """Create the demo's tables and data, and print the logins."""
    _refuse_an_older_database()
    db.create_all()
    _let_readers_and_writers_work_at_once()
    users = {login: _add_user(login, person) for login, person in data.USERS.items()}
    guilds = {name: _add_guild(name, facts, users) for name, facts in data.GUILDS.items()}
    for name, guild in guilds.items():
        _talk(nexora.guild(guild.id), data.GUILDS[name]["talk"], users)
    for title, facts in data.DISPUTES.items():
        _talk(nexora.dispute(_add_dispute(title, facts, users).id), facts["talk"], users)
    for (login, other), lines in data.DIRECT.items():
        _talk(nexora.dm(users[login].id, users[other].id), lines, users)
    for work in data.BOUNTIES:
        _add_bounty(work, users, guilds)
    for login, name in data.APPLICATIONS:
        _apply(users[login], guilds[name])
    for question in areas.THREADS:
        thread = areas.add_thread(question, users, guilds)
        _talk(collaboration.thread(thread.id), question.talk, users)
    for ware in areas.PRODUCTS:
        areas.add_product(ware, users)
    _print_logins()
    if people is not None:
        _print_generation(generate(people, seed))


def _refuse_an_older_database() -> None:
    tables = inspect(db.engine)
    has_disputes = tables.has_table("dispute")
    if has_disputes and "bounty_id" not in {one["name"] for one in tables.get_columns("dispute")}:
        raise click.ClickException(
            f"{db.engine.url!r} was made by an earlier version of the demo: remove it, run again."
        )


def _let_readers_and_writers_work_at_once() -> None:
    # Several workers on one SQLite file: its default journal lets a writer lock readers out.
    if db.engine.dialect.name == "sqlite":
        db.session.execute(text("PRAGMA journal_mode=WAL"))


def _kept(model: type[Row], **known: Any) -> Row | None:
    return db.session.scalar(select(model).filter_by(**known))


def _keep(row: Row) -> Row:
    db.session.add(row)
    db.session.commit()
    return row


def _add_user(login: str, person: data.Person) -> User:
    user = _kept(User, login=login)
    if user is not None:
        return user
    user = User(
        login=login,
        name=person.name,
        about=person.about,
        trust_score=person.trust,
        last_active=utc_now() - timedelta(days=person.days_away),
        is_admin=person.is_admin,
    )
    user.set_password(data.PASSWORD)
    return _keep(user)


def _add_guild(name: str, facts: dict[str, Any], users: dict[str, User]) -> Guild:
    members = [
        Membership(user_id=users[one].id, role=role) for one, role in facts["members"].items()
    ]
    return _kept(Guild, name=name) or _keep(
        Guild(name=name, purpose=facts["purpose"], memberships=members)
    )


def _add_dispute(title: str, facts: dict[str, Any], users: dict[str, User]) -> Dispute:
    dispute = _kept(Dispute, title=title) or _keep(
        Dispute(
            title=title,
            bounty=facts["bounty"],
            status=facts["status"],
            raised_by_id=users[facts["raised_by"]].id,
            against_id=users[facts["against"]].id,
            tribunal=[users[one] for one in facts["tribunal"]],
        )
    )
    about = {"disputeTitle": title, "disputeId": str(dispute.id)}
    if facts["status"] == "voting":
        _tell("tribunal_vote_needed", f"dispute:{dispute.id}", about, dispute.tribunal)
    else:
        _tell("dispute_raised", f"dispute:{dispute.id}", about, [dispute.against])
    return dispute


def _add_bounty(work: data.Work, users: dict[str, User], guilds: dict[str, Guild]) -> None:
    guild = guilds[work.guild] if work.guild else None
    bounty = _kept(Bounty, title=work.title) or _keep(
        Bounty(
            title=work.title,
            brief=work.brief,
            reward=work.reward,
            status=work.status,
            note=work.note,
            poster_id=users[work.poster].id,
            guild_id=guild.id if guild else None,
        )
    )
    if guild is None:
        return
    about = {"bountyTitle": work.title, "guildName": guild.name, "bountyId": str(bounty.id)}
    if work.status in TOLD_POSTER:
        _tell(TOLD_POSTER[work.status], f"bounty:{bounty.id}", about, [users[work.poster]])
    if work.status == "matched":
        _tell("bounty_offered", f"offer:{bounty.id}", about, guild.leaders)


def _apply(user: User, guild: Guild) -> None:
    ids = {"guild_id": guild.id, "user_id": user.id}
    _kept(Candidate, **ids) or _keep(Candidate(**ids))
    about = {"applicantName": user.name, "guildName": guild.name, "guildId": str(guild.id)}
    _tell("guild_application", f"application:{guild.id}:{user.id}", about, guild.leaders)


def _tell(kind: str, what: str, about: dict[str, str], users: list[User]) -> None:
    """Who has been told under a key is not told again: that is why this may run twice."""
    ids = [str(user.id) for user in users]
    rt.notifications.send(ids, kind, about, dedupe_key=f"seed:{what}")


def _talk(conversation: str, lines: list[data.Line], users: dict[str, User]) -> None:
    """Says what has not been said; who spoke last but one has read up to there."""
    for number, line in enumerate(lines):
        sender = str(users[line.login].id)
        sent = rt.messages.send(conversation, line.text, sender, client_id=f"seed-{number}")
        if sent.duplicate:
            continue
        rt.messages.mark_read(conversation, sender, sent.message["seq"])
        for key, logins in line.reactions.items():
            for login in logins:
                rt.messages.react(sent.message["id"], key, str(users[login].id))


def _print_logins() -> None:
    click.echo("Sign in with a click, or with login and password:")
    for login, person in data.USERS.items():
        click.echo(f"  {login:<6} {data.PASSWORD}   {person.name}: {person.about}")


def _print_generation(made: Generation) -> None:
    click.echo(f"{made.users} people of seed {made.seed}, 30 days up to {made.until}.")
    click.echo("The oracle has to find:")
    for login, metric in json.loads(made.planted).items():
        click.echo(f"  {login}   a burst of {metric}")
