"""Every page of the demo: for wide and narrow screens, by day and by night, for everybody.

The screenshots are in `build/screenshots`, for people to look at.
"""

import re

import pytest

from example_app import create_app
from tests.browser.axe import violations
from tests.support.servers import ROOT

WIDTHS = {1280: 800, 390: 844}
SCREENSHOTS = ROOT / "build" / "screenshots"
# By endpoint: where it is, and who looks at it. None: it is no page.
PAGES = {
    "announcements.page": ("/announcements", "grace"),
    "auth.sign_in": ("/login", None),
    "auth.session": None,
    "bounties.board": ("/bounties", "alice"),
    "bounties.page": ("/bounties/4", "alice"),
    "conversations.details": None,
    "conversations.open_from_notification": None,
    "direct.people": ("/people", "alice"),
    "direct.talk": ("/people/2", "alice"),
    "disputes.overview": ("/disputes", "alice"),
    "disputes.thread": ("/disputes/3", "alice"),
    "guilds.overview": ("/guilds", "alice"),
    "guilds.room": ("/guilds/1", "alice"),
    "index": None,
    "market.grid": ("/market", "alice"),
    "market.page": ("/market/1", "alice"),
    "market_orders.page": ("/orders/1", "dan"),
    "market_orders.read": None,
    "market_talks.page": ("/market/talks/1", "dan"),
    "membership.hall": ("/guilds/1/members", "alice"),
    "notifications.page": ("/notifications", "alice"),
    "notifications.preferences": ("/notifications/preferences", "alice"),
    "operations.figures": None,
    "operations.page": ("/operations", "grace"),
    "rankings.leaderboard": ("/leaderboard", "alice"),
    "rankings.profile": ("/people/1/profile", "alice"),
    "rankings.trending": ("/trending", "alice"),
    "static": None,
    "threads.listing": None,
    "threads.overview": ("/threads", "alice"),
    "threads.page": ("/threads/1", "alice"),
    "threads.read": None,
    "404": ("/no-such-page", "alice"),
    "403": ("/disputes/3", "dan"),
}


@pytest.fixture(scope="module", params=["light", "dark"])
def look(request, browser, open_hall):
    """Opens pages for who may see them: `look("alice", "/guilds")`; ends their browsers."""
    contexts = {}
    if request.param_index == 0:  # the server stays
        open_hall["dan"].post("/market/1/order")
        open_hall["dan"].post("/market/1/talk")

    def sign_in(login):
        context = browser.new_context(color_scheme=request.param, reduced_motion="reduce")
        if login is not None:
            context.request.post(f"{open_hall.server.url}/login/{login}")
        return context

    def go(login, path, width):
        if login not in contexts:
            contexts[login] = sign_in(login)
        page = contexts[login].new_page()
        page.set_viewport_size({"width": width, "height": WIDTHS[width]})
        return watched(page, open_hall.server.url + path)

    go.scheme = request.param
    yield go
    for context in contexts.values():
        context.close()


def watched(page, url):
    """Goes there; `page.problems` is what the console and the network had to say."""
    page.problems = []
    page.on("console", lambda said: said.type == "error" and page.problems.append(said.text))
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("requestfailed", lambda sent: page.problems.append(f"{sent.url}: {sent.failure}"))
    page.on("response", lambda got: got.status >= 400 and page.problems.append(got.url))
    page.goto(url)
    page.wait_for_load_state("load")
    page.wait_for_function("document.fonts.status === 'loaded'")
    return page


def test_no_page_is_left_out():
    app = create_app()
    endpoints = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "GET" in rule.methods and not re.match("nexora_rt|/api", rule.endpoint)
    }

    assert endpoints == {name for name in PAGES if not name.isdigit()}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", [name for name, where in PAGES.items() if where])
def test_it_fits_says_no_error_and_is_accessible(look, name, width):
    path, login = PAGES[name]
    page = look(login, path, width)
    expected = [page.url] if name.isdigit() else []

    found = violations(page)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}-{width}-{look.scheme}.png")
    problems = [one for one in page.problems if not (expected and "Failed to load" in one)]
    wide = page.evaluate("document.documentElement.scrollWidth")
    page.close()

    assert found == []
    assert wide <= width
    assert problems == expected
