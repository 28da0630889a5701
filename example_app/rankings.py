"""Who is trusted, which guilds earn, what is trending, and a person's profile: all of it cached."""

from datetime import UTC, datetime, timedelta

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_login import current_user, login_required
from sqlalchemy import select
from werkzeug.wrappers import Response

from example_app import cached
from example_app.activity import VOTES, Activity
from example_app.changes import hold
from example_app.guard import refuse_other_sites
from example_app.models import Bounty, User, by_id, db

blueprint = Blueprint("rankings", __name__)
blueprint.before_request(refuse_other_sites)

VOTE_EVERY = timedelta(days=1)


@blueprint.get("/leaderboard")
@login_required
def leaderboard() -> str:
    """People by trust, and guilds by what they have earned."""
    people, guilds = cached.trust_leaders(), cached.earnings_leaders()
    return render_template("leaderboard.html", people=people, guilds=guilds)


@blueprint.get("/trending")
@login_required
def trending() -> str:
    """The bounties that people vote for."""
    return render_template("trending.html", found=cached.trending(), days=cached.TRENDING_DAYS)


@blueprint.post("/bounties/<int:bounty_id>/vote")
@login_required
def vote(bounty_id: int) -> Response:
    """Votes for a bounty, once a day."""
    bounty = by_id(Bounty, str(bounty_id)) or abort(404)
    now = datetime.now(UTC)
    # Of two clicks at once the second waits here, and then it sees the first one's vote.
    hold(bounty)
    mine = (Activity.user_id == current_user.id, Activity.bounty_id == bounty.id)
    lately = select(Activity.id).where(
        *mine, Activity.metric == VOTES, Activity.at > now - VOTE_EVERY
    )
    if db.session.scalar(lately.limit(1)) is None:
        db.session.add(Activity(user_id=current_user.id, metric=VOTES, bounty_id=bounty.id, at=now))
        db.session.commit()
        cached.forget_trending()
        flash(f"You have voted for “{bounty.title}”.")
    else:
        db.session.rollback()
        flash(f"You have voted for “{bounty.title}” today: come back tomorrow.")
    return redirect(url_for("rankings.trending"))


@blueprint.get("/people/<int:user_id>/profile")
@login_required
def profile(user_id: int) -> str:
    """One person: trust, rank, guilds, and the bounties these have done."""
    found = cached.profile((by_id(User, str(user_id)) or abort(404)).id)
    return render_template("profile.html", found=found, person=found.value or abort(404))
