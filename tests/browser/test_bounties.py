"""A bounty's way: each step tells whom it concerns, and nobody else."""

import pytest
from playwright.sync_api import expect

MAPMAKERS, NIGHT_WATCH = 1, 2
FORM = {"title": "Map of the mill", "brief": "Both wheels", "reward": "75"}


@pytest.fixture
def posted(hall):
    """Erin, who is in the Night Watch, has posted a bounty."""
    path = hall["erin"].post("/bounties", **FORM)
    assert hall.told() == {}
    return path


def brought_to(status, hall, path):
    """Brings a posted bounty there, with the Mapmakers: Alice leads, Bob and Dan are members."""
    steps = [
        ("open", "erin", "", None),
        ("matched", "erin", "match", {"guild": MAPMAKERS}),
        ("accepted", "alice", "accept", {}),
        ("submitted", "bob", "submit", {"note": "There it is"}),
        ("approved", "erin", "review", {"outcome": "approved"}),
        ("completed", "erin", "complete", {}),
    ]
    for reached, login, step, form in steps:
        if form is not None:
            hall[login].post(f"{path}/{step}", **form)
        if reached == status:
            hall.told()
            return


def test_every_step_tells_the_right_people_and_nobody_else(hall, posted):
    erin, alice, bob = hall["erin"], hall["alice"], hall["bob"]

    erin.post(f"{posted}/match", guild=MAPMAKERS)
    assert hall.told() == {"erin": ["bounty_matched"], "alice": ["bounty_offered"]}

    alice.post(f"{posted}/accept")
    assert hall.told() == {"erin": ["bounty_accepted"]}

    bob.post(f"{posted}/submit", note="A first draft")
    assert hall.told() == {"erin": ["bounty_submitted"]}

    erin.post(f"{posted}/review", outcome="changes requested", note="North is up")
    team = ("alice", "bob", "dan")
    assert hall.told() == {login: ["bounty_reviewed"] for login in team}

    bob.post(f"{posted}/submit", note="North is up")
    assert hall.told() == {"erin": ["bounty_submitted"]}

    erin.post(f"{posted}/review", outcome="approved")
    assert hall.told() == {login: ["bounty_reviewed"] for login in team}

    erin.post(f"{posted}/complete")
    assert hall.told() == {login: ["bounty_completed"] for login in ("erin", *team)}
    newest = next(iter(bob.inbox().values()))
    assert "75 crowns" in newest["message"]
    assert newest["url"] == posted
    assert "Completed" in bob.get(posted).text


@pytest.mark.parametrize(
    "status, step, form, may",
    [
        ("open", "match", {"guild": MAPMAKERS}, "erin"),
        ("matched", "accept", {}, "alice"),
        ("accepted", "submit", {"note": "x"}, "dan"),
        ("submitted", "review", {"outcome": "approved"}, "erin"),
        ("approved", "complete", {}, "erin"),
    ],
)
def test_a_step_is_refused_to_the_others_and_out_of_turn(status, step, form, may, hall, posted):
    brought_to(status, hall, posted)
    strangers = {"frank", "carol", "grace"} | ({"alice", "erin"} - {may, ""})
    if step == "submit":
        strangers.discard("alice")

    assert {hall[login].refused(f"{posted}/{step}", **form) for login in strangers} == {403}
    assert hall.told() == {}
    hall[may].post(f"{posted}/{step}", **form)
    if step != "match":
        assert hall[may].refused(f"{posted}/{step}", **form) == 409


def test_what_fits_best_is_the_guild_with_the_least_work_and_without_the_poster(hall, posted):
    # The Mapmakers have two bounties on their hands.
    hall["erin"].post(f"{posted}/match", guild="best")
    assert "Mapmakers" in hall["erin"].get(posted).text  # Erin sits in the Night Watch

    path = hall["frank"].post("/bounties", **FORM)
    hall["frank"].post(f"{path}/match", guild="best")
    assert hall.told()["carol"] == ["bounty_offered"]


@pytest.mark.parametrize(
    "wrong", [{"title": ""}, {"brief": "x" * 1001}, {"reward": "0"}, {"reward": "²"}]
)
def test_a_wrong_form_posts_nothing(wrong, hall):
    before = hall["erin"].get("/bounties").text.count("row-link")

    assert hall["erin"].refused("/bounties", **{**FORM, **wrong}) == 422

    assert hall["erin"].get("/bounties").text.count("row-link") == before


def test_another_site_cannot_post(hall):
    elsewhere = {"Origin": "https://evil.example"}

    answer = hall["erin"].session.post(f"{hall['erin'].url}/bounties", data=FORM, headers=elsewhere)

    assert answer.status_code == 403


def test_from_the_form_to_the_posters_bell(hall, open_page):
    hall["frank"].ask("DELETE", "/notifications")
    poster = open_page(hall.server, "frank")
    page = poster.page
    page.goto(f"{poster.url}/bounties")
    page.get_by_text("Post a bounty").click()
    page.get_by_label("Title").fill("A bridge")
    page.get_by_label("What is to be done").fill("Across the brook")
    page.get_by_label("Reward in crowns").fill("12")
    page.get_by_role("button", name="Post it").click()
    page.get_by_role("combobox", name="Guild").select_option(label="Mapmakers")
    page.get_by_role("button", name="Match").click()
    expect(page.get_by_role("button", name="Notifications, 1 unread")).to_be_visible()

    path = page.url.removeprefix(poster.url)
    hall["alice"].post(f"{path}/accept")

    expect(page.get_by_role("button", name="Notifications, 2 unread")).to_be_visible()
    expect(page.get_by_text("Something has changed here.")).to_be_visible()
    page.get_by_role("link", name="Show it as it is now").click()
    expect(page.locator(".steps [aria-current]")).to_have_text("Accepted")
