"""Becoming a member, and changing roles: who is told, and who may do it."""

MAPMAKERS, NIGHT_WATCH = "/guilds/1", "/guilds/2"


def test_an_application_is_accepted(hall):
    dan, carol = hall["dan"], hall["carol"]
    assert dan.ask("GET", "/messages?conversationId=guild-2").status_code == 403

    dan.post(f"{NIGHT_WATCH}/apply")
    assert hall.told() == {"carol": ["guild_application"]}

    carol.post(f"{NIGHT_WATCH}/candidates/{dan.id}", answer="accept")
    assert hall.told() == {
        "dan": ["guild_application_accepted"],
        "alice": ["guild_member_joined"],
        "erin": ["guild_member_joined"],
    }
    assert dan.ask("GET", "/messages?conversationId=guild-2").status_code == 200
    assert carol.refused(f"{NIGHT_WATCH}/candidates/{dan.id}", answer="accept") == 409


def test_an_application_is_rejected_and_may_be_made_again(hall):
    bob = hall["bob"]
    bob.post(f"{NIGHT_WATCH}/apply")
    hall.told()

    hall["carol"].post(f"{NIGHT_WATCH}/candidates/{bob.id}", answer="reject")

    assert hall.told() == {"bob": ["guild_application_rejected"]}
    assert bob.ask("GET", "/messages?conversationId=guild-2").status_code == 403
    assert bob.get(NIGHT_WATCH).url.endswith("/guilds/2/members")
    bob.post(f"{NIGHT_WATCH}/apply")
    assert bob.refused(f"{NIGHT_WATCH}/apply") == 409


def test_an_invitation_is_accepted(hall):
    grace = hall["grace"]
    hall["alice"].post(f"{MAPMAKERS}/invitations", login=grace.login)
    assert hall.told() == {"grace": ["guild_invite"]}

    grace.post(f"{MAPMAKERS}/invitation", answer="accept")

    joined = {login: ["guild_member_joined"] for login in ("alice", "bob", "dan")}
    assert hall.told() == joined
    assert grace.get(MAPMAKERS).url.endswith("/guilds/1")


def test_nobody_lets_themselves_in(hall):
    frank = hall["frank"]  # has applied

    assert frank.refused(f"{NIGHT_WATCH}/candidates/{frank.id}", answer="accept") == 403
    assert frank.refused(f"{NIGHT_WATCH}/invitation", answer="accept") == 409
    assert hall["erin"].refused(f"{NIGHT_WATCH}/candidates/{frank.id}", answer="accept") == 403
    assert hall.told() == {}


def test_roles_are_changed_by_leaders_and_one_leader_stays(hall):
    alice, bob = hall["alice"], hall["bob"]
    status, words = alice.refusal(f"{MAPMAKERS}/members/{alice.id}/role", role="member")
    assert (status, "has at least one leader" in words) == (409, True)
    status, words = alice.refusal(f"{MAPMAKERS}/members/{alice.id}/role", role="leader")
    assert (status, "Alice Moreau is leader already" in words) == (409, True)
    assert bob.refused(f"{MAPMAKERS}/members/{bob.id}/role", role="leader") == 403

    alice.post(f"{MAPMAKERS}/members/{bob.id}/role", role="leader")
    assert hall.told() == {"bob": ["guild_promoted"]}

    bob.post(f"{MAPMAKERS}/members/{alice.id}/role", role="member")
    assert hall.told() == {"alice": ["guild_demoted"]}
    assert alice.refused(f"{MAPMAKERS}/members/{bob.id}/role", role="member") == 403
