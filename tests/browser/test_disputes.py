"""A dispute's way from a bounty to a verdict: the parties and the jurors are told, nobody else."""

import pytest
from playwright.sync_api import expect

from tests.browser.hall import number_in

GRANARY = "/bounties/4"  # posted by Carol, handed in by the Mapmakers whom Alice leads
PARTIES = ("alice", "carol")
JURORS = ("erin", "grace", "frank")  # those with the most trust who are no party


@pytest.fixture
def raised(hall):
    path = hall["carol"].post(f"{GRANARY}/dispute", title="The cellar is missing")
    assert hall.told() == {"alice": ["dispute_raised"]}
    yield path
    hall["carol"].refused(f"{path}/withdraw")  # one at a time


@pytest.fixture
def in_vote(hall, raised):
    hall["alice"].post(f"{raised}/escalate")
    assert hall.told() == {login: ["dispute_escalated"] for login in PARTIES}
    hall["erin"].post(f"{raised}/voting")
    assert hall.told() == {
        **{login: ["tribunal_voting_started"] for login in PARTIES},
        **{login: ["tribunal_vote_needed"] for login in JURORS},
    }
    return raised


def test_is_raised_escalated_voted_on_and_resolved(hall, in_vote):
    carol, alice = hall["carol"], hall["alice"]
    for login, party in (("erin", carol), ("grace", alice)):
        hall[login].post(f"{in_vote}/votes", **{"for": party.id})
        assert hall.told() == {}

    hall["frank"].post(f"{in_vote}/votes", **{"for": carol.id})

    assert hall.told() == {login: ["dispute_resolved"] for login in PARTIES}
    newest = next(iter(alice.inbox().values()))
    assert "in favour of Carol Lindqvist, 2 to 1" in newest["message"]
    assert newest["url"] == in_vote
    assert "in favour of Carol Lindqvist" in alice.get(in_vote).text


def test_each_step_is_for_those_it_belongs_to(hall, raised):
    thread = f"dispute-{number_in(raised)}"
    for login in ("bob", "erin"):
        assert hall[login].refused(f"{raised}/escalate") == 403
        assert hall[login].get(raised).status_code == 403
        assert hall[login].ask("GET", f"/messages?conversationId={thread}").status_code == 403
    hall["alice"].post(f"{raised}/escalate")
    hall.told()

    assert hall["alice"].refused(f"{raised}/voting") == 403
    assert hall["alice"].refused(f"{raised}/escalate") == 409
    assert hall["alice"].refused(f"{raised}/withdraw") == 403
    assert hall["erin"].refused(f"{raised}/votes", **{"for": "1"}) == 409
    hall["erin"].post(f"{raised}/voting")
    hall.told()
    for login in ("alice", "bob"):
        assert hall[login].refused(f"{raised}/votes", **{"for": "1"}) == 403
    hall["erin"].post(f"{raised}/votes", **{"for": "1"})
    assert hall["erin"].refused(f"{raised}/votes", **{"for": "1"}) == 409
    assert hall["grace"].refused(f"{raised}/votes", **{"for": "2"}) == 422
    assert hall.told() == {}


def test_who_raised_it_may_let_it_go(hall, raised):
    hall["carol"].post(f"{raised}/withdraw")

    assert hall.told() == {login: ["dispute_resolved"] for login in PARTIES}
    assert hall["carol"].refused(f"{raised}/withdraw") == 409


def test_there_is_one_open_dispute_of_a_person_about_a_bounty(hall, raised):
    status, words = hall["carol"].refusal(f"{GRANARY}/dispute", title="Once more")

    assert status == 409
    assert f'href="{raised}"' in words
    assert hall.told() == {}
    page = hall["carol"].get(GRANARY).text
    assert f'href="{raised}">The cellar is missing</a>' in page
    assert "Something is wrong?" not in page
    assert "Something is wrong?" in hall["alice"].get(GRANARY).text

    hall["carol"].post(f"{raised}/withdraw")
    hall.told()
    again = hall["carol"].post(f"{GRANARY}/dispute", title="Once more")
    assert hall.told() == {"alice": ["dispute_raised"]}
    hall["carol"].post(f"{again}/withdraw")


def test_a_bounty_is_disputed_by_its_poster_or_the_guilds_leader_only(hall):
    assert hall["bob"].refused(f"{GRANARY}/dispute", title="Not mine to raise") == 403

    hall["alice"].post(f"{GRANARY}/dispute", title="She does not answer")

    assert hall.told() == {"carol": ["dispute_raised"]}


def test_a_juror_comes_from_the_bell_and_votes(hall, in_vote, open_page):
    juror = open_page(hall.server, "erin", viewport={"width": 390, "height": 844})
    page = juror.page
    page.get_by_role("button", name="Notifications").click()
    panel = page.get_by_role("region", name="Notifications", exact=True)
    panel.get_by_role("link", name="The cellar is missing").first.click()

    page.get_by_role("button", name="Carol Lindqvist", exact=True).click()

    expect(page.get_by_label("The case")).to_contain_text("1 of 3 votes are in")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
