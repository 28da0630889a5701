"""`make demo`: one command from the clone to a page that one is signed in to."""

import re

import pytest
import requests

from tests.support.ports import free_port
from tests.support.servers import AppServer


@pytest.fixture
def make_demo(tmp_path):
    """Runs it on a port of its own, with data of its own: `make_demo("URL=redis://...")`."""
    own = {"DEMO_INSTANCE_PATH": str(tmp_path), "TMPDIR": str(tmp_path)}
    port = free_port()
    servers = []

    def start(*variables):
        command = ["make", "--no-print-directory", "demo", f"PORT={port}", *variables]
        servers.append(AppServer(command, port, own, "/login"))
        return servers[-1].start()

    yield start
    for server in servers:
        server.close()


def chat_of(server, name):
    """The page of a guild's chat, for whom a click on the sign-in page makes its user."""
    return page_of(server, name, "/guilds/1")


def page_of(server, name, path):
    with requests.Session() as visitor:
        login = visitor.get(f"{server.url}/login").text
        action = re.search(rf'action="(/login/[^"]+)"(?:(?!action=).)*{name}', login, re.DOTALL)[1]
        assert visitor.post(server.url + action).ok
        return visitor.get(server.url + path)


def test_needs_nothing_but_python(make_demo):
    page = chat_of(make_demo(), "Alice")

    assert page.ok
    assert "Mapmakers" in page.text
    assert "Alice Moreau" in page.text


def test_two_variables_bring_redis_postgresql_and_four_workers(make_demo, redis_url, postgres_url):
    server = make_demo(f"URL={redis_url}", f"DATABASE={postgres_url}")

    assert "Mapmakers" in chat_of(server, "Alice").text
    assert len(re.findall("Booting worker", server.log())) == 4


def test_a_third_one_brings_people_with_a_past(make_demo):
    board = page_of(make_demo("USERS=40"), "Alice", "/leaderboard").text

    assert len(set(re.findall(r"/people/\d+/profile", board))) > 7  # those that every demo has


def test_memory_with_several_workers_says_what_to_do(make_demo):
    with pytest.raises(RuntimeError, match="make demo URL=redis://"):
        make_demo("WORKERS=4")
