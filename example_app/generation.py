"""Writes what the generator makes: in large inserts, in one transaction, and once."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import click
from sqlalchemy import func, insert, select

from example_app.activity import Activity, Conversation, Generation, Message
from example_app.generator import FirstIds, Generator, Row
from example_app.models import Bounty, Dispute, Guild, Membership, User, db, tribunal
from example_app.realtime import rt
from flask_nexora_rt.notifications import Notice

ROWS_AT_ONCE = 5_000
MOST_NOTICES = 300
NUMBERED = (User, Guild, Bounty, Dispute)
# What the poster has been told last, by how far a bounty is.
TOLD_POSTER = {
    "matched": "bounty_matched",
    "accepted": "bounty_accepted",
    "submitted": "bounty_submitted",
}


def generate(users: int, seed: int) -> Generation:
    """Generates users unless these have been. Raises `click.ClickException` beside others."""
    made: Generation | None = db.session.scalar(select(Generation))
    if made is not None:
        if (made.users, made.seed) != (users, seed):
            raise click.ClickException(
                f"this database has {made.users} generated users of seed {made.seed} already: "
                "remove it, or give another one by DEMO_DATABASE_URI, and run again."
            )
        return made
    until = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    plan = Generator(users, seed, until, FirstIds(*map(_next_id, NUMBERED)))
    planted = json.dumps(plan.planted)
    made = Generation(users=users, seed=seed, until=until.date(), planted=planted)
    db.session.add(made)
    db.session.flush()
    _insert_all(plan)
    _go_on_numbering()
    rt.notifications.send_all(_notices(plan), commit=False)
    db.session.commit()
    return made


def _insert_all(plan: Generator) -> None:
    _insert(User, plan.users())
    _insert(Guild, plan.guilds())
    _insert(Membership, plan.memberships())
    _insert(Bounty, plan.bounties)
    _insert(Dispute, plan.disputes)
    _insert(tribunal, plan.jurors())
    _insert(Activity, plan.activity())
    lengths: Counter[str] = Counter()
    _insert(Message, _counted(plan.messages(), lengths))
    _insert(Conversation, ({"id": one, "last_seq": length} for one, length in lengths.items()))


def _insert(target: Any, rows: Iterable[Mapping[str, Any]]) -> None:
    statement, left = insert(getattr(target, "__table__", target)), iter(rows)
    while some := list(islice(left, ROWS_AT_ONCE)):
        db.session.connection().execute(statement, some)


def _counted(messages: Iterable[Row], lengths: Counter[str]) -> Iterator[Row]:
    for message in messages:
        lengths[message["conversation_id"]] += 1
        yield message


def _next_id(model: Any) -> int:
    return (db.session.scalar(select(func.max(model.id))) or 0) + 1


def _go_on_numbering() -> None:
    """PostgreSQL numbers rows by a sequence, which knows nothing of ids that were given."""
    if db.engine.dialect.name != "postgresql":
        return
    for model in NUMBERED:
        name = model.__tablename__
        sequence = func.pg_get_serial_sequence(f'"{name}"', "id")
        db.session.execute(
            select(func.setval(sequence, select(func.max(model.id)).scalar_subquery()))
        )


def _notices(plan: Generator) -> list[Notice]:
    """What the posters of the newest bounties and the jurors of open votes have been told."""
    guilds = {one["id"]: one["name"] for one in plan.guilds()}
    notices = [
        Notice(
            str(one["poster_id"]),
            TOLD_POSTER[one["status"]],
            {
                "bountyTitle": one["title"],
                "guildName": guilds[one["guild_id"]],
                "bountyId": str(one["id"]),
            },
            dedupe_key=f"generated:bounty:{one['id']}",
        )
        for one in reversed(plan.bounties)
        if one["status"] in TOLD_POSTER
    ]
    voting = {one["id"]: one["title"] for one in plan.disputes if one["status"] == "voting"}
    jurors = [
        Notice(
            str(one["user_id"]),
            "tribunal_vote_needed",
            {"disputeTitle": voting[one["dispute_id"]], "disputeId": str(one["dispute_id"])},
            dedupe_key=f"generated:dispute:{one['dispute_id']}:{one['user_id']}",
        )
        for one in plan.jurors()
        if one["dispute_id"] in voting
    ]
    return notices[:MOST_NOTICES] + jurors[:MOST_NOTICES]
