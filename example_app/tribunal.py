"""What happens to a dispute: raised, escalated, voted on, resolved.

Each step changes the row and tells the parties, and the jurors when they are to vote, in one
transaction.
"""

from collections import Counter

from flask import Blueprint, abort, flash, redirect, url_for
from flask_login import current_user, login_required
from sqlalchemy import select
from werkzeug.wrappers import Response

from example_app import bounties, disputes, forms
from example_app.changes import Elsewhere, change, hold
from example_app.guard import refuse_other_sites
from example_app.models import Bounty, Dispute, User, Vote, by_id, db
from example_app.realtime import platform

blueprint = Blueprint("tribunal", __name__)
blueprint.before_request(refuse_other_sites)

JURORS = 3
TRIBUNAL_TIER = 2
DAYS_TO_VOTE = "in three days"


@blueprint.post("/bounties/<int:bounty_id>/dispute")
@login_required
def raise_dispute(bounty_id: int) -> Response:
    """The poster raises one against the guild's leader, or a leader against the poster."""
    bounty = bounties.require(bounty_id, "dispute", current_user)
    assert bounty.guild is not None  # noqa: S101 - the step asks for a guild at work
    raiser = db.session.get_one(User, current_user.id)
    # Of two clicks at once the second waits here, and then it sees the first one's dispute.
    hold(bounty)
    _refuse_a_second(bounty, raiser)
    against = bounty.guild.leaders[0] if bounties.is_poster(bounty, raiser) else bounty.poster
    dispute = Dispute(
        title=forms.text("title", 120),
        bounty=f"{bounty.title}, {bounty.worth}",
        bounty_id=bounty.id,
        raised_by=raiser,
        against=against,
    )
    db.session.add(dispute)
    db.session.flush()
    platform.dispute_raised(dispute.told(), str(raiser.id), commit=False)
    return _done(dispute, f"{against.name} has been told. This is your thread.")


@blueprint.post("/disputes/<int:dispute_id>/escalate")
@login_required
def escalate(dispute_id: int) -> Response:
    """A party brings it before a tribunal, which is drawn here."""
    dispute = _find(dispute_id)
    _require(current_user in dispute.parties, "A dispute is escalated by its parties.")
    change(dispute, Dispute.status == "open", status="escalated")
    dispute.tribunal = _draw(dispute)
    platform.dispute_escalated(dispute.told(), TRIBUNAL_TIER, commit=False)
    return _done(dispute, "Escalated. A tribunal has been drawn.")


@blueprint.post("/disputes/<int:dispute_id>/voting")
@login_required
def start_voting(dispute_id: int) -> Response:
    """A juror opens the vote."""
    dispute = _find(dispute_id)
    _require(current_user in dispute.tribunal, "The tribunal opens its vote itself.")
    change(dispute, Dispute.status == "escalated", status="voting")
    jurors = [str(juror.id) for juror in dispute.tribunal]
    platform.tribunal_voting_started(dispute.told(), jurors, DAYS_TO_VOTE, commit=False)
    return _done(dispute, "The vote is open.")


@blueprint.post("/disputes/<int:dispute_id>/votes")
@login_required
def vote(dispute_id: int) -> Response:
    """A juror votes, once; the last vote resolves the dispute."""
    dispute = _find(dispute_id)
    _require(current_user in dispute.tribunal, "Only the tribunal votes.")
    party = forms.choice("for", *(str(user.id) for user in dispute.parties))
    # The last two votes at once: the second has to count the first one, too.
    change(dispute, Dispute.status == "voting", status="voting")
    if db.session.get(Vote, (dispute.id, current_user.id)) is not None:
        db.session.rollback()
        abort(409, "You have voted.")
    dispute.votes.append(Vote(user_id=current_user.id, for_id=int(party)))
    if len(dispute.votes) == len(dispute.tribunal):
        _resolve(dispute, _verdict(dispute))
    return _done(dispute, "Your vote counts.")


@blueprint.post("/disputes/<int:dispute_id>/withdraw")
@login_required
def withdraw(dispute_id: int) -> Response:
    """Who has raised it lets it go."""
    dispute = _find(dispute_id)
    _require(current_user == dispute.raised_by, "It is withdrawn by who has raised it.")
    hold(dispute)
    if dispute.status == "resolved":
        db.session.rollback()
        abort(409, "It has been resolved.")
    _resolve(dispute, f"withdrawn by {dispute.raised_by.name}")
    return _done(dispute, "Withdrawn.")


def _refuse_a_second(bounty: Bounty, raiser: User) -> None:
    raised = disputes.of_bounty(bounty, raiser)
    if raised is not None:
        url = url_for("disputes.thread", dispute_id=raised.id)
        db.session.rollback()
        raise Elsewhere("You have raised a dispute about this bounty already.", url, "Open it")


def _resolve(dispute: Dispute, outcome: str) -> None:
    dispute.status, dispute.outcome = "resolved", outcome
    platform.dispute_resolved(dispute.told(), outcome, commit=False)


def _verdict(dispute: Dispute) -> str:
    votes = Counter(one.for_id for one in dispute.votes)
    first, second = (votes[user.id] for user in dispute.parties)
    if first == second:
        return f"a tie, {first} to {second}: both parties share the reward"
    winner = dispute.raised_by if first > second else dispute.against
    return f"in favour of {winner.name}, {max(first, second)} to {min(first, second)}"


def _draw(dispute: Dispute) -> list[User]:
    """The tribunal: who is on it already, then those with the most trust; never a party."""
    parties = [user.id for user in dispute.parties]
    query = select(User).where(User.id.not_in(parties)).order_by(User.trust_score.desc(), User.id)
    drawn = dict.fromkeys([*dispute.tribunal, *db.session.scalars(query.limit(JURORS))])
    return list(drawn)[:JURORS]


def _find(dispute_id: int) -> Dispute:
    return by_id(Dispute, str(dispute_id)) or abort(404)


def _require(may: bool, problem: str) -> None:
    if not may:
        abort(403, problem)


def _done(dispute: Dispute, text: str) -> Response:
    db.session.commit()
    flash(text)
    return redirect(url_for("disputes.thread", dispute_id=dispute.id))
