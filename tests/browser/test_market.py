"""The market: who looks at a product, who asks about it, who has bought it."""

import pytest
from playwright.sync_api import expect

from tests.browser.refusals import subscribing

BY_BOB, BY_FRANK, BY_ALICE, BY_CAROL = (f"/market/{number}" for number in range(1, 5))

LEFT = 30_000  # a tab that closes may be reloading: it counts for some seconds more


@pytest.fixture
def look(hall, open_page):
    """Opens a page as somebody: `look("alice", BY_BOB)`."""

    def open_as(login, path, **options):
        visitor = open_page(hall.server, login, **options)
        visitor.page.goto(visitor.url + path)
        return visitor

    return open_as


def viewers(page):
    return page.locator("#viewers")


def expect_talk(visitor):
    """Waits until the conversation is there: before, nobody listens to what is typed."""
    expect(visitor.page.get_by_role("log", name="Messages")).to_have_count(1)
    visitor.expect_state("Live")
    expect(visitor.page.locator("#loading")).to_be_hidden()


def test_two_are_viewing_and_one_is_when_the_others_tab_closes(look):
    alice = look("alice", BY_FRANK)
    expect(viewers(alice.page)).to_contain_text("1 person viewing", timeout=LEFT)
    dan = look("dan", BY_FRANK)
    for visitor in (alice, dan):
        expect(viewers(visitor.page)).to_contain_text("2 people viewing")
    second = dan.context.new_page()
    second.goto(f"{dan.url}{BY_FRANK}")
    expect(viewers(second)).to_contain_text("2 people viewing")

    dan.page.close()
    expect(viewers(second)).to_contain_text("2 people viewing")
    second.close()
    expect(viewers(alice.page)).to_contain_text("1 person viewing", timeout=LEFT)


def test_the_first_to_buy_gets_it_and_follows_it_until_it_arrives(hall, look):
    alice, dan = look("alice", BY_BOB), look("dan", BY_BOB)
    expect(viewers(dan.page)).to_contain_text("2 people viewing")
    alice.page.get_by_role("button", name="Buy for 48 crowns").click()

    expect(alice.page.get_by_text("It is yours.")).to_be_visible()
    assert hall.told() == {"bob": ["order_placed"]}
    expect(dan.page.locator("#gone")).to_have_text("Somebody has just bought it.")
    expect(dan.page.get_by_role("button", name="Buy for 48 crowns")).to_be_hidden()
    assert hall["dan"].refused(f"{BY_BOB}/order") == 409

    path = alice.page.url.removeprefix(alice.url)
    current = alice.page.locator("#steps [aria-current]")
    for status in ("packed", "shipped", "delivered"):
        hall["bob"].post(f"{path}/status", status=status)
        expect(current).to_have_text(status.capitalize())
        assert hall.told() == {"alice": ["order_update"]}
    newest = next(iter(hall["alice"].inbox().values()))
    assert newest["title"] == "Order Update"
    assert newest["message"] == 'Your order for "Pocket compass" has been delivered'
    assert newest["url"] == path
    assert hall["bob"].refused(f"{path}/status", status="delivered") == 409


def test_an_order_is_its_parties_and_only_the_seller_moves_it(hall, open_page):
    path = hall["alice"].post(f"{BY_CAROL}/order")
    hall.told()

    assert hall["alice"].refused(f"{path}/status", status="packed") == 403
    assert hall["erin"].refused(f"{path}/status", status="packed") == 403
    assert hall["erin"].get(path).status_code == 403
    assert hall["erin"].ask("GET", path).status_code == 403
    assert hall["carol"].refused(f"{path}/status", status="shipped") == 409  # not packed yet
    assert hall["carol"].refused(f"{path}/status", status="lost") == 422
    assert hall["carol"].refused(f"{BY_CAROL}/order") == 409  # her own
    assert hall.told() == {}
    assert hall["alice"].ask("GET", path).json()["status"] == "placed"
    assert path in hall["carol"].get("/market").text
    assert path not in hall["erin"].get("/market").text

    erin = open_page(hall.server, "erin")
    erin.page.goto(f"{erin.url}{BY_BOB}")
    expect(viewers(erin.page)).to_contain_text("1 person viewing", timeout=LEFT)
    channel = f"private-order-{path.rpartition('/')[2]}"
    assert subscribing(erin, channel) == 403


def test_a_buyer_asks_and_the_seller_answers_and_nobody_else_reads_it(hall, look):
    dan = look("dan", BY_ALICE)
    dan.page.get_by_role("button", name="Message Alice").click()
    expect_talk(dan)
    dan.say("Is the mole on it?")
    assert hall.told() == {"alice": ["message_received"]}
    told = next(iter(hall["alice"].inbox().values()))
    alice = look("alice", told["url"])
    expect_talk(alice)
    alice.expect_message("Is the mole on it?")
    alice.say("Both of them")
    dan.expect_message("Both of them")

    talk = dan.page.url.removeprefix(dan.url)
    conversation = "private-conversation-" + talk.rpartition("/")[2]
    assert hall["dan"].post(f"{BY_ALICE}/talk") == talk  # the same one again
    assert hall["alice"].refused(f"{BY_ALICE}/talk") == 409
    assert hall["carol"].get(talk).status_code == 403
    question = f"/messages?conversationId={conversation}"
    assert hall["carol"].ask("GET", question).status_code == 403
    assert hall["alice"].ask("GET", question).status_code == 200


@pytest.mark.parametrize("path", ["/market", BY_FRANK])
def test_a_phone_shows_it_without_scrolling_sideways(path, look):
    erin = look("erin", path, viewport={"width": 390, "height": 844})

    expect(erin.page.get_by_role("heading", level=1)).to_be_visible()
    assert not erin.page.evaluate("document.documentElement.scrollWidth > innerWidth")
