"""Pages from the cache: made once, then found, and made anew when what they show has changed."""

import re

import pytest
from playwright.sync_api import expect

MADE = "Computed just now"
FOUND = re.compile(r"From the cache, \d+ s old")
FORM = {"title": "Chart of the shoals", "brief": "With the wrecks", "reward": "777"}


def badges(person, path):
    """Where the parts of a page are from."""
    answer = person.get(path)
    assert answer.status_code == 200, answer.text
    return re.findall(r'class="freshness freshness-(\w+)"', answer.text)


def forget_all(hall):
    """Whatever earlier tests have left: a posted bounty forgets the lists."""
    return hall["frank"].post("/bounties", title="Anything", brief="x", reward="1")


def complete(hall, **form):
    """A bounty of Frank's all the way, done by the Mapmakers; its path."""
    path = hall["frank"].post("/bounties", **{**FORM, **form})
    hall["frank"].post(f"{path}/match", guild=1)
    hall["alice"].post(f"{path}/accept")
    hall["bob"].post(f"{path}/submit", note="Here")
    hall["frank"].post(f"{path}/review", outcome="approved")
    hall["frank"].post(f"{path}/complete")
    return path


@pytest.mark.parametrize("path", ["/bounties", "/bounties?status=open", "/trending"])
def test_lists_of_bounties_are_made_once_and_again_after_a_change(path, hall):
    forget_all(hall)

    assert badges(hall["alice"], path) == ["made"]
    assert badges(hall["bob"], path) == ["hit"]
    forget_all(hall)
    assert badges(hall["bob"], path) == ["made"]


def test_a_profile_is_made_once_and_again_when_its_guild_has_done_a_bounty(hall):
    complete(hall)  # forgets what earlier tests have left

    assert badges(hall["carol"], "/people/2/profile") == ["made"]
    before = hall["carol"].get("/people/2/profile").text
    assert badges(hall["erin"], "/people/2/profile") == ["hit"]
    complete(hall)
    after = hall["carol"].get("/people/2/profile").text
    done = r"Bounties done</dt><dd>(\d+)"
    assert int(re.search(done, after)[1]) == int(re.search(done, before)[1]) + 1


def test_a_profile_has_the_guild_that_somebody_has_just_joined(hall):
    hall["carol"].get("/people/5/profile")
    assert "Mapmakers" not in hall["carol"].get("/people/5/profile").text

    hall["alice"].post("/guilds/1/candidates/5", answer="accept")

    assert "Mapmakers" in hall["carol"].get("/people/5/profile").text


def test_trust_that_decays_shows_in_the_profile_and_the_leaderboard_at_once(hall):
    grace, frank = hall["grace"], "/people/6/profile"
    assert ">820</dd>" in grace.get(frank).text
    assert ">820</span>" in grace.get("/leaderboard").text

    grace.post("/operations/jobs/trust-decay")

    assert ">790</dd>" in grace.get(frank).text
    assert ">790</span>" in grace.get("/leaderboard").text


def test_a_vote_counts_once_a_day_and_changes_what_is_trending(hall):
    path = forget_all(hall)
    row = r'Vote for Anything, (\d+) votes"'
    hall["dan"].post(f"{path}/vote")
    hall["dan"].post(f"{path}/vote")
    assert re.search(row, hall["dan"].get("/trending").text)[1] == "1"
    assert badges(hall["dan"], "/trending") == ["hit"]

    hall["carol"].post(f"{path}/vote")

    assert badges(hall["dan"], "/trending") == ["made"]
    assert re.search(row, hall["dan"].get("/trending").text)[1] == "2"


def test_a_list_that_does_not_exist_is_not_found(hall):
    for path in (
        "/bounties?status=lost",
        "/bounties?page=0",
        "/bounties?page=x",
        "/bounties?page=900",
        "/bounties?status=open&page=2",
        "/people/99/profile",
    ):
        assert hall["dan"].get(path).status_code == 404, path


def test_a_completed_bounty_changes_the_leaderboard_at_once(hall, open_page):
    complete(hall)  # so that the guild is on the board, and what was cached is forgotten
    dan = open_page(hall.server, "dan")
    page = dan.page
    guilds = page.get_by_role("region", name="Guilds by earnings")
    badge, mine = guilds.locator(".freshness"), guilds.locator("li", has_text="Mapmakers")
    page.goto(f"{dan.url}/leaderboard")
    expect(badge).to_have_text(MADE)
    before = int(mine.locator(".score").inner_text().split()[0].replace(",", ""))
    with page.expect_response(re.compile("/realtime/stream")):
        page.reload()
    expect(badge).to_have_text(FOUND)

    complete(hall, reward="500")
    expect(page.get_by_text("Something has changed here.")).to_be_visible()
    page.get_by_role("link", name="Show it as it is now").click()

    expect(badge).to_have_text(MADE)
    expect(mine.locator(".score")).to_have_text(f"{before + 500:,} crowns")
