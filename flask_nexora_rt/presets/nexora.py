"""Nexora, guilds that take on bounties: its names, and what happens there.

`Nexora` has one method per thing that happens. Each publishes the event where it belongs and
notifies whom it concerns, in one transaction: the host's, with ``commit=False``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ..extension import NexoraRT
from ..notifications import Notice
from ..state import current_state
from ..transaction import transaction
from ..vocabulary import GLOBAL_CHANNEL, Events, dispute, dm, global_channel, guild, user

__all__ = [
    "GLOBAL_CHANNEL",
    "Bounty",
    "Dispute",
    "Events",
    "Guild",
    "Nexora",
    "dispute",
    "dm",
    "global_channel",
    "guild",
    "user",
]


class Bounty(NamedTuple):
    """A piece of work on offer, and who has posted it."""

    id: str
    title: str
    poster_id: str


class Guild(NamedTuple):
    """A guild and its members."""

    id: str
    name: str
    member_ids: Sequence[str] = ()


class Dispute(NamedTuple):
    """A dispute and its parties."""

    id: str
    title: str
    party_ids: Sequence[str] = ()


class Nexora:
    """What happens on the platform, told by ``rt``.

    Events go to channels whose holders the host has let in: a guild's, a dispute's, the platform's,
    and users' own. ``actor``: the user id of who did it, who is not notified of it. Methods raise
    what `NexoraRT.publish_on_commit` and `NotificationService.send` raise.
    """

    def __init__(self, rt: NexoraRT) -> None:
        self._rt = rt

    def _tell(
        self,
        event: Events | None,
        channels: Iterable[str],
        body: dict[str, Any],
        notices: Iterable[Notice],
        commit: bool,
    ) -> None:
        """Publish and notify in one transaction; nobody is notified of what they did themselves."""
        others = [_without_actor(notice) for notice in notices]
        told = [notice for notice in others if notice.user_ids]
        with transaction(current_state().db.session, commit):
            if event is not None:
                self._rt.publish_on_commit(list(dict.fromkeys(channels)), event, body)
            if told:
                self._rt.notifications.send_all(told, commit=False)

    # -- bounties -----------------------------------------------------------------------------

    def bounty_posted(self, bounty: Bounty, commit: bool = True) -> None:
        """Publish ``bounty:new`` on ``platform-global``: ``{"bountyId", "title", "posterId"}``."""
        body = {"bountyId": bounty.id, "title": bounty.title, "posterId": bounty.poster_id}
        self._tell(Events.BOUNTY_NEW, [GLOBAL_CHANNEL], body, [], commit)

    def bounty_matched(self, bounty: Bounty, guild: Guild, commit: bool = True) -> None:
        """Notify the poster that a guild fits (``bounty_matched``); there is no event."""
        data = _about(bounty, guild)
        self._tell(None, [], {}, [Notice(bounty.poster_id, "bounty_matched", data)], commit)

    def bounty_accepted(
        self, bounty: Bounty, guild: Guild, actor: str | None = None, commit: bool = True
    ) -> None:
        """Publish ``bounty:accepted`` to the guild and the poster; notify the poster."""
        notice = Notice(bounty.poster_id, "bounty_accepted", _about(bounty, guild), actor=actor)
        self._bounty(Events.BOUNTY_ACCEPTED, bounty, guild, {}, [notice], commit)

    def bounty_submitted(
        self, bounty: Bounty, guild: Guild, actor: str | None = None, commit: bool = True
    ) -> None:
        """Publish ``bounty:submitted`` to the guild and the poster; notify the poster."""
        notice = Notice(bounty.poster_id, "bounty_submitted", _about(bounty, guild), actor=actor)
        self._bounty(Events.BOUNTY_SUBMITTED, bounty, guild, {}, [notice], commit)

    def bounty_reviewed(
        self, bounty: Bounty, guild: Guild, outcome: str | None = None, commit: bool = True
    ) -> None:
        """Publish ``bounty:reviewed`` to the guild and the poster; notify the guild's members."""
        data = {"bountyTitle": bounty.title, "bountyId": bounty.id, "guildId": guild.id}
        data |= {} if outcome is None else {"outcome": outcome}
        readers = _but(guild.member_ids, bounty.poster_id)
        notice = Notice(readers, "bounty_reviewed", data, actor=bounty.poster_id)
        self._bounty(Events.BOUNTY_REVIEWED, bounty, guild, {"outcome": outcome}, [notice], commit)

    def bounty_completed(
        self, bounty: Bounty, guild: Guild, amount: str | None = None, commit: bool = True
    ) -> None:
        """Notify poster and guild that it is done and paid; there is no event."""
        data = {"bountyTitle": bounty.title, "bountyId": bounty.id, "guildId": guild.id}
        data |= {} if amount is None else {"amount": amount}
        readers = sorted({bounty.poster_id, *guild.member_ids})
        self._tell(None, [], {}, [Notice(readers, "bounty_completed", data)], commit)

    def _bounty(
        self,
        event: Events,
        bounty: Bounty,
        to: Guild,
        more: dict[str, Any],
        notices: Sequence[Notice],
        commit: bool,
    ) -> None:
        body = {"bountyId": bounty.id, "title": bounty.title, "guildId": to.id, **more}
        channels = [guild(to.id), user(bounty.poster_id)]
        self._tell(event, channels, body, notices, commit)

    # -- guilds -------------------------------------------------------------------------------

    def guild_member_joined(
        self, joined: Guild, member_id: str, member_name: str, commit: bool = True
    ) -> None:
        """Publish ``guild:member-join`` to the guild; notify its other members."""
        data = {"guildName": joined.name, "memberName": member_name, "guildId": joined.id}
        readers = _but(joined.member_ids, member_id)
        notice = Notice(readers, "guild_member_joined", data, actor=member_id)
        body = {"guildId": joined.id, "userId": member_id, "name": member_name}
        self._tell(Events.GUILD_MEMBER_JOIN, [guild(joined.id)], body, [notice], commit)

    def guild_updated(self, changed: Guild, commit: bool = True, **changes: Any) -> None:
        """Publish ``guild:updated`` to the guild: ``{"guildId", "name", ...changes}``."""
        body = {"guildId": changed.id, "name": changed.name, **changes}
        self._tell(Events.GUILD_UPDATED, [guild(changed.id)], body, [], commit)

    def guild_application_answered(
        self, to: Guild, user_id: str, accepted: bool, commit: bool = True
    ) -> None:
        """Notify who has applied: ``guild_application_accepted`` or ``..._rejected``."""
        kind = "guild_application_accepted" if accepted else "guild_application_rejected"
        data = {"guildName": to.name, "guildId": to.id}
        self._tell(None, [], {}, [Notice(user_id, kind, data)], commit)

    def guild_invited(
        self,
        to: Guild,
        user_id: str,
        inviter_name: str | None = None,
        actor: str | None = None,
        commit: bool = True,
    ) -> None:
        """Notify who is invited (``guild_invite``)."""
        data = {"guildName": to.name, "guildId": to.id}
        data |= {} if inviter_name is None else {"inviterName": inviter_name}
        self._tell(None, [], {}, [Notice(user_id, "guild_invite", data, actor=actor)], commit)

    def guild_role_changed(
        self,
        of: Guild,
        user_id: str,
        role: str,
        promoted: bool,
        actor: str | None = None,
        commit: bool = True,
    ) -> None:
        """Publish ``guild:updated`` to the guild; notify the member."""
        kind = "guild_promoted" if promoted else "guild_demoted"
        data = {"guildName": of.name, "newRole": role, "guildId": of.id}
        notice = Notice(user_id, kind, data, actor=actor)
        body = {"guildId": of.id, "name": of.name, "userId": user_id, "role": role}
        self._tell(Events.GUILD_UPDATED, [guild(of.id)], body, [notice], commit)

    # -- disputes -----------------------------------------------------------------------------

    def dispute_raised(self, raised: Dispute, raised_by: str, commit: bool = True) -> None:
        """Publish ``dispute:raised`` to the dispute and its parties; notify the other parties."""
        data = {**_of(raised), "raisedBy": raised_by}
        notice = Notice(_but(raised.party_ids, raised_by), "dispute_raised", data, actor=raised_by)
        self._dispute(Events.DISPUTE_RAISED, raised, {"raisedBy": raised_by}, [notice], commit)

    def dispute_escalated(self, raised: Dispute, tier: int, commit: bool = True) -> None:
        """Publish ``dispute:escalated`` to the dispute and its parties; notify the parties."""
        notice = Notice(raised.party_ids, "dispute_escalated", {**_of(raised), "tier": tier})
        self._dispute(Events.DISPUTE_ESCALATED, raised, {"tier": tier}, [notice], commit)

    def tribunal_voting_started(
        self,
        raised: Dispute,
        juror_ids: Sequence[str],
        deadline: str | None = None,
        commit: bool = True,
    ) -> None:
        """Notify the parties that voting has begun, and the jurors that they are to vote."""
        data = _of(raised)
        due = data if deadline is None else {**data, "deadline": deadline}
        notices = [
            Notice(raised.party_ids, "tribunal_voting_started", data),
            Notice(juror_ids, "tribunal_vote_needed", due),
        ]
        self._tell(None, [], {}, notices, commit)

    def dispute_resolved(self, raised: Dispute, outcome: str, commit: bool = True) -> None:
        """Publish ``dispute:resolved`` to the dispute and its parties; notify the parties."""
        notice = Notice(raised.party_ids, "dispute_resolved", {**_of(raised), "outcome": outcome})
        self._dispute(Events.DISPUTE_RESOLVED, raised, {"outcome": outcome}, [notice], commit)

    def _dispute(
        self,
        event: Events,
        raised: Dispute,
        more: dict[str, Any],
        notices: Sequence[Notice],
        commit: bool,
    ) -> None:
        body = {"disputeId": raised.id, "title": raised.title, **more}
        channels = [dispute(raised.id), *map(user, raised.party_ids)]
        self._tell(event, channels, body, notices, commit)

    # -- users and the platform ---------------------------------------------------------------

    def rank_changed(
        self,
        user_id: str,
        new_rank: str,
        increased: bool,
        old_rank: str | None = None,
        commit: bool = True,
    ) -> None:
        """Publish ``user:rank-changed`` to the user and notify it; going down has its own text."""
        data: dict[str, Any] = {"newRank": new_rank, "increased": increased}
        data |= {} if old_rank is None else {"oldRank": old_rank}
        self._user(Events.USER_RANK_CHANGED, user_id, "rank_changed", data, commit)

    def trust_changed(
        self,
        user_id: str,
        new_score: int,
        old_score: int | None = None,
        reason: str | None = None,
        commit: bool = True,
    ) -> None:
        """Publish ``user:trust-changed`` to the user and notify it."""
        known = {"newScore": new_score, "oldScore": old_score, "reason": reason}
        data = {name: value for name, value in known.items() if value is not None}
        self._user(Events.USER_TRUST_CHANGED, user_id, "trust_score_changed", data, commit)

    def _user(
        self, event: Events, user_id: str, kind: str, data: dict[str, Any], commit: bool
    ) -> None:
        body = {"userId": user_id, **data}
        self._tell(event, [user(user_id)], body, [Notice(user_id, kind, data)], commit)

    def announce(
        self,
        user_ids: Iterable[str],
        title: str,
        message: str,
        url: str | None = None,
        commit: bool = True,
    ) -> None:
        """Notify these users of something (``platform_announcement``): nobody can mute it."""
        data = {"title": title, "message": message} | ({} if url is None else {"url": url})
        notice = Notice(list(user_ids), "platform_announcement", data)
        self._tell(None, [], {}, [notice], commit)


def _about(bounty: Bounty, of: Guild) -> dict[str, Any]:
    names = {"bountyTitle": bounty.title, "guildName": of.name}
    return {**names, "bountyId": bounty.id, "guildId": of.id}


def _of(raised: Dispute) -> dict[str, Any]:
    return {"disputeTitle": raised.title, "disputeId": raised.id}


def _without_actor(notice: Notice) -> Notice:
    readers = [notice.user_ids] if isinstance(notice.user_ids, str) else notice.user_ids
    return notice._replace(user_ids=[one for one in readers if one != notice.actor])


def _but(user_ids: Iterable[str], one: str) -> list[str]:
    return [user_id for user_id in user_ids if user_id != one]
