"""Disputes about bounties: the parties and the tribunal talk in a thread of their own."""

from typing import Any

from flask import Blueprint, render_template
from flask_login import current_user, login_required
from sqlalchemy import or_, select
from sqlalchemy.orm import selectinload

from example_app import conversations
from example_app.conversations import Conversation, Kind, Participant
from example_app.models import Bounty, Dispute, User, by_id, db
from example_app.realtime import rt
from flask_nexora_rt.presets import nexora

blueprint = Blueprint("disputes", __name__)


@rt.channel("dispute-{dispute_id:int}", presence=True)
def may_follow(user: Any, dispute_id: str) -> bool:
    """The two parties and the tribunal."""
    thread = find(dispute_id)
    return thread is not None and thread.participant(user.id) is not None


@blueprint.get("/disputes")
@login_required
def overview() -> str:
    """The disputes the signed-in user has a part in."""
    return render_template("disputes.html", disputes=of_user(current_user))


@blueprint.get("/disputes/<int:dispute_id>")
@login_required
def thread(dispute_id: int) -> str:
    """One dispute's thread."""
    return conversations.show(find(str(dispute_id)))


def find(dispute_id: str) -> Conversation | None:
    """The thread of a dispute, by the dispute's id."""
    dispute = by_id(Dispute, dispute_id)
    return None if dispute is None else _conversation(dispute)


def of_user(user: User) -> list[Conversation]:
    """The threads a user is in."""
    takes_part = or_(
        Dispute.raised_by_id == user.id,
        Dispute.against_id == user.id,
        Dispute.tribunal.any(User.id == user.id),
    )
    query = select(Dispute).where(takes_part).order_by(Dispute.id)
    people = map(selectinload, (Dispute.raised_by, Dispute.against, Dispute.tribunal))
    return [_conversation(dispute) for dispute in db.session.scalars(query.options(*people))]


def of_bounty(bounty: Bounty, user: User) -> Dispute | None:
    """The dispute about it that the user has raised and that is not resolved yet, if any."""
    same = Dispute.bounty_id == bounty.id, Dispute.raised_by_id == user.id
    query = select(Dispute).where(*same, Dispute.status != "resolved").order_by(Dispute.id)
    return db.session.scalar(query.limit(1))


def _conversation(dispute: Dispute) -> Conversation:
    return Conversation(
        id=nexora.dispute(dispute.id),
        kind="dispute",
        title=dispute.title,
        topic=dispute.bounty,
        endpoint="disputes.thread",
        key={"dispute_id": dispute.id},
        participants=[
            Participant(dispute.raised_by, "Raised it"),
            Participant(dispute.against, "Answers"),
            *(Participant(user, "Tribunal", moderates=True) for user in dispute.tribunal),
        ],
        facts=_facts(dispute),
        panel="dispute_case.html",
        subject=dispute,
    )


def _facts(dispute: Dispute) -> dict[str, str]:
    facts = {"Status": dispute.status.capitalize(), "Bounty": dispute.bounty}
    return {**facts, "Outcome": dispute.outcome} if dispute.outcome else facts


KIND = Kind("dispute", "Disputes", "disputes.overview", find, of_user)
