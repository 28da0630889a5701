"""Becoming a guild's member, and a guild's members' roles.

Who is outside applies and leaders decide; or a leader invites and the invited decide.
"""

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_login import current_user, login_required
from sqlalchemy import delete, select
from werkzeug.wrappers import Response

from example_app import cached, forms
from example_app.changes import TOO_LATE, hold
from example_app.guard import refuse_other_sites
from example_app.models import Candidate, Guild, Membership, User, by_id, by_login, db
from example_app.realtime import platform, rt

blueprint = Blueprint("membership", __name__, url_prefix="/guilds/<int:guild_id>")

MOST_OTHERS = 100
blueprint.before_request(refuse_other_sites)


@rt.notifications.type(
    "guild_application",
    title="New Application",
    message="{{ applicantName }} would like to join {{ guildName }}",
    url="/guilds/{{ guildId }}/members",
    icon="🙋",
    category="guild",
    level="info",
)
def guild_application(applicantName: str, guildName: str, guildId: str) -> None:  # noqa: N803
    """A type of our own, for a guild's leaders."""


@blueprint.get("/members")
@login_required
def hall(guild_id: int) -> str:
    """Who is in it, for everybody; who wants to be in it, for its leaders."""
    guild = _find(guild_id)
    role = guild.role_of(current_user)
    return render_template(
        "hall.html",
        guild=guild,
        role=role,
        own=db.session.get(Candidate, (guild.id, current_user.id)),
        candidates=_candidates(guild) if role == "leader" else [],
        others=_others(guild) if role == "leader" else [],
    )


@blueprint.post("/apply")
@login_required
def apply(guild_id: int) -> Response:
    """Asks to be let in."""
    guild = _find(guild_id)
    hold(guild)
    _require_outside(guild, current_user)
    db.session.add(Candidate(guild_id=guild.id, user_id=current_user.id))
    about = {
        "applicantName": current_user.name,
        "guildName": guild.name,
        "guildId": str(guild.id),
    }
    leaders = [str(user.id) for user in guild.leaders]
    actor = str(current_user.id)
    rt.notifications.send(leaders, "guild_application", about, actor=actor, commit=False)
    return _done(guild, "You have applied. Its leaders will answer.")


@blueprint.post("/candidates/<int:user_id>")
@login_required
def answer(guild_id: int, user_id: int) -> Response:
    """A leader accepts or rejects who has applied."""
    guild = _lead(guild_id)
    accepted = forms.choice("answer", "accept", "reject") == "accept"
    user = _take_candidate(guild, user_id, invited=False)
    if accepted:
        _join(guild, user)
    platform.guild_application_answered(guild.told(), str(user.id), accepted, commit=False)
    return _done(guild, f"{user.name} {'is a member now' if accepted else 'has been told'}.", user)


@blueprint.post("/invitations")
@login_required
def invite(guild_id: int) -> Response:
    """A leader invites somebody."""
    guild = _lead(guild_id)
    user = _named(forms.text("login", 40))
    _require_outside(guild, user)
    inviter = current_user
    db.session.add(Candidate(guild_id=guild.id, user_id=user.id, invited_by_id=inviter.id))
    platform.guild_invited(
        guild.told(), str(user.id), inviter.name, actor=str(inviter.id), commit=False
    )
    return _done(guild, f"{user.name} has been invited.")


@blueprint.post("/invitation")
@login_required
def respond(guild_id: int) -> Response:
    """The invited accepts or declines."""
    guild = _find(guild_id)
    accepts = forms.choice("answer", "accept", "decline") == "accept"
    hold(guild)
    user = _take_candidate(guild, current_user.id, invited=True)
    if accepts:
        _join(guild, user)
    return _done(guild, f"Welcome to {guild.name}." if accepts else "You have declined.", user)


@blueprint.post("/members/<int:user_id>/role")
@login_required
def set_role(guild_id: int, user_id: int) -> Response:
    """A leader promotes a member, or takes a leader's role; the last one stays."""
    guild = _lead(guild_id)
    role = forms.choice("role", "leader", "member")
    membership = db.session.get(Membership, (guild.id, user_id)) or abort(404)
    if membership.role == role:
        abort(409, f"{membership.user.name} is {role} already: there is nothing to change.")
    if guild.leaders == [membership.user]:
        abort(409, "A guild has at least one leader.")
    membership.role = role
    platform.guild_role_changed(
        guild.told(),
        str(user_id),
        role.capitalize(),
        promoted=role == "leader",
        actor=str(current_user.id),
        commit=False,
    )
    return _done(guild, f"{membership.user.name} is {role} now.", membership.user)


def _join(guild: Guild, user: User) -> None:
    """Makes a member; the others are told, but not who has just let the new one in."""
    db.session.add(Membership(guild_id=guild.id, user_id=user.id))
    told = guild.told(but=current_user)
    platform.guild_member_joined(told, str(user.id), user.name, commit=False)


def _take_candidate(guild: Guild, user_id: int, invited: bool) -> User:
    """Takes somebody off the list, once: of two leaders who answer at once, one is too late."""
    kind = Candidate.invited_by_id.is_not(None) if invited else Candidate.invited_by_id.is_(None)
    whom = (Candidate.guild_id == guild.id, Candidate.user_id == user_id, kind)
    taken = delete(Candidate).where(*whom).returning(Candidate.user_id)
    if db.session.scalar(taken) is None:
        db.session.rollback()
        abort(409, TOO_LATE)
    return db.session.get_one(User, user_id)


def _find(guild_id: int) -> Guild:
    return by_id(Guild, str(guild_id)) or abort(404)


def _lead(guild_id: int) -> Guild:
    """The guild, for its leaders; whoever else changes its members waits."""
    guild = _find(guild_id)
    hold(guild)
    if guild.role_of(current_user) != "leader":
        db.session.rollback()
        abort(403, "This is for the guild's leaders.")
    return guild


def _named(login: str) -> User:
    return by_login(login.removeprefix("@")) or abort(
        422, f"Nobody here signs in as “{login}”: look for their login, such as @carol, in People."
    )


def _require_outside(guild: Guild, user: User) -> None:
    is_candidate = db.session.get(Candidate, (guild.id, user.id)) is not None
    if is_candidate or guild.role_of(user) is not None:
        abort(409, f"{user.name} has applied, is invited, or is a member already.")


def _candidates(guild: Guild) -> list[Candidate]:
    query = select(Candidate).filter_by(guild_id=guild.id).order_by(Candidate.user_id)
    return list(db.session.scalars(query))


def _others(guild: Guild) -> list[User]:
    """Some of those who may be invited: others are invited by their login as well."""
    members = select(Membership.user_id).where(Membership.guild_id == guild.id)
    known = members.union(select(Candidate.user_id).where(Candidate.guild_id == guild.id))
    query = select(User).where(User.id.not_in(known)).order_by(User.id).limit(MOST_OTHERS)
    return sorted(db.session.scalars(query), key=lambda user: user.name)


def _done(guild: Guild, text: str, changed: User | None = None) -> Response:
    """`changed`: whose place in the guild it was about."""
    db.session.commit()
    if changed is not None:
        cached.forget_member(changed.id)
    flash(text)
    return redirect(url_for("membership.hall", guild_id=guild.id))
