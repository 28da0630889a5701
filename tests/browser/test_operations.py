"""The operations page: what is live, jobs by hand, and what the oracle says of a crowd."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import demo_settings, seed_demo, serve_hall


@pytest.fixture(scope="module")
def open_hall(seeded, tmp_path_factory):
    """As for other files, with sixty people who have done something, three of them too much."""
    folder = tmp_path_factory.mktemp("crowd")
    settings = demo_settings(seeded, folder)
    seed_demo(settings, "--users", "60")
    with serve_hall(settings) as everybody:
        yield everybody


@pytest.fixture
def operations(hall, open_page):
    """The page in Grace's browser."""
    grace = open_page(hall.server, "grace")
    grace.page.goto(f"{grace.url}/operations")
    return grace.page


@pytest.mark.parametrize("path", ["/operations", "/operations/figures"])
def test_it_is_for_admins_only(path, hall):
    assert hall["alice"].get(path).status_code == 403
    assert hall["alice"].refused("/operations/jobs/oracle") == 403
    assert hall["grace"].get(path).status_code == 200


def test_a_job_that_does_not_exist_is_not_found_and_another_site_runs_none(hall):
    grace = hall["grace"]
    elsewhere = {"Origin": "https://evil.example"}
    answer = grace.session.post(f"{grace.url}/operations/jobs/oracle", headers=elsewhere)

    assert answer.status_code == 403
    assert grace.refused("/operations/jobs/no-such-job") == 404


def test_an_admin_sees_connections_channels_and_rates_live(operations, hall, open_page):
    connections = operations.locator("#connections")
    expect(connections).to_have_text(re.compile(r"^[1-9]"), timeout=20_000)
    before = int(connections.inner_text())

    alice = open_page(hall.server, "alice")
    alice.enter("Mapmakers")

    expect(connections).not_to_have_text(str(before), timeout=20_000)
    expect(operations.get_by_role("row", name="dm-1-7 2 2")).to_be_visible(timeout=20_000)
    chart = operations.get_by_role("img", name="Events per second")
    expect(chart).to_have_attribute("aria-label", re.compile("now [0-9.]+"), timeout=20_000)
    expect(operations.locator("#rate-events")).to_have_text(re.compile(r"^[0-9.]+$"))


def test_the_oracle_by_hand_finds_the_anomalies_and_rings_the_bell(operations, hall):
    hall["grace"].ask("DELETE", "/notifications")
    expect(operations.get_by_text("The oracle has not run yet")).to_be_visible()
    expect(operations.get_by_text("Not judged yet")).to_be_visible()

    operations.get_by_role("button", name="Run now: oracle").click()

    people = operations.get_by_role("region", name="Table of anomalies").locator("tbody tr")
    expect(people).to_have_count(3, timeout=20_000)
    expect(people.get_by_text("Critical")).to_have_count(3)
    expect(people.get_by_role("img", name=re.compile(r"By day: \d+, "))).to_have_count(3)
    for metric in ("votes", "transfers", "messages"):
        expect(people.filter(has_text=re.compile(rf"\d {metric}, \d+ is usual"))).to_have_count(1)

    health = operations.get_by_role("img", name=re.compile(r"Platform health: [\d.]+ of 100"))
    score = re.search(r"[\d.]+", health.get_attribute("aria-label"))[0]
    made_of = operations.get_by_role("img", name=re.compile("What it is made of: activity"))
    expect(made_of).to_be_visible()
    expect(
        operations.get_by_role("row", name=re.compile("Critical anomalies high 3"))
    ).to_be_visible()

    bell = operations.get_by_role("button", name=re.compile("Notifications"))
    bell.click()
    alert = f"Oracle detected 3 critical anomalies. Platform health: {score} of 100"
    expect(operations.get_by_text(alert).first).to_be_visible()


def test_a_run_that_somebody_else_starts_shows_without_a_reload(operations, hall):
    row = operations.locator(".job", has_text="retention")
    operations.evaluate("window.stays = true")
    hall["grace"].post("/operations/jobs/retention")

    expect(row).to_contain_text("by hand", timeout=20_000)
    assert operations.evaluate("window.stays")


def test_it_says_that_its_figures_are_old_while_the_server_does_not_answer(operations):
    figures = "**/operations/figures"
    operations.route(figures, lambda route: route.fulfill(status=204))
    expect(operations.locator("#stale")).to_be_visible(timeout=20_000)
    operations.unroute(figures)
    expect(operations.locator("#stale")).to_be_hidden(timeout=20_000)
