"""Attachments through gunicorn: what one worker takes, another gives, whole or in parts."""

import http.client
import socket
from urllib.parse import urlsplit

import pytest
import requests

from tests.e2e.test_messages import Writer
from tests.support.images import png

LIMIT = 3_000_000


@pytest.fixture
def host(serve, redis_url, tmp_path):
    def make(**options):
        env = {
            "E2E_DATABASE": f"sqlite:///{tmp_path}/a.db",
            "FLASK_NEXORA_RT_ATTACHMENT_FOLDER": str(tmp_path / "files"),
            "FLASK_NEXORA_RT_MAX_ATTACHMENT_BYTES": str(LIMIT),
            "FLASK_NEXORA_RT_MESSAGE_RATE": "1000",
            **options.pop("env", {}),
        }
        return serve(redis_url, env=env, **options)

    return make


def upload(writer, content, name="notes.txt"):
    data = {"conversationId": "guild-1"}
    return writer.request("POST", "/attachments", data=data, files={"file": (name, content)})


@pytest.mark.parametrize("options", [{}, {"worker_class": "gthread", "threads": 4}])
def test_what_one_worker_takes_any_worker_gives(host, options):
    server = host(workers=2, **options)
    alice, stranger = Writer(server), Writer(server, "stranger")
    content = b"0123456789" * 200_000
    answer = upload(alice, content, "größe.txt")
    assert answer.status_code == 201, answer.text
    file = answer.json()["attachment"]
    image = upload(alice, png(), "x.png").json()["attachment"]
    body = {"conversationId": "guild-1", "attachments": [file["id"], image["id"]]}
    message = alice.request("POST", "/messages", json=body).json()["message"]
    assert message["attachments"] == [file, image]
    path = f"/attachments/{file['id']}"

    # A connection each, so that both workers answer.
    bobs = [Writer(server, "writer-1") for _ in range(6)]
    for bob in bobs:
        whole = bob.request("GET", path)
        assert (whole.status_code, whole.content) == (200, content)
        assert whole.headers["Content-Length"] == str(len(content))
        assert "filename*=UTF-8''gr%C3%B6%C3%9Fe.txt" in whole.headers["Content-Disposition"]
        assert whole.headers["X-Content-Type-Options"] == "nosniff"
        part = bob.request("GET", path, headers={"Range": "bytes=1000003-1000012"})
        assert (part.status_code, part.content) == (206, b"3456789012")
        assert part.headers["Content-Range"] == f"bytes 1000003-1000012/{len(content)}"
        end = bob.request("GET", path, headers={"Range": "bytes=-4"})
        assert (end.status_code, end.content) == (206, b"6789")
        stale = {"Range": "bytes=0-3", "If-Range": '"another"'}
        assert bob.request("GET", path, headers=stale).content == content
        kept = bob.request("GET", path, headers={"If-None-Match": whole.headers["ETag"]})
        assert (kept.status_code, kept.content) == (304, b"")
        beyond = bob.request("GET", path, headers={"Range": "bytes=9000000-"})
        assert beyond.status_code == 416
        assert beyond.json()["error"]
        head = bob.request("HEAD", path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["Content-Length"] == str(len(content))
        assert bob.request("GET", f"/attachments/{image['id']}").content == png()
        assert stranger.request("GET", path).status_code == 403

    assert alice.request("DELETE", f"/messages/{message['id']}").status_code == 200
    assert [bob.request("GET", path).status_code for bob in bobs] == [404] * 6


def multipart(size):
    """A body in pieces, for a file of so many bytes."""
    yield b'--b\r\nContent-Disposition: form-data; name="conversationId"\r\n\r\nguild-1\r\n'
    yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
    for _ in range(size // 10_000):
        yield b"x" * 10_000
    yield b"\r\n--b--\r\n"


@pytest.mark.parametrize("worker_class, threads", [("gevent", None), ("gthread", 4)])
def test_a_file_over_the_limit_gets_its_error_however_it_is_sent(host, worker_class, threads):
    server = host(worker_class=worker_class, threads=threads)
    form = {"Content-Type": "multipart/form-data; boundary=b"}

    def send(body):
        # On a connection of its own: gunicorn closes one whose body it has not read to the end.
        return Writer(server).request("POST", "/attachments", data=body, headers=form)

    for size, status in ((LIMIT // 2, 201), (2 * LIMIT, 413)):
        pieces, whole = send(multipart(size)), send(b"".join(multipart(size)))
        assert (pieces.status_code, whole.status_code) == (status, status)
        if status == 413:
            assert str(LIMIT) in pieces.json()["detail"]
            assert str(LIMIT) in whole.json()["detail"]
    assert upload(Writer(server), b"still here").status_code == 201


def test_a_file_that_is_announced_too_large_is_refused_before_it_is_sent(host):
    server = host()
    url = urlsplit(server.url)
    cookies = "; ".join(f"{k}={v}" for k, v in Writer(server).cookies.items())
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=10)
    connection.putrequest("POST", "/api/attachments")
    connection.putheader("Cookie", cookies)
    connection.putheader("Content-Type", "multipart/form-data; boundary=b")
    connection.putheader("Content-Length", str(10**12))
    connection.endheaders(next(multipart(1)))

    answer = connection.getresponse()

    assert answer.status == 413
    assert str(10**12).encode() in answer.read()
    connection.close()


@pytest.mark.parametrize("worker_class, threads", [("gevent", None), ("gthread", 4)])
def test_a_slow_download_holds_no_database_connection(host, worker_class, threads):
    server = host(worker_class=worker_class, threads=threads, env={"E2E_POOL_OF_ONE": "1"})
    alice = Writer(server)
    # More than the kernel's buffers take.
    file = upload(alice, b"x" * LIMIT).json()["attachment"]
    url = urlsplit(server.url)
    cookies = "; ".join(f"{k}={v}" for k, v in alice.cookies.items())
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect((url.hostname, url.port))
        request = (
            f"GET /api/attachments/{file['id']} HTTP/1.1\r\nHost: x\r\nCookie: {cookies}\r\n\r\n"
        )
        slow.sendall(request.encode())
        assert slow.recv(15) == b"HTTP/1.1 200 OK"

        for _ in range(3):
            assert requests.get(f"{server.url}/query", timeout=10).json() == {"answer": 42}
