"""What happens on Nexora: the event where it belongs, the notification to whom it concerns."""

import pytest
from flask_sqlalchemy import SQLAlchemy

from flask_nexora_rt import NexoraRT
from flask_nexora_rt.presets.nexora import Bounty, Dispute, Events, Guild, Nexora
from flask_nexora_rt.testing import Kit, make_app, sign_in

BOUNTY = Bounty("7", "Northern chart", "poster")
GUILD = Guild("3", "Mapmakers", ("ann", "bob"))
DISPUTE = Dispute("9", "Late delivery", ("poster", "ann"))


class Platform:
    """A host on `memory://` and SQLite."""

    def __init__(self):
        self.rt, db = NexoraRT(), SQLAlchemy()
        self.rt.channel("platform-global", public=True)
        self.rt.channel("guild-{id}")(lambda user, id: user.id in GUILD.member_ids)
        self.rt.channel("dispute-{id}")(lambda user, id: user.id in DISPUTE.party_ids)
        self.app = make_app(self.rt, db=db, SQLALCHEMY_DATABASE_URI="sqlite://")
        self.db, self.kit, self.nexora = db, Kit(self.app), Nexora(self.rt)

    def stream(self, user, *channels):
        client = sign_in(self.app.test_client(), user)
        return self.kit.stream(client, f"private-user-{user}", *channels)

    def told(self, user):
        page = self.rt.notifications.list(user)["notifications"]
        return [(one["type"], one["message"]) for one in page]


@pytest.fixture
def platform():
    made = Platform()
    with made.app.app_context():
        made.db.create_all()
        yield made
        made.db.session.remove()
        made.db.drop_all()
    made.kit.close()


def test_a_bounty_goes_its_way(platform):
    nexora = platform.nexora
    with platform.stream("ann", "guild-3", "platform-global") as ann:
        nexora.bounty_posted(BOUNTY)
        nexora.bounty_matched(BOUNTY, GUILD)
        nexora.bounty_accepted(BOUNTY, GUILD, actor="ann")
        nexora.bounty_submitted(BOUNTY, GUILD)
        nexora.bounty_reviewed(BOUNTY, GUILD, outcome="accepted")
        nexora.bounty_completed(BOUNTY, GUILD, amount="400 gold")
        seen = ann.take(6)

    assert [event.name for event in seen] == [
        Events.BOUNTY_NEW,
        Events.BOUNTY_ACCEPTED,
        Events.BOUNTY_SUBMITTED,
        Events.BOUNTY_REVIEWED,
        Events.NOTIFICATION_NEW,
        Events.NOTIFICATION_NEW,
    ]
    assert seen[1].payload == {"bountyId": "7", "title": "Northern chart", "guildId": "3"}
    assert [kind for kind, _ in platform.told("poster")] == [
        "bounty_completed",
        "bounty_submitted",
        "bounty_accepted",
        "bounty_matched",
    ]
    assert platform.told("bob") == [
        ("bounty_completed", '"Northern chart" is complete, the payment of 400 gold has been sent'),
        ("bounty_reviewed", 'Your submission for "Northern chart" has been reviewed: accepted'),
    ]


def test_a_guild_hears_of_its_members(platform):
    nexora = platform.nexora
    with platform.stream("ann", "guild-3") as ann:
        nexora.guild_invited(GUILD, "cid", inviter_name="Ann", actor="ann")
        nexora.guild_application_answered(GUILD, "cid", accepted=True)
        nexora.guild_application_answered(GUILD, "dan", accepted=False)
        nexora.guild_member_joined(GUILD, "cid", "Cid")
        nexora.guild_role_changed(GUILD, "cid", "scout", promoted=True)
        nexora.guild_role_changed(GUILD, "cid", "guest", promoted=False)
        nexora.guild_updated(GUILD, purpose="Charts")
        seen = ann.take(5)

    assert [event.name for event in seen] == [
        Events.GUILD_MEMBER_JOIN,
        Events.NOTIFICATION_NEW,
        *[Events.GUILD_UPDATED] * 3,
    ]
    assert seen[-1].payload == {"guildId": "3", "name": "Mapmakers", "purpose": "Charts"}
    assert [kind for kind, _ in platform.told("cid")] == [
        "guild_demoted",
        "guild_promoted",
        "guild_application_accepted",
        "guild_invite",
    ]
    assert platform.told("dan")[0][0] == "guild_application_rejected"
    assert platform.told("bob") == [("guild_member_joined", "Cid has joined Mapmakers")]


def test_a_dispute_is_fought_out(platform):
    nexora = platform.nexora
    with platform.stream("ann", "dispute-9") as ann:
        nexora.dispute_raised(DISPUTE, "poster")
        nexora.dispute_escalated(DISPUTE, tier=2)
        nexora.tribunal_voting_started(DISPUTE, ["juror"], deadline="Friday")
        nexora.dispute_resolved(DISPUTE, "in favour of Ann")
        names = [event.name for event in ann.take(10) if event.name.startswith("dispute")]

    # Twice each: on the dispute's channel, and on Ann's own.
    assert names == [
        name
        for event in (Events.DISPUTE_RAISED, Events.DISPUTE_ESCALATED, Events.DISPUTE_RESOLVED)
        for name in (event, event)
    ]
    assert [kind for kind, _ in platform.told("poster")] == [
        "dispute_resolved",
        "tribunal_voting_started",
        "dispute_escalated",
    ]
    assert platform.told("ann")[-1][0] == "dispute_raised"
    assert platform.told("juror") == [
        ("tribunal_vote_needed", 'The tribunal needs your vote on "Late delivery"')
    ]


def test_ranks_and_trust_are_told_to_whom_they_belong(platform):
    with platform.stream("ann") as ann:
        platform.nexora.rank_changed("ann", "Master", increased=True)
        platform.nexora.rank_changed("ann", "Scout", increased=False, old_rank="Master")
        platform.nexora.trust_changed("ann", 590, old_score=600, reason="inactivity")
        platform.nexora.announce(["ann", "bob"], "Tonight", "We move house", "/news/1")
        names = [event.name for event in ann.take(7)]

    assert names[::2] == [
        Events.USER_RANK_CHANGED,
        Events.USER_RANK_CHANGED,
        Events.USER_TRUST_CHANGED,
        Events.NOTIFICATION_NEW,
    ]
    assert [message for _, message in platform.told("ann")] == [
        "We move house",
        "Your trust score is now 590: inactivity",
        "Your rank is now Scout",
        "You've advanced to Master rank",
    ]
    assert platform.told("bob") == [("platform_announcement", "We move house")]


def test_the_hosts_rollback_takes_event_and_notification_back(platform):
    with platform.stream("ann", "guild-3") as ann:
        platform.nexora.guild_member_joined(GUILD, "cid", "Cid", commit=False)
        platform.db.session.rollback()
        platform.nexora.guild_updated(GUILD)
        assert [event.name for event in ann.take(1)] == [Events.GUILD_UPDATED]

    assert platform.told("bob") == []


def test_what_is_wrong_publishes_nothing(platform):
    with platform.stream("ann", "guild-3") as ann:
        with pytest.raises(ValueError, match="correct the fields"):
            platform.nexora.guild_member_joined(GUILD._replace(member_ids=["", "x"]), "cid", "Cid")
        platform.nexora.guild_updated(GUILD)
        assert [event.name for event in ann.take(1)] == [Events.GUILD_UPDATED]


def test_nobody_is_notified_of_what_they_did_themselves(platform):
    platform.nexora.bounty_accepted(BOUNTY, GUILD, actor="poster")
    platform.nexora.bounty_submitted(BOUNTY, GUILD, actor="poster")
    platform.nexora.guild_role_changed(GUILD, "ann", "Master", promoted=True, actor="ann")
    platform.nexora.guild_invited(GUILD, "ann", actor="ann")

    assert platform.told("poster") == platform.told("ann") == []
