"""Threads: several people look at one and edit it at once, and see what the others do."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.refusals import subscribing

MAPMAKERS, NIGHT_WATCH = "1", "2"
LEFT = 30_000  # a tab that closes may be reloading: it counts for some seconds more


@pytest.fixture
def thread(hall):
    """A new thread of the Mapmakers, by Bob; its path."""
    return started(hall)


def started(hall, title="Where to put the north arrow", guild=MAPMAKERS, by="bob"):
    form = {"guild": guild, "title": title, "description": "Top left?"}
    return hall[by].post("/threads", **form)


@pytest.fixture
def look(hall, open_page):
    """Opens a page as somebody, once it is live: `look("alice", path)`."""

    def open_as(login, path, **options):
        visitor = open_page(hall.server, login, **options)
        visitor.page.goto(visitor.url + path)
        expect(sync(visitor)).to_have_text("Live")
        return visitor

    return open_as


def sync(visitor):
    return visitor.page.locator("#sync")


def title(visitor):
    return visitor.page.locator("#title h1")


def comments(visitor):
    return visitor.page.locator(".comment-text")


def begin_title(visitor, text):
    visitor.page.get_by_role("button", name="Edit title").click()
    visitor.page.get_by_role("textbox", name="Title").fill(text)


def press(visitor, name):
    visitor.page.get_by_role("main").get_by_role("button", name=name, exact=True).click()


def comment(visitor, text):
    visitor.page.get_by_role("textbox", name="Comment", exact=True).fill(text)
    press(visitor, "Comment")


def held_back(visitor, pattern):
    """Keeps the page's requests to this address until somebody continues them."""
    held = []
    # No bound method of a list: Playwright looks into what it is given.
    visitor.page.route(re.compile(pattern), lambda route: held.append(route))  # noqa: PLW0108
    return held


def test_a_title_is_shown_at_once_and_in_the_second_window_with_its_activity(look, thread):
    alice, bob = look("alice", thread), look("bob", thread)
    held = held_back(alice, r"/api/threads/\d+$")
    begin_title(alice, "North is up")
    press(alice, "Save")

    expect(title(alice)).to_have_text("North is up")
    expect(alice.page.locator("#title .edit-note")).to_have_text("Saving")
    expect(sync(alice)).to_have_text("Syncing")
    expect(title(bob)).to_have_text("Where to put the north arrow")

    held[0].continue_()
    expect(alice.page.locator("#title .edit-note")).to_have_count(0)
    expect(sync(alice)).to_have_text("Live")
    expect(title(bob)).to_have_text("North is up")
    expect(bob.page.locator("#feed li").first).to_contain_text("Alice Moreau gave a new title to")
    expect(bob.page).to_have_title("North is up · Guildhall")


def test_a_conflicting_edit_is_answered_409_and_settled_by_its_writer(hall, look, thread):
    alice, bob = look("alice", thread), look("bob", thread)
    refused = []
    alice.page.on("response", lambda answer: refused.append(answer.status))
    begin_title(alice, "Alice's title")
    begin_title(bob, "Bob's title")
    press(bob, "Save")
    expect(alice.page.locator("#feed li").first).to_contain_text("Bob Okafor gave a new title")
    press(alice, "Save")

    conflict = alice.page.locator("#title .conflict")
    expect(conflict).to_contain_text("Bob Okafor has changed this while you were writing.")
    expect(conflict.locator(".brief")).to_have_text(["Bob's title", "Alice's title"])
    assert refused.count(409) == 1
    press(alice, "Keep mine")
    expect(title(alice)).to_have_text("Alice's title")
    expect(title(bob)).to_have_text("Alice's title")

    begin_title(alice, "Another one")
    body = {"title": "Bob was faster", "revision": 3}
    assert hall["bob"].ask("PATCH", thread, json=body).status_code == 200
    press(alice, "Save")
    press(alice, "Take theirs")
    expect(title(alice)).to_have_text("Bob was faster")
    assert refused.count(409) == 2
    alice.forgive("409 (CONFLICT)")


def test_a_title_is_not_left_empty_and_a_description_may_be(hall, look, thread):
    alice = look("alice", thread)
    begin_title(alice, "   ")
    press(alice, "Save")

    expect(alice.page.get_by_role("textbox", name="Title")).to_be_focused()
    press(alice, "Cancel")
    expect(title(alice)).to_have_text("Where to put the north arrow")

    alice.page.get_by_role("button", name="Edit description").click()
    alice.page.get_by_role("textbox", name="Description").fill("")
    press(alice, "Save")
    expect(alice.page.locator("#description")).to_have_text("No description yet.")
    expect(sync(alice)).to_have_text("Live")
    assert hall["bob"].ask("GET", thread).json()["thread"]["description"] == ""


def test_edits_of_different_parts_need_no_decision(hall, look, thread):
    alice = look("alice", thread)
    begin_title(alice, "A better title")
    body = {"description": "Or top right", "revision": 1}
    assert hall["bob"].ask("PATCH", thread, json=body).status_code == 200
    expect(alice.page.locator("#description")).to_have_text("Or top right")
    press(alice, "Save")

    expect(title(alice)).to_have_text("A better title")
    expect(sync(alice)).to_have_text("Live")
    told = hall["bob"].ask("GET", thread).json()["thread"]
    assert (told["title"], told["description"], told["revision"]) == (
        "A better title",
        "Or top right",
        3,
    )
    alice.forgive("409 (CONFLICT)")


def test_a_comment_is_written_edited_and_deleted_before_everybodys_eyes(look, thread):
    alice, bob = look("alice", thread), look("bob", thread)
    held = held_back(bob, r"/api/messages$")
    comment(bob, "Bottom right, I'd say")
    expect(comments(bob)).to_have_text(["Bottom right, I'd say"])
    expect(bob.page.locator(".comment .edit-note")).to_have_text("Saving")
    expect(comments(alice)).to_have_count(0)

    held[0].continue_()
    expect(comments(alice)).to_have_text(["Bottom right, I'd say"])
    expect(alice.page.locator("#feed li").first).to_contain_text("Bob Okafor commented on")

    bob.page.get_by_role("button", name="Edit your comment").click()
    bob.page.get_by_role("textbox", name="Edit comment").fill("Bottom left")
    press(bob, "Save")
    expect(comments(alice)).to_have_text(["Bottom left"])
    expect(alice.page.locator(".comment-meta")).to_contain_text("edited")

    bob.page.get_by_role("button", name="Delete your comment").click()
    press(bob, "Delete")
    for visitor in (alice, bob):
        expect(comments(visitor)).to_have_text(["This comment was deleted."])


def test_who_changes_a_comment_that_has_changed_sees_both(look, thread):
    alice, bob = look("alice", thread), look("bob", thread)  # Alice leads the guild
    comment(bob, "Bottom right")
    alice.page.get_by_role("button", name="Edit Bob Okafor's comment").click()
    alice.page.get_by_role("textbox", name="Edit comment").fill("Bottom, right")
    bob.page.get_by_role("button", name="Edit your comment").click()
    bob.page.get_by_role("textbox", name="Edit comment").fill("Top right")
    press(bob, "Save")
    expect(comments(bob)).to_have_text(["Top right"])
    press(alice, "Save")

    expect(alice.page.locator(".conflict .brief")).to_have_text(["Top right", "Bottom, right"])
    press(alice, "Keep mine")
    expect(comments(bob)).to_have_text(["Bottom, right"])
    alice.forgive("409 (CONFLICT)")


def test_who_looks_at_it_and_who_types_is_seen(look, thread):
    alice, bob = look("alice", thread), look("bob", thread)
    for visitor in (alice, bob):
        expect(visitor.page.locator("#viewers")).to_contain_text("2 people viewing")
    bob.page.get_by_role("textbox", name="Comment", exact=True).press_sequentially("We")
    expect(alice.page.locator("#typing")).to_have_text("Bob Okafor is typing")

    bob.page.close()
    expect(alice.page.locator("#viewers")).to_contain_text("1 person viewing", timeout=LEFT)


def test_a_new_thread_appears_in_the_list_and_is_followed_there(hall, look):
    alice = look("alice", "/threads")
    path = started(hall, "A list that grows")
    row = alice.page.locator("#threads li").first
    expect(row).to_contain_text("A list that grows")
    expect(row).to_contain_text("0 comments")
    expect(alice.page.locator("#feed li").first).to_contain_text("Bob Okafor started")

    body = {"title": "A list that changes", "revision": 1}
    assert hall["dan"].ask("PATCH", path, json=body).status_code == 200
    settled = hall["dan"].ask("PUT", f"{path}/status", json={"status": "settled"})
    assert settled.status_code == 200
    conversation = "presence-thread-" + path.rpartition("/")[2]
    said = {"conversationId": conversation, "content": "Done", "clientId": "test-list"}
    assert hall["dan"].ask("POST", "/messages", json=said).status_code == 201

    expect(row).to_contain_text("A list that changes")
    expect(row).to_contain_text("1 comment")
    expect(row).to_contain_text("Settled")


def test_what_is_written_without_a_connection_is_saved_when_it_is_back(look, thread):
    alice, bob = look("alice", thread), look("bob", thread)
    alice.context.set_offline(True)
    alice.proxy.refuse()
    expect(sync(alice)).to_have_text("Offline")
    begin_title(alice, "Written at sea")
    press(alice, "Save")
    comment(alice, "Ahoy")
    expect(sync(alice)).to_have_text("Offline, 2 to sync")
    expect(alice.page.locator("#title .edit-note")).to_contain_text("waiting for the connection")

    alice.go_online()

    expect(sync(alice)).to_have_text("Live", timeout=30_000)
    expect(title(bob)).to_have_text("Written at sea")
    expect(comments(bob)).to_have_text(["Ahoy"])
    expect(comments(alice)).to_have_text(["Ahoy"])


def test_it_is_settled_and_opened_again_for_all(look, thread):
    alice, bob = look("alice", thread), look("bob", thread)
    press(alice, "Settle it")
    expect(bob.page.locator("#status")).to_have_text("Settled")
    press(bob, "Open it again")
    expect(alice.page.locator("#status")).to_have_text("Open")


def test_who_is_not_in_the_guild_gets_neither_page_nor_api_nor_events(hall, open_page, thread):
    carol = hall["carol"]
    conversation = "presence-thread-" + thread.rpartition("/")[2]
    said = {"conversationId": conversation, "content": "Let me in"}
    assert carol.get(thread).status_code == 403
    assert carol.ask("GET", thread).status_code == 403
    assert carol.ask("PATCH", thread, json={"title": "Mine", "revision": 1}).status_code == 403
    assert carol.ask("PUT", f"{thread}/status", json={"status": "settled"}).status_code == 403
    assert carol.ask("GET", f"/messages?conversationId={conversation}").status_code == 403
    assert carol.ask("POST", "/messages", json=said).status_code == 403
    assert carol.refused("/threads", guild=MAPMAKERS, title="Mine", description="") == 403
    listed = carol.ask("GET", "/threads").json()
    assert {one["guild"]["id"] for one in listed["threads"]} == {NIGHT_WATCH}
    assert {one["activity"]["thread"]["guild"] for one in listed["activities"]} == {"Night Watch"}

    page = open_page(hall.server, "carol")
    page.page.goto(f"{page.url}/threads")
    expect(sync(page)).to_have_text("Live")
    for channel in (conversation, f"private-org-{MAPMAKERS}"):
        assert subscribing(page, channel) == 403


@pytest.mark.parametrize(
    "body, status",
    [
        ({"title": "", "revision": 1}, 422),
        ({"title": "x" * 121, "revision": 1}, 422),
        ({"title": ["x"], "revision": 1}, 422),
        ({"title": "No revision"}, 422),
        ({"title": "Far", "revision": 2**40}, 422),
        ({"title": "Stale", "revision": 7}, 409),
        ([], 400),
    ],
)
def test_an_edit_that_cannot_be_is_refused_and_changes_nothing(body, status, hall, thread):
    answer = hall["bob"].ask("PATCH", thread, json=body, headers={"Accept": "application/json"})

    assert answer.status_code == status
    assert answer.json()["detail"]
    told = hall["bob"].ask("GET", thread).json()["thread"]
    assert (told["title"], told["revision"]) == ("Where to put the north arrow", 1)


def test_a_phone_shows_it_without_scrolling_sideways(look, thread):
    alice = look("alice", "/threads", viewport={"width": 390, "height": 844})
    too_wide = "document.documentElement.scrollWidth > innerWidth"
    expect(alice.page.locator("#threads li").first).to_be_visible()
    assert not alice.page.evaluate(too_wide)
    alice.page.goto(alice.url + thread)
    expect(sync(alice)).to_have_text("Live")
    comment(alice, "https://example.org/" + "long" * 60)
    expect(comments(alice)).to_have_count(1)
    assert not alice.page.evaluate(too_wide)
