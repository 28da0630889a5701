"""Several people act at the same moment on two workers: one is first, the others are told so."""

import threading

import pytest

from tests.browser.hall import Hall

CHART, GRANARY = "/bounties/3", "/bounties/4"  # accepted and submitted, both by the Mapmakers
MAPMAKERS = "/guilds/1"


@pytest.fixture
def hall(start_demo, redis_url, postgres_url):
    server = start_demo(redis_url, workers=2, env={"DEMO_DATABASE_URI": postgres_url})
    with Hall(server) as everybody:
        yield everybody


def at_once(*acts):
    """Runs functions in threads; what they return, in no order."""
    results = []
    threads = [threading.Thread(target=lambda act=act: results.append(act())) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(results)


def test_a_step_is_taken_once_and_no_vote_is_lost(hall):
    def submit(login):
        return lambda: hall[login].refused(f"{CHART}/submit", note=login)

    assert at_once(submit("alice"), submit("bob"), submit("dan")) == [302, 409, 409]
    assert hall.told() == {"grace": ["bounty_submitted"]}

    path = hall["carol"].post(f"{GRANARY}/dispute", title="The cellar is missing")
    hall["carol"].post(f"{path}/escalate")
    hall["erin"].post(f"{path}/voting")
    hall.told()

    def vote(login):
        return lambda: hall[login].refused(f"{path}/votes", **{"for": hall["alice"].id})

    # Twice each: nobody has two votes.
    votes = at_once(*(vote(login) for login in ("erin", "grace", "frank") * 2))
    assert votes == [302] * 3 + [409] * 3
    assert hall.told() == {login: ["dispute_resolved"] for login in ("alice", "carol")}
    assert "3 to 0" in hall["alice"].get(path).text

    hall["alice"].post(f"{MAPMAKERS}/members/{hall['bob'].id}/role", role="leader")
    hall.told()

    def demote(login, other):
        return lambda: hall[login].refused(
            f"{MAPMAKERS}/members/{hall[other].id}/role", role="member"
        )

    # Two leaders demote each other: the guild keeps one.
    assert at_once(demote("alice", "bob"), demote("bob", "alice"))[0] == 302
    assert sorted(hall.told().values()) == [["guild_demoted"]]

    form = {"key": "one form", "title": "Assembly", "message": "At noon"}
    announce = lambda: hall["grace"].refused("/announcements", **form)  # noqa: E731
    assert at_once(announce, announce, announce) == [302, 302, 302]
    assert hall.told() == {login: ["platform_announcement"] for login in hall.logins}
