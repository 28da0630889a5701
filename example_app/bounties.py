"""Bounties: posted, matched with a guild, accepted, submitted, reviewed, completed.

Each step changes the row and tells whom it concerns in one transaction.
"""

from collections.abc import Callable
from typing import NamedTuple

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user, login_required
from sqlalchemy import func, select
from werkzeug.wrappers import Response

from example_app import cached, disputes, forms, listing
from example_app.changes import change
from example_app.guard import refuse_other_sites
from example_app.models import Bounty, Guild, Membership, User, by_id, db
from example_app.realtime import platform, rt
from flask_nexora_rt.presets import nexora
from flask_nexora_rt.presets.nexora import GLOBAL_CHANNEL

blueprint = Blueprint("bounties", __name__)
blueprint.before_request(refuse_other_sites)

MOST_CROWNS = 100_000
BEST_FIT = "best"
LEADERBOARD_CHANGED = "leaderboard:changed"
CHANGES_REQUESTED = "changes requested"
BOARD = ("all", "open", "matched", "accepted", "submitted", "approved", "completed")


def is_poster(bounty: Bounty, user: User) -> bool:
    """Whether the user has posted it."""
    return bounty.poster_id == user.id


def leads(bounty: Bounty, user: User) -> bool:
    """Whether the user leads its guild."""
    return bounty.guild is not None and bounty.guild.role_of(user) == "leader"


def works(bounty: Bounty, user: User) -> bool:
    """Whether the user is in its guild."""
    return bounty.guild is not None and bounty.guild.role_of(user) is not None


class Step(NamedTuple):
    """Who may do it, and in which states."""

    who: Callable[[Bounty, User], bool]
    states: tuple[str, ...]


STEPS = {
    "match": Step(is_poster, ("open", "matched")),
    "accept": Step(leads, ("matched",)),
    "submit": Step(works, ("accepted",)),
    "review": Step(is_poster, ("submitted",)),
    "complete": Step(is_poster, ("approved",)),
    "dispute": Step(
        lambda bounty, user: is_poster(bounty, user) or leads(bounty, user),
        ("accepted", "submitted", "approved"),
    ),
}


@rt.notifications.type(
    "bounty_offered",
    title="New Work for {{ guildName }}",
    message='"{{ bountyTitle }}" has been matched with {{ guildName }}: do you accept?',
    url="/bounties/{{ bountyId }}",
    icon="📜",
    category="bounty",
    level="info",
)
def bounty_offered(bountyTitle: str, guildName: str, bountyId: str) -> None:  # noqa: N803
    """A type of our own, for a guild's leaders."""


@blueprint.get("/bounties")
@login_required
def board() -> str:
    """A page of bounties, of all or of one status, the newest first."""
    status, number = request.args.get("status", "all"), listing.page_number()
    if status not in BOARD:
        abort(404)
    found = cached.board(status, number)
    listing.require_rows(found.value["bounties"], number)
    return render_template(
        "board.html",
        found=found,
        status=status,
        statuses=BOARD,
        page=number,
        most_crowns=MOST_CROWNS,
    )


@blueprint.get("/bounties/<int:bounty_id>")
@login_required
def page(bounty_id: int) -> str:
    """One bounty, and what the signed-in user may do now."""
    bounty = _find(bounty_id)
    steps = {name for name in STEPS if _may(name, bounty, current_user)}
    guilds = _guilds_for(bounty) if "match" in steps else []
    raised = disputes.of_bounty(bounty, current_user)
    return render_template("bounty.html", bounty=bounty, steps=steps, guilds=guilds, raised=raised)


@blueprint.post("/bounties")
@login_required
def post() -> Response:
    """Puts a bounty on the board."""
    bounty = Bounty(
        title=forms.text("title", 120),
        brief=forms.text("brief", 1000),
        reward=forms.number("reward", 1, MOST_CROWNS),
        poster_id=current_user.id,
    )
    db.session.add(bounty)
    db.session.flush()
    platform.bounty_posted(bounty.told(), commit=False)
    return _done(bounty, "Your bounty is on the board.")


@blueprint.post("/bounties/<int:bounty_id>/match")
@login_required
def match(bounty_id: int) -> Response:
    """The poster has it matched, with a guild of choice or with the one that fits best."""
    bounty = _begin(bounty_id, "match")
    guild = _wanted_guild(bounty)
    _move(bounty, "match", "matched", guild_id=guild.id)
    platform.bounty_matched(bounty.told(), guild.told(), commit=False)
    offer = {"bountyTitle": bounty.title, "guildName": guild.name, "bountyId": str(bounty.id)}
    leaders = [str(user.id) for user in guild.leaders]
    rt.notifications.send(
        leaders, "bounty_offered", offer, actor=str(current_user.id), commit=False
    )
    return _done(bounty, f"Matched with {guild.name}. Its leaders have been asked.")


@blueprint.post("/bounties/<int:bounty_id>/accept")
@login_required
def accept(bounty_id: int) -> Response:
    """A leader takes it on for the guild."""
    bounty = _begin(bounty_id, "accept")
    _move(bounty, "accept", "accepted")
    platform.bounty_accepted(bounty.told(), _guild(bounty), str(current_user.id), commit=False)
    return _done(bounty, "Accepted. The poster knows.")


@blueprint.post("/bounties/<int:bounty_id>/submit")
@login_required
def submit(bounty_id: int) -> Response:
    """A member hands the work in."""
    bounty = _begin(bounty_id, "submit")
    _move(bounty, "submit", "submitted", note=forms.text("note", 1000))
    platform.bounty_submitted(bounty.told(), _guild(bounty), str(current_user.id), commit=False)
    return _done(bounty, "Handed in. The poster will review it.")


@blueprint.post("/bounties/<int:bounty_id>/review")
@login_required
def review(bounty_id: int) -> Response:
    """The poster approves, or asks for changes and the guild goes on working."""
    bounty = _begin(bounty_id, "review")
    outcome = forms.choice("outcome", "approved", CHANGES_REQUESTED)
    status = "approved" if outcome == "approved" else "accepted"
    _move(bounty, "review", status, note=forms.text("note", 1000, least=0))
    platform.bounty_reviewed(bounty.told(), _guild(bounty), outcome, commit=False)
    return _done(bounty, f"Reviewed: {outcome}. The guild knows.")


@blueprint.post("/bounties/<int:bounty_id>/complete")
@login_required
def complete(bounty_id: int) -> Response:
    """The poster pays."""
    bounty = _begin(bounty_id, "complete")
    _move(bounty, "complete", "completed")
    platform.bounty_completed(bounty.told(), _guild(bounty), bounty.worth, commit=False)
    # For everybody's leaderboard; what the guild has earned is no secret.
    rt.publish_on_commit(GLOBAL_CHANNEL, LEADERBOARD_CHANGED, {"guildId": str(bounty.guild_id)})
    return _done(bounty, f"Completed: {bounty.worth} paid.")


def _find(bounty_id: int) -> Bounty:
    return by_id(Bounty, str(bounty_id)) or abort(404)


def _may(step: str, bounty: Bounty, user: User) -> bool:
    return bounty.status in STEPS[step].states and STEPS[step].who(bounty, user)


def require(bounty_id: int, step: str, user: User) -> Bounty:
    """The bounty, for who may do this to it. Aborts with 404, 403, or 409 in another state."""
    bounty = _find(bounty_id)
    if not STEPS[step].who(bounty, user):
        abort(403, "This step is for somebody else.")
    if not _may(step, bounty, user):
        abort(409, "This bounty is at another step now.")
    return bounty


def _begin(bounty_id: int, step: str) -> Bounty:
    return require(bounty_id, step, current_user)


def _move(bounty: Bounty, step: str, status: str, **values: object) -> None:
    same_guild = Bounty.guild_id.is_not_distinct_from(bounty.guild_id)
    same_step = Bounty.status.in_(STEPS[step].states)
    change(bounty, same_step, same_guild, status=status, **values)


def _guild(bounty: Bounty) -> nexora.Guild:
    assert bounty.guild is not None  # noqa: S101 - it has one from the first match on
    return bounty.guild.told()


def _guilds_for(bounty: Bounty) -> list[Guild]:
    """Guilds without the poster in them; the one with the least work on its hands first."""
    is_in = select(Membership.guild_id).where(Membership.user_id == bounty.poster_id)
    is_busy = Bounty.status.in_(("accepted", "submitted", "approved"))
    work = (Bounty.guild_id == Guild.id) & is_busy
    query = select(Guild).where(Guild.id.not_in(is_in)).outerjoin(Bounty, work)
    query = query.group_by(Guild.id).order_by(func.count(Bounty.id), Guild.id)
    return list(db.session.scalars(query))


def _wanted_guild(bounty: Bounty) -> Guild:
    wanted = request.form.get("guild", "")
    fitting = (one for one in _guilds_for(bounty) if wanted in (str(one.id), BEST_FIT))
    return next(fitting, None) or abort(422, "Guild: please choose one of the list.")


def _done(bounty: Bounty, text: str) -> Response:
    db.session.commit()
    cached.forget_bounty(bounty)
    flash(text)
    return redirect(url_for("bounties.page", bounty_id=bounty.id))
