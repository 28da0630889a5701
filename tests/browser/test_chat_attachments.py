"""Files in the demo's chat: chosen, uploaded, shown to members, refused to others."""

from playwright.sync_api import expect

from tests.support.images import png

CHART = {"name": "chart.png", "mimeType": "image/png", "buffer": png(6, 4)}
NOTES = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"soundings " * 50}


def choose(page, *files):
    """Chooses files for the next message, and waits until they are there."""
    page.page.locator("#files").set_input_files(list(files))
    expect(page.page.locator("#chosen progress")).to_have_count(0)


def test_an_image_and_a_file_are_shown_to_the_other_and_to_no_stranger(hall, open_page):
    alice, bob = open_page(hall.server, "alice"), open_page(hall.server, "bob")
    for page in (alice, bob):
        page.enter("Mapmakers")

    choose(alice, CHART, NOTES)
    alice.page.get_by_role("button", name="Send").click()

    image = bob.page.get_by_role("img", name="chart.png").last
    expect(image).to_be_visible()
    assert image.evaluate("one => [one.width, one.height]") == [6, 4]
    expect(image).to_have_js_property("complete", True)
    assert image.evaluate("one => one.naturalWidth") == 6
    link = bob.page.get_by_role("link", name="notes.txt")
    expect(link).to_contain_text("500 bytes")
    with bob.page.expect_download() as download:
        link.click()
    assert download.value.suggested_filename == "notes.txt"
    expect(alice.page.locator("#chosen > *")).to_have_count(0)

    for path in (image.get_attribute("src"), link.get_attribute("href")):
        assert hall["bob"].get(path).status_code == 200
        assert hall["carol"].get(path).status_code == 403


def test_a_message_with_a_file_can_be_reloaded_and_deleted(hall, open_page):
    alice = open_page(hall.server, "alice")
    alice.enter("Mapmakers")
    choose(alice, CHART)
    alice.say("The chart")
    image = alice.message("The chart").get_by_role("img", name="chart.png")
    path = image.get_attribute("src")
    alice.page.reload()
    expect(image).to_be_visible()

    alice.delete("The chart")

    expect(alice.page.locator(f"img[src='{path}']")).to_have_count(0)
    assert hall["bob"].get(path).status_code in (403, 404)


def test_what_cannot_be_attached_is_said_and_the_rest_stays(hall, open_page):
    alice = open_page(hall.server, "alice")
    alice.enter("Mapmakers")
    problem = alice.page.locator("#problem")

    choose(alice, CHART, {"name": "false.png", "mimeType": "image/png", "buffer": b"no image"})
    expect(problem).to_contain_text("false.png was not uploaded")
    alice.forgive("status of 422")
    choose(alice, {"name": "big.txt", "mimeType": "text/plain", "buffer": b"x" * 5_300_000})
    expect(problem).to_contain_text("big.txt is larger than")
    alice.page.get_by_role("button", name="Remove chart.png").click()

    expect(alice.page.locator("#chosen > *")).to_have_count(0)
    expect(alice.page.get_by_role("button", name="Send")).to_be_disabled()


def test_nothing_is_sent_while_a_file_is_on_its_way(hall, open_page):
    alice = open_page(hall.server, "alice")
    alice.enter("Mapmakers")
    waiting = []

    def hold(route):
        waiting.append(route)

    alice.page.route("**/api/attachments", hold)
    alice.page.locator("#files").set_input_files([CHART])
    expect(alice.page.get_by_role("progressbar", name="Uploading chart.png")).to_be_visible()

    alice.box.fill("Wait for it")
    expect(alice.page.get_by_role("button", name="Send")).to_be_disabled()
    alice.box.press("Enter")
    expect(alice.page.locator(".message", has_text="Wait for it")).to_have_count(0)
    waiting[0].continue_()

    alice.page.get_by_role("button", name="Send").click()
    alice.expect_message("Wait for it")
    expect(alice.message("Wait for it").get_by_role("img", name="chart.png")).to_be_visible()
