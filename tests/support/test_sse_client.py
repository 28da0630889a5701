"""The clients of the tests read HTTP and event streams as they are on the wire."""

import random
import threading
import time

import pytest

from tests.support.ports import wait_until
from tests.support.scripted_server import HEAD, ScriptedServer
from tests.support.sse import StreamSwarm


def event(n):
    return f"id: {n}\ndata: {n}\n\n".encode()


def wait_for_the_client_to_leave(connection):
    connection.settimeout(30)
    connection.recv(1)


def resume(connection, request):
    """Sends three events per connection, going on after the Last-Event-ID, then ends."""
    _, _, rest = request.partition("Last-Event-ID: ")
    first = int(rest.split()[0]) + 1 if rest else 1
    connection.sendall(HEAD + b"\r\n" + b"".join(event(n) for n in range(first, first + 3)))


def stay(connection, request):
    resume(connection, request)
    wait_for_the_client_to_leave(connection)


class TestSseClient:
    def test_body_without_framing_ends_with_the_connection(self, sse):
        with ScriptedServer(resume) as server:
            client = sse(server.url)

            assert [one.data for one in client.take(3)] == ["1", "2", "3"]
            assert client.wait_ended()

    def test_chunked_body_is_put_together(self, sse):
        def script(connection, request):
            connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\ndata")
            time.sleep(0.02)
            connection.sendall(b"\r\n5;x=y\r\n: a\n\n\r\n0\r\n\r\n")
            wait_for_the_client_to_leave(connection)

        with ScriptedServer(script) as server:
            client = sse(server.url)

            assert [one.data for one in client.take(1)] == ["a"]
            assert client.wait_ended()

    def test_other_responses_are_kept_as_a_body(self, sse):
        def script(connection, request):
            connection.sendall(
                b"HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\n"
                b"Content-Length: 2\r\n\r\n{}"
            )
            wait_for_the_client_to_leave(connection)

        with ScriptedServer(script) as server:
            client = sse(server.url)

            assert client.wait_ended()
            assert (client.status, client.body) == (403, b"{}")

    def test_headers_cookies_and_cursor_are_sent(self, sse):
        with ScriptedServer(resume) as server:
            sse(
                server.url,
                headers={"Origin": "null"},
                cookies={"a": "1", "b": "2"},
                last_event_id="7",
            )

            assert "Origin: null\r\n" in server.requests[0]
            assert "Cookie: a=1; b=2\r\n" in server.requests[0]
            assert "Last-Event-ID: 7\r\n" in server.requests[0]

    def test_too_few_events_are_shown(self, sse):
        with ScriptedServer(stay) as server:
            client = sse(server.url)

            with pytest.raises(AssertionError, match=r"3 of 4 events .* data='3'"):
                client.take(4, timeout=0.2)

    def test_events_can_be_taken_up_to_a_certain_one(self, sse):
        with ScriptedServer(stay) as server:
            client = sse(server.url)

            assert [one.data for one in client.take_until(lambda one: one.id == "2")] == ["1", "2"]
            assert [one.data for one in client.events(timeout=0.1)] == ["3"]

    def test_reset_is_seen_as_a_reset(self, sse):
        seen = threading.Event()

        def script(connection, request):
            connection.sendall(HEAD + b"\r\n" + event(1))
            try:
                connection.recv(1)
            except ConnectionResetError:
                seen.set()

        with ScriptedServer(script) as server:
            client = sse(server.url)
            client.take(1)
            client.reset()

            assert seen.wait(5)


class TestStreamSwarm:
    def test_many_streams_are_read_at_once(self, make_swarm):
        swarm = make_swarm()
        with ScriptedServer(stay) as server:
            for _ in range(200):
                swarm.open(server.url)
            swarm.wait_for(lambda stream: len(stream.events) == 3)

        assert {tuple(one.data for one in stream.events) for stream in swarm.streams} == {
            ("1", "2", "3")
        }

    def test_stream_that_the_server_ends_comes_back_with_its_cursor(self, make_swarm):
        swarm = make_swarm(default_retry_ms=10)
        with ScriptedServer(resume) as server:
            stream = swarm.open(server.url, reconnects=True)
            swarm.wait_for(lambda stream: len(stream.events) >= 9)

        assert [one.data for one in stream.events][:9] == [str(n) for n in range(1, 10)]
        assert stream.ends >= 2

    def test_retry_of_the_server_is_obeyed(self, make_swarm):
        def script(connection, request):
            connection.sendall(HEAD + b"\r\nretry: 60000\ndata: a\n\n")

        swarm = make_swarm(default_retry_ms=10)
        with ScriptedServer(script) as server:
            stream = swarm.open(server.url, reconnects=True)
            swarm.wait_for(lambda stream: stream.ends == 1)
            time.sleep(0.1)

        assert (stream.connects, stream.retry_ms, stream.retries) == (1, 60000, [60000])

    def test_cut_stream_stays_away_until_it_is_reconnected_elsewhere(self, make_swarm):
        swarm = make_swarm()
        with ScriptedServer(stay) as here, ScriptedServer(stay) as there:
            stream = swarm.open(here.url)
            swarm.wait_open()
            assert swarm.cut_some(5, random.Random(1)) == [stream]
            wait_until(lambda: stream.state == "closed", 5)
            swarm.reconnect(stream, there.url)
            swarm.wait_for(lambda stream: len(stream.events) == 6)

        assert "Last-Event-ID: 3" in there.requests[0]
        assert (stream.cuts, stream.connects) == (1, 2)

    def test_server_that_is_away_is_tried_until_it_is_there(self, make_swarm):
        addresses: list[str] = []
        swarm = make_swarm(default_retry_ms=10, pick_url=lambda stream: addresses[-1])
        with ScriptedServer(stay) as server:
            addresses.append(server.url)
        stream = swarm.open(addresses[0], reconnects=True)
        wait_until(lambda: stream.refusals >= 2, 5)

        with ScriptedServer(stay) as server:
            addresses.append(server.url)
            swarm.wait_open()

        assert stream.statuses == [200]

    def test_closed_stream_stays_away_also_when_it_was_about_to_come_back(self, make_swarm):
        swarm = make_swarm(default_retry_ms=200)
        with ScriptedServer(stay) as server:
            stream = swarm.open(server.url, reconnects=True)
            swarm.wait_open()
            swarm.cut(stream)
            swarm.close(stream)
            time.sleep(0.4)

        assert (stream.state, stream.connects) == ("closed", 1)

    def test_callback_sees_each_event_with_its_stream(self, make_swarm):
        seen = []
        swarm = make_swarm(on_event=lambda stream, one: seen.append((stream.name, one.data)))
        with ScriptedServer(stay) as server:
            swarm.open(server.url, name="a")
            swarm.wait_for(lambda stream: len(stream.events) == 3)

        assert seen == [("a", "1"), ("a", "2"), ("a", "3")]

    def test_late_streams_are_named(self, make_swarm):
        swarm = make_swarm()
        with ScriptedServer(stay) as server:
            swarm.open(server.url, name="slow one")

            with pytest.raises(
                AssertionError, match="1 of 1 streams are late: slow one: open, 3 events"
            ):
                swarm.wait_for(lambda stream: len(stream.events) == 4, timeout=0.3)

    def test_failure_in_a_callback_fails_the_test(self):
        def fail(stream, one):
            raise ValueError("from the callback")

        swarm = StreamSwarm(on_event=fail).start()
        with ScriptedServer(stay) as server:
            stream = swarm.open(server.url)
            wait_until(lambda: stream.events, 5)

        with pytest.raises(ValueError, match="from the callback"):
            swarm.stop()
