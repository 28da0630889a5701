"""Laravel Echo, as npm has it, on this client."""

import pytest

from tests.browser.host import PACKAGES
from tests.e2e.conftest import trigger

ECHO = """async () => {
  const { default: Echo } = await import("/packages/laravel-echo/dist/echo.js");
  window.seen = [];
  window.rt = new NexoraRT();
  window.echo = new Echo({ broadcaster: "pusher", client: rt, namespace: false });
}"""


@pytest.fixture
def open_echo(visit):
    if not (PACKAGES / "laravel-echo").is_dir():
        pytest.fail("Laravel Echo is missing: npm ci --prefix tests/browser", pytrace=False)

    def make(server, user_id):
        tab = visit(server.url, user_id).page()
        tab.page.evaluate(ECHO)
        return tab

    return make


def test_echo_listens_whispers_and_shows_who_is_here(shared_host, open_echo):
    server = shared_host
    alice, bob = open_echo(server, "alice"), open_echo(server, "bob")
    alice.page.evaluate("""() => void echo.join("hall")
      .here((users) => seen.push(["here", users]))
      .joining((user) => seen.push(["joining", user]))
      .leaving((user) => seen.push(["leaving", user]))
      .listen(".tick", (data) => seen.push(["tick", data]))
      .listenForWhisper("wave", (data) => seen.push(["wave", data]))
      .error((error) => seen.push(["error", error]))""")
    assert alice.wait_seen("here") == [[{"name": "Alice"}]]
    bob.page.evaluate("() => void echo.join('hall').here((users) => seen.push(['here', users]))")
    bob.wait_seen("here")

    bob.page.evaluate("() => void echo.join('hall').whisper('wave', {to: 'you'})")
    trigger(server, "presence-hall", data={"n": 1})

    assert alice.wait_seen("joining") == [{"name": "Bob"}]
    assert alice.wait_seen("wave") == [{"to": "you"}]
    assert alice.wait_seen("tick") == [{"n": 1}]
    assert alice.page.evaluate("echo.socketId() === rt.connection.socket_id")
    assert alice.page.evaluate("echo.connector.connectionStatus()") == "connected"

    bob.page.evaluate("() => echo.leave('hall')")
    assert alice.wait_seen("leaving") == [{"name": "Bob"}]


def test_echo_tells_a_refusal_and_leaves(shared_host, open_echo):
    server = shared_host
    tab = open_echo(server, "member-3")
    tab.page.evaluate("""() => {
      echo.channel("room-4").error((error) => seen.push(["error", error.status]));
      echo.channel("room-3")
        .subscribed(() => seen.push(["subscribed", true]))
        .listenToAll((name, data) => seen.push(["all", [name, data]]));
    }""")

    assert tab.wait_seen("error") == [403]
    tab.wait_seen("subscribed")
    trigger(server, "room-3", data=1)
    assert tab.wait_seen("all") == [[".tick", 1]]
    tab.page.evaluate("() => { echo.leaveChannel('room-3'); echo.disconnect(); }")
    assert tab.page.evaluate("rt.channel('room-3') === undefined")
    assert tab.page.evaluate("rt.connection.state") == "disconnected"
