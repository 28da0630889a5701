"""What visitors do besides the story: click twice, write one long word, sign out in another tab."""

from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from playwright.sync_api import expect

ELSEWHERE = [
    "https://evil.example",
    "//evil.example",
    "/\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
]
FORM = {"brief": "x", "reward": "1"}
LONG = "W" * 120


def fill_in_a_bounty(page, title):
    page.get_by_text("Post a bounty").click()
    page.get_by_label("Title").fill(title)
    page.get_by_label("What is to be done").fill("Once is enough")
    page.get_by_label("Reward in crowns").fill("1")


def test_of_two_clicks_the_first_one_counts(hall, open_page):
    page = open_page(hall.server, "erin").page
    page.goto(f"{page.url.removesuffix('/guilds')}/bounties")
    fill_in_a_bounty(page, "Posted with two clicks")
    at = page.get_by_role("button", name="Post it").bounding_box()
    for _ in range(2):
        page.mouse.click(at["x"] + 5, at["y"] + 5)
    expect(page.get_by_role("heading", level=1)).to_have_text("Posted with two clicks")

    assert hall["erin"].get("/bounties").text.count("Posted with two clicks") == 1

    page.go_back()  # and the form can be used again
    fill_in_a_bounty(page, "Posted after that")
    page.get_by_role("button", name="Post it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Posted after that")


@pytest.mark.parametrize("width", [390, 1280])
def test_one_long_word_makes_no_page_wider(width, hall, open_page):
    erin = hall["erin"]
    bounty = erin.post("/bounties", title=LONG, **FORM)
    thread = erin.post("/threads", guild=2, title=LONG)
    dispute = hall["carol"].post("/bounties/4/dispute", title=LONG)
    hall["carol"].post(f"{dispute}/withdraw")
    visitor = open_page(hall.server, "carol", viewport={"width": width, "height": 844})

    for path in ("/bounties", bounty, "/threads", thread, "/disputes", f"/people?q={LONG}"):
        visitor.page.goto(visitor.url + path)
        expect(visitor.page.get_by_role("main").get_by_text("WWWW").first).to_be_visible()
        assert visitor.page.evaluate("document.documentElement.scrollWidth") <= width, path


def back_to(hall, method, path, headers=None):
    """Where somebody who is not signed in is led to after signing in."""
    headers = {"Accept": "text/html", **(headers or {})}
    url = hall["bob"].url + path
    answer = requests.request(method, url, headers=headers, allow_redirects=False)
    target = urlsplit(answer.headers["Location"])
    assert (answer.status_code, target.path) == (302, "/login")
    return parse_qs(target.query).get("next", [None])[0]


class TestSigningIn:
    @pytest.mark.parametrize("path", ELSEWHERE)
    def test_leads_to_no_other_site(self, path, hall):
        assert hall["bob"].post("/login/bob", next=path) == "/guilds"

    def test_leads_back_to_the_same_list(self, hall):
        where = back_to(hall, "GET", "/bounties?status=open&page=2")

        assert where == "/bounties?status=open&page=2"

    def test_leads_back_to_the_page_with_the_form(self, hall):
        page = {"Referer": f"{hall['bob'].url}/bounties/3"}

        assert back_to(hall, "POST", "/bounties/3/vote", page) == "/bounties/3"
        assert back_to(hall, "POST", "/bounties/3/vote") is None


@pytest.mark.parametrize(
    "path, status, words",
    [
        ("/logout", 405, "go to the page that has the form"),
        ("/notifications?cursor=x", 400, "start again from a page"),
        ("/no-such-page", 404, "does not exist"),
    ],
)
def test_an_error_page_says_what_a_visitor_understands(path, status, words, hall):
    answer = hall["bob"].get(path)

    assert answer.status_code == status
    assert words in answer.text
    assert "requested URL" not in answer.text


def test_a_page_that_is_looked_at_again_says_that_its_reader_is_somebody_else_now(hall, open_page):
    bob = open_page(hall.server, "bob")
    bob.enter("Mapmakers")
    notice = bob.page.get_by_text("You are somebody else in this browser now.")

    def come_back_as(login):
        bob.context.request.post(f"{bob.url}/login/{login}")
        bob.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    come_back_as("carol")
    expect(notice).to_be_visible()
    come_back_as("bob")
    expect(notice).to_be_hidden()


def test_a_page_says_at_once_that_its_reader_signs_in_as_somebody_else_in_another_tab(
    hall, open_page
):
    bob = open_page(hall.server, "bob")
    bob.enter("Mapmakers")
    other = bob.context.new_page()
    other.goto(f"{bob.url}/people")
    form = '<form method="post" action="/login/carol"><button>Be Carol</button></form>'
    other.locator("#main").evaluate("(node, form) => (node.innerHTML = form)", form)

    other.get_by_role("button", name="Be Carol").click()

    expect(bob.page.get_by_text("You are somebody else in this browser now.")).to_be_visible()
    expect(other.locator(".me-name")).to_contain_text("Carol")
    expect(other.locator("#session")).to_be_hidden()
    bob.forgive("status of 403")


def test_a_threads_page_says_once_that_its_reader_has_signed_out(hall, open_page):
    bob = open_page(hall.server, "bob")
    bob.page.goto(f"{bob.url}/threads/1")
    expect(bob.page.locator("#sync")).to_have_text("Live")
    other = bob.context.new_page()
    other.goto(f"{bob.url}/guilds")

    other.get_by_role("button", name="Sign out").click()

    expect(bob.page.get_by_text("You are signed out. Sign in again")).to_be_visible()
    for where in ("#no-comments", "#problem"):
        expect(bob.page.locator(where)).to_contain_text("could not be loaded")
        expect(bob.page.locator(where)).to_be_hidden()
    bob.forgive("status of 401")
    bob.forgive("status of 403")


def test_a_page_says_that_its_reader_has_signed_out_in_another_tab(hall, open_page):
    bob = open_page(hall.server, "bob")
    bob.enter("Mapmakers")
    other = bob.context.new_page()
    other.goto(f"{bob.url}/guilds")

    other.get_by_role("button", name="Sign out").click()

    expect(bob.page.get_by_text("You are signed out. Sign in again")).to_be_visible()
    expect(bob.box).to_be_disabled()
    expect(bob.page.get_by_text("Nothing has been said here yet")).to_be_hidden()

    other.get_by_role("button", name="Alice").click()
    bob.page.get_by_role("link", name="Show this page to them").click()
    expect(bob.page.locator(".me-name")).to_contain_text("Alice")
    bob.expect_state("Live")
    bob.forgive("status of 401")
    bob.forgive("status of 403")
