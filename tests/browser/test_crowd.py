"""With many people nobody and nothing is out of reach: lists have pages, a search, and an end."""

import re

import pytest

from tests.browser.conftest import demo_settings, seed_demo, serve_hall

PEOPLE = 7 + 700
GUILDS = 2 + 35
LATE = "citizen-690"
LINK = re.compile(r'<strong>([^<]+)</strong><span class="quiet">')
NEXT = re.compile(r'rel="next" href="([^"]+)"')


@pytest.fixture(scope="module")
def crowded(seeded, tmp_path_factory):
    """Everybody of the demo, among seven hundred others."""
    settings = demo_settings(seeded, tmp_path_factory.mktemp("crowd"))
    seed_demo(settings, "--users", "700")
    with serve_hall(settings) as everybody:
        yield everybody


def id_of(hall, login):
    """Their id, from the only row that a search for the login finds."""
    page = hall["alice"].get(f"/people?q={login}").text
    [found] = re.findall(r'row-link" href="/people/(\d+)"', page)
    return found


def pages(person, path):
    """The rows of each page, by following "Next"."""
    while path:
        text = person.get(path).text
        yield LINK.findall(text)
        following = NEXT.search(text)
        path = following and following[1].replace("&amp;", "&")


@pytest.mark.parametrize(
    "path, most, total", [("/guilds", 30, GUILDS - 2), ("/people", 50, PEOPLE - 1)]
)
def test_every_row_is_on_one_of_the_pages_in_the_order_of_names(path, most, total, crowded):
    found = list(pages(crowded["alice"], path))

    assert {len(page) for page in found[:-1]} == {most}
    names = [name for page in found for name in page]
    assert len(names) == total
    assert names == sorted(names)


def test_a_guild_of_a_later_page_is_found_by_a_part_of_its_name(crowded):
    alice = crowded["alice"]
    *_, last = pages(alice, "/guilds")
    wanted = last[-1]

    [found] = pages(alice, f"/guilds?q={wanted[1:].upper()}")

    assert wanted in found
    assert "No other guild is called “zzz”" in alice.get("/guilds?q=zzz").text


@pytest.mark.parametrize(
    "path", ["/guilds?page=3", "/people?page=99", "/people?page=0", "/people?page=x"]
)
def test_a_page_past_the_end_is_not_found(path, crowded):
    assert crowded["alice"].get(path).status_code == 404


def test_who_is_on_no_list_is_invited_by_login(crowded):
    alice = crowded["alice"]
    assert f'value="{LATE}"' not in alice.get("/guilds/1/members").text

    alice.post("/guilds/1/invitations", login=f"@{LATE.upper()}")

    assert "Invited by Alice Moreau" in alice.get("/guilds/1/members").text
    status, words = alice.refusal("/guilds/1/invitations", login=LATE)
    assert (status, "is invited" in words) == (409, True)
    status, words = alice.refusal("/guilds/1/invitations", login="nobody-at-all")
    assert (status, "Nobody here signs in as “nobody-at-all”" in words) == (422, True)


def test_the_sidebar_has_whom_one_has_talked_with_last_however_late_they_came(crowded):
    late = id_of(crowded, LATE)
    said = {"conversationId": f"dm-1-{late}", "content": "Welcome", "clientId": "test-crowd"}
    assert crowded["alice"].ask("POST", "/messages", json=said).status_code == 201

    in_sidebar = re.findall(r'<a href="/people/(\d+)"', crowded["alice"].get("/guilds").text)

    carol, bob = "3", "2"  # to whom the seed lets her talk, to Carol last
    assert in_sidebar[:3] == [late, carol, bob]
    assert len(in_sidebar) == len(set(in_sidebar)) == 12
