"""Pages that are costly to make, through the cache; and who has to be forgotten when what changes.

The factories return plain data: rows of a session are of no use to the next request.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from example_app.activity import VOTES, Activity
from example_app.models import Bounty, Guild, Membership, User, db
from example_app.realtime import rt
from flask_nexora_rt import CacheKeys, CacheTTL
from flask_nexora_rt.cache import Fetched
from flask_nexora_rt.signals import trust_changed

Row = dict[str, Any]

BOARD_PAGE = 20
TRENDING = 10
TRENDING_DAYS = 7
LEADERS = 20
TRUST, EARNINGS = CacheKeys.leaderboard("trust"), CacheKeys.leaderboard("earnings")
_TRENDING = CacheKeys.bounty_list("trending")
_BOUNTY_LISTS = "bounty:list:"


def init_app(app: Flask) -> None:
    """Hears of what the extension changes by itself, and words ages."""
    trust_changed.connect(_on_trust_changed, app)
    app.add_template_filter(age)


def age(seconds: float) -> str:
    """How old something is, in words."""
    whole = round(seconds)
    return f"{whole} s" if whole < 120 else f"{whole // 60} min"


# -- what is kept ---------------------------------------------------------------------------------


def profile(user_id: int) -> Fetched:
    """A user with rank, guilds and work done; the value is None when there is no such user."""
    key = CacheKeys.user_profile(user_id)
    return rt.cache.fetch(key, lambda: _load_profile(user_id), CacheTTL.USER_PROFILE)


def trust_leaders() -> Fetched:
    """The users with the most trust. Who asks when the time is over gets the old list at once."""
    return rt.cache.fetch(TRUST, _load_trust, CacheTTL.LEADERBOARD, stale=CacheTTL.SHORT)


def earnings_leaders() -> Fetched:
    """The guilds that have earned most."""
    return rt.cache.fetch(EARNINGS, _load_earnings, CacheTTL.LEADERBOARD, stale=CacheTTL.SHORT)


def trending() -> Fetched:
    """The bounties that are not done with the most votes of a week."""
    return rt.cache.fetch(_TRENDING, _load_trending, CacheTTL.BOUNTY_LIST)


def board(status: str, page: int) -> Fetched:
    """A page of the bounties of a status, or "all", the newest first; `more`: there are older."""
    key = CacheKeys.bounty_list({"status": status, "page": page})
    return rt.cache.fetch(key, lambda: _load_board(status, page), CacheTTL.BOUNTY_LIST)


@rt.warm_up("leaderboards", every=CacheTTL.LEADERBOARD / 3)
def warm_leaderboards() -> None:
    """The slowest of all: nobody should be the first to ask."""
    trust_leaders()
    earnings_leaders()


# -- what is forgotten, after the commit ----------------------------------------------------------


def forget_bounty(bounty: Bounty) -> None:
    """A bounty was posted or moved: a completed one also changes what its guild has earned."""
    rt.cache.clear(_BOUNTY_LISTS)
    if bounty.status == "completed" and bounty.guild is not None:
        rt.cache.delete(EARNINGS)
        forget_people(one.user_id for one in bounty.guild.memberships)


def forget_trending() -> None:
    """Somebody has voted."""
    rt.cache.delete(_TRENDING)


def forget_people(user_ids: Iterable[object]) -> None:
    """These users' guilds, work or trust have changed. Ranks of others may be a few minutes old."""
    for user_id in user_ids:
        rt.cache.delete(CacheKeys.user_profile(user_id))


def forget_member(user_id: object) -> None:
    """Somebody has joined a guild, or has another role in it."""
    forget_people([user_id])
    rt.cache.delete(EARNINGS)


def _on_trust_changed(_: Flask, user_ids: list[str]) -> None:
    forget_people(user_ids)
    rt.cache.delete(TRUST)


# -- how it is made -------------------------------------------------------------------------------


def _load_profile(user_id: int) -> Row | None:
    user = db.session.get(User, user_id)
    if user is None:
        return None
    above = select(func.count()).where(User.trust_score > user.trust_score)
    guilds = (
        select(Guild.id, Guild.name, Membership.role)
        .join(Membership)
        .where(Membership.user_id == user_id)
        .order_by(Guild.name)
    )
    places = db.session.execute(guilds).all()
    done = select(func.count(), func.coalesce(func.sum(Bounty.reward), 0)).where(
        Bounty.status == "completed", Bounty.guild_id.in_([one.id for one in places])
    )
    count, earned = db.session.execute(done).one()
    return {
        "id": user.id,
        "login": user.login,
        "name": user.name,
        "about": user.about,
        "trust": user.trust_score,
        "rank": (db.session.scalar(above) or 0) + 1,
        "of": db.session.scalar(select(func.count(User.id))),
        "guilds": [one._asdict() for one in places],
        "done": count,
        "earned": int(earned),
    }


def _load_trust() -> list[Row]:
    query = select(User.id, User.name, User.about, User.trust_score.label("trust"))
    query = query.order_by(User.trust_score.desc(), User.id).limit(LEADERS)
    return [one._asdict() for one in db.session.execute(query)]


def _load_earnings() -> list[Row]:
    members = (
        select(func.count())
        .where(Membership.guild_id == Guild.id)
        .correlate(Guild)
        .scalar_subquery()
    )
    earned = func.sum(Bounty.reward)
    query = (
        select(
            Guild.id,
            Guild.name,
            earned.label("earned"),
            func.count(Bounty.id).label("done"),
            members.label("members"),
        )
        .join(Bounty, (Bounty.guild_id == Guild.id) & (Bounty.status == "completed"))
        .group_by(Guild.id, Guild.name)
        .order_by(earned.desc(), Guild.id)
        .limit(LEADERS)
    )
    return [{**one._asdict(), "earned": int(one.earned)} for one in db.session.execute(query)]


def _load_trending() -> list[Row]:
    since = datetime.now(UTC) - timedelta(days=TRENDING_DAYS)
    votes = (
        select(Activity.bounty_id, func.count().label("votes"))
        .where(Activity.metric == VOTES, Activity.at >= since)
        .group_by(Activity.bounty_id)
        .subquery()
    )
    query = (
        select(Bounty, votes.c.votes)
        .options(joinedload(Bounty.guild))
        .join(votes, votes.c.bounty_id == Bounty.id)
        .where(Bounty.status != "completed")
        .order_by(votes.c.votes.desc(), Bounty.id)
        .limit(TRENDING)
    )
    return [{**_shown(bounty), "votes": count} for bounty, count in db.session.execute(query)]


def _load_board(status: str, page: int) -> Row:
    query = select(Bounty).options(joinedload(Bounty.guild)).order_by(Bounty.id.desc())
    query = query if status == "all" else query.where(Bounty.status == status)
    some = query.offset((page - 1) * BOARD_PAGE).limit(BOARD_PAGE + 1)
    found = [_shown(one) for one in db.session.scalars(some)]
    return {"bounties": found[:BOARD_PAGE], "more": len(found) > BOARD_PAGE}


def _shown(bounty: Bounty) -> Row:
    return {
        "id": bounty.id,
        "title": bounty.title,
        "worth": bounty.worth,
        "status": bounty.status,
        "poster": bounty.poster.name,
        "guild": bounty.guild.name if bounty.guild else None,
    }
