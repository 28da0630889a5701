"""Whatever is uploaded, under whatever name: an error of the contract, or harmless bytes."""

import io
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask_sqlalchemy import SQLAlchemy
from hypothesis import given
from hypothesis import strategies as st

from flask_nexora_rt import NexoraRT
from flask_nexora_rt.attachments.names import MAX_NAME, check_name
from flask_nexora_rt.attachments.sniffing import SAFE_IMAGES, image_size, sniff_type
from flask_nexora_rt.errors import InvalidFields
from flask_nexora_rt.testing import make_app, sign_in
from tests.support.images import avif, box, gif, jpeg, png, webp
from tests.unit.host import assert_error

URL = "/api/attachments"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(document.domain)</script>"
LIMIT = 100_000


@pytest.fixture
def make_host(tmp_path):
    """Members of `guild-1` are alice and bob."""
    made = []

    def make(**config):
        rt, db = NexoraRT(), SQLAlchemy()
        members = {"alice", "bob"}
        rt.channel("guild-{id}")(lambda user, id: user.id in members)
        app = make_app(
            rt,
            db=db,
            PROPAGATE_EXCEPTIONS=False,
            SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/h.db",
            NEXORA_RT_ATTACHMENT_FOLDER=str(tmp_path / "files"),
            NEXORA_RT_MAX_ATTACHMENT_BYTES=LIMIT,
            NEXORA_RT_MESSAGE_RATE=1000,
            **config,
        )
        with app.app_context():
            db.create_all()
        made.append((app, db))
        return SimpleNamespace(
            app=app, rt=rt, members=members, client=lambda user: sign_in(app.test_client(), user)
        )

    yield make
    for app, db in made:
        app.extensions["nexora_rt"].runtime.close()
        with app.app_context():
            db.engine.dispose()


@pytest.fixture
def host(make_host):
    return make_host()


@pytest.fixture
def nothing_outside(tmp_path):
    """No file of an upload is anywhere but under a key of 32 digits in the storage's folder."""
    yield
    # SQLite's own files beside it, where another test has asked for its write-ahead log.
    ours = {*tmp_path.glob("h.db*"), *(tmp_path / "files").rglob("*")}
    assert {path for path in tmp_path.rglob("*") if path.is_file()} <= ours
    for path in (tmp_path / "files").rglob("*"):
        assert path.is_dir() or (len(path.name) == 32 and path.parent.name == path.name[:2])


def post(host, content, name="x", mimetype="", user="alice", conversation="guild-1"):
    part = (io.BytesIO(content), name, mimetype) if mimetype else (io.BytesIO(content), name)
    data = {"file": part, "conversationId": conversation}
    return host.client(user).post(URL, data=data, content_type="multipart/form-data")


def uploaded(host, content, *arguments, **options):
    answer = post(host, content, *arguments, **options)
    assert answer.status_code == 201, answer.text
    return answer.get_json()["attachment"]


def get(host, file, user="alice", **options):
    """A download, read to its end and closed."""
    return host.client(user).get(f"{URL}/{file['id']}", buffered=True, **options)


def send(host, *ids, user="alice"):
    body = {"conversationId": "guild-1", "attachments": list(ids)}
    return host.client(user).post("/api/messages", json=body)


def refused(answer, field, *words):
    assert_error(answer, 422)
    assert set(answer.get_json()["fields"]) == {field}
    for word in words:
        assert word in answer.get_json()["fields"][field]


def stored(tmp_path):
    return [path for path in (tmp_path / "files").rglob("*") if path.is_file()]


class Counting(io.BytesIO):
    """Bytes that know how much of them was read."""

    asked = reads = 0

    def read(self, *size):
        data = super().read(*size)
        self.reads += 1
        self.asked += len(data)
        return data

    readinto = None


# -- names -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "..\\..\\windows\\win.ini",
        "..\\\\..\\\\windows\\\\win.ini",
        "/etc/passwd",
        "\\\\\\\\server\\\\share",
        "photos/../../x.png",
        "a/ .. /b",
        "..",
    ],
)
def test_a_name_that_leads_out_of_its_folder_is_refused(host, tmp_path, nothing_outside, name):
    refused(post(host, png(), name), "file", "name")

    assert stored(tmp_path) == []


@pytest.mark.parametrize(
    "name, shown",
    [
        ("photo.png", "photo.png"),
        ("folder/photo.png", "photo.png"),
        ("  spaced .png ", "spaced .png"),
        ("gpj\u202eexe.png", "gpjexe.png"),
        ("tab\tbell\x07.png", "tabbell.png"),
        ("ünï 👩‍🚀.png", "ünï 👩‍🚀.png"),
        ("%2e%2e%2fx", "%2e%2e%2fx"),
        (".", "attachment"),
        ("\u200f", "attachment"),
        ("x" * 500 + ".png", "x" * 116 + ".png"),
    ],
)
def test_a_name_is_only_shown(host, nothing_outside, name, shown):
    assert uploaded(host, png(), name)["name"] == shown


@given(st.text())
def test_any_name_is_one_short_line_or_refused(name):
    try:
        shown = check_name(name)
    except InvalidFields:
        return
    assert 0 < len(shown) <= MAX_NAME
    assert not set(shown) & set("/\\\r\n\0\u2028\u202e")
    shown.encode()
    assert check_name(shown) == shown


@pytest.mark.parametrize(
    "name",
    ['a";filename="x.html', "a\r\nSet-Cookie: x=1\r\n\r\n<script>", "a;b=c'd\"e.txt", "ü\r\nX: y"],
)
def test_a_name_cannot_write_headers(host, name):
    with host.app.app_context():
        file = host.rt.attachments.upload("guild-1", io.BytesIO(b"text"), name, "alice")

    answer = get(host, file)

    assert answer.status_code == 200
    assert "X" not in answer.headers
    assert not any(cookie.startswith("x=") for cookie in answer.headers.getlist("Set-Cookie"))
    assert answer.headers["Content-Disposition"].startswith("attachment; filename")
    assert answer.data == b"text"


# -- content -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mimetype", ["image/png", "image/svg+xml", "image/gif"])
@pytest.mark.parametrize(
    "content",
    [
        SVG,
        HTML,
        b"<?xml version='1.0'?>" + SVG,
        b"alert(1)",
        b"GIF89a/*aa*/=1;alert(1)//",
        b"\xef\xbb\xbf" + HTML,
        b"\xff\xfe" + "<script>".encode("utf-16-le"),
        b"%PDF-1.7\n<script>",
    ],
)
def test_a_script_declared_as_an_image_is_refused(host, tmp_path, content, mimetype):
    refused(post(host, content, "x.png", mimetype), "file", "declared as", mimetype)

    assert stored(tmp_path) == []


@pytest.mark.parametrize("content", [SVG, HTML, b"#!/bin/sh\nrm -rf /"])
@pytest.mark.parametrize("name", ["x.html", "x.svg", "x.png"])
def test_markup_is_a_sandboxed_download_of_plain_text(host, content, name):
    file = uploaded(host, content, name, "text/html")
    answer = get(host, file)

    assert file["type"] == answer.mimetype == "text/plain"
    assert "width" not in file
    assert answer.headers["Content-Disposition"] == f"attachment; filename={name}"
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize("image", [png, gif, jpeg, webp, avif])
def test_a_polyglot_is_nothing_but_an_image(host, image):
    content = image() + HTML
    file = uploaded(host, content, "x.html", "text/html")
    answer = get(host, file)

    assert answer.mimetype == f"image/{image.__name__}"
    assert answer.headers["Content-Disposition"] == "inline; filename=x.html"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    policy = answer.headers["Content-Security-Policy"]
    assert policy == "sandbox; default-src 'none'; style-src 'unsafe-inline'"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.data == content


@pytest.mark.parametrize(
    "content, found",
    [
        (b"MZ\x90\x00" + bytes(100), "application/x-msdownload"),
        (b"\x7fELF\x02\x01\x01" + bytes(100), "application/x-executable"),
        (b"CWS\x09" + bytes(100), "application/x-shockwave-flash"),
        (bytes(100), "application/octet-stream"),
    ],
)
def test_a_type_that_is_not_allowed_is_refused_by_content(host, content, found):
    refused(post(host, content, "x.txt", "text/plain"), "file", found)


def test_the_host_says_which_types_are_allowed(make_host):
    host = make_host(NEXORA_RT_ATTACHMENT_TYPES="image/png,application/*")

    assert uploaded(host, bytes(10))["type"] == "application/octet-stream"
    assert uploaded(host, png())["type"] == "image/png"
    refused(post(host, gif()), "file", "image/gif")
    refused(post(host, b"text"), "file", "text/plain")


@pytest.mark.parametrize("size", [(60_000, 60_000), (2**31 - 1, 2**31 - 1)])
def test_an_image_of_too_many_pixels_is_refused_undecoded(host, size):
    refused(post(host, png(*size), "x.png", "image/png"), "file", "pixels")


@pytest.mark.parametrize(
    "content", [png()[:20], jpeg()[:24], webp()[:16], avif()[:40], png(0, 5), gif(0, 0)]
)
def test_a_damaged_image_is_refused(host, content):
    refused(post(host, content, "x", "image/png"), "file", "damaged")


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xd8" + b"\xff\xe1\x00\x02" * 1_000_000,
        avif()[:24] + b"\0\0\0\x08free" * 500_000,
        avif()[:24] + box(b"meta", bytes(4) + box(b"iloc", bytes(8_000_000))),
    ],
)
def test_an_endless_header_is_not_read_to_its_end(content):
    file = Counting(content)

    assert image_size(file) is None

    assert file.reads <= 4097
    assert file.asked <= 512 * 1024 + 1


def test_a_photo_with_long_notes_is_still_measured(host):
    content = jpeg(640, 480, comment=b"x" * 60_000)

    assert uploaded(host, content)["width"] == 640


@given(
    st.sampled_from([b"", png(), gif(), jpeg(), webp(), avif(), b"PK\x03\x04", b"%PDF-", b"II*\0"]),
    st.integers(0, 60),
    st.binary(max_size=200),
)
def test_any_bytes_have_a_type_and_never_one_that_runs(head, cut, rest):
    file = io.BytesIO(head[:cut] + rest)
    found = sniff_type(file)

    assert not any(part in found for part in ("html", "svg", "xml", "javascript"))
    size = image_size(file)
    assert size is None or min(size) > 0
    if found in SAFE_IMAGES:
        assert file.getvalue()[:1] not in (b"<", b" ", b"\n")


# -- size --------------------------------------------------------------------------------------


def test_an_empty_file_is_refused(host, tmp_path):
    refused(post(host, b"", "x.png"), "file", "empty")

    assert stored(tmp_path) == []


def test_a_file_over_the_limit_is_refused_and_the_largest_is_not(host, tmp_path):
    answer = post(host, b"x" * (LIMIT + 1))

    assert_error(answer, 413, str(LIMIT), str(LIMIT + 1))
    assert stored(tmp_path) == []
    assert uploaded(host, b"x" * LIMIT)["size"] == LIMIT


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_over_the_limit_is_not_read_to_its_end(host, declared):
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
    body = Counting(head + b"x" * 50 * LIMIT + b"\r\n--b--\r\n")
    environ = {"CONTENT_LENGTH": str(len(body.getvalue()))} if declared else {}

    answer = host.client("alice").post(
        URL,
        input_stream=body,
        content_type="multipart/form-data; boundary=b",
        environ_overrides={"wsgi.input_terminated": True, **environ},
    )

    assert_error(answer, 413, str(LIMIT))
    assert body.asked <= (0 if declared else 2 * LIMIT)


def test_a_lower_limit_of_the_host_is_an_error_of_ours(make_host):
    host = make_host(MAX_CONTENT_LENGTH=5000)

    assert_error(post(host, b"x" * 6000), 413, "5000")
    assert uploaded(host, b"x" * 3000)


def test_fields_that_are_too_large_are_an_error_of_ours(make_host):
    host = make_host(MAX_FORM_MEMORY_SIZE=100, MAX_FORM_PARTS=2)
    data = {"file": (io.BytesIO(b"text"), "x"), "conversationId": "g" * 200}
    assert_error(host.client("alice").post(URL, data=data), 413)

    data = {"file": (io.BytesIO(b"text"), "x"), "conversationId": "guild-1", "b": "1", "c": "2"}
    assert_error(host.client("alice").post(URL, data=data), 413)


# -- forms -------------------------------------------------------------------------------------


def test_a_form_that_lacks_something_says_what(host):
    client, form = host.client("alice"), "multipart/form-data"

    refused(client.post(URL, data={"conversationId": "guild-1"}, content_type=form), "file")
    file = {"file": (io.BytesIO(b"x"), "x")}
    refused(client.post(URL, data=file, content_type=form), "conversationId")
    text = {"conversationId": "guild-1", "file": "only text"}
    refused(client.post(URL, data=text, content_type=form), "file")
    two = {"conversationId": "guild-1", "file": [(io.BytesIO(b"x"), n) for n in "ab"]}
    refused(client.post(URL, data=two, content_type=form), "file", "one file")
    broken = client.post(URL, data=b"--x\r\nbroken", content_type=f"{form}; boundary=x")
    refused(broken, "file")
    assert_error(client.post(URL, json={"conversationId": "guild-1"}), 400)
    assert_error(client.post(URL, data=b""), 400)
    refused(post(host, b"x", conversation="a b"), "conversationId")
    assert_error(post(host, b"x", conversation="nowhere-1"), 403)


# -- who ---------------------------------------------------------------------------------------


def test_who_is_not_a_member_gets_nothing_and_learns_nothing(host):
    waiting = uploaded(host, b"secret text", "secret.txt")
    sent = uploaded(host, b"secret text", "secret.txt")
    message = send(host, sent["id"]).get_json()["message"]
    assert message["attachments"] == [sent]

    answers = [
        get(host, waiting, "mallory"),
        get(host, sent, "mallory"),
        get(host, sent, "mallory", headers={"Range": "bytes=0-3"}),
        get(host, sent, "mallory", headers={"If-None-Match": f'"{sent["id"]}"'}),
        post(host, b"x", user="mallory"),
        send(host, sent["id"], user="mallory"),
    ]

    for answer in answers:
        assert_error(answer, 403)
        assert answer.get_json() == {"error": "Forbidden"}
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Content-Disposition" not in answer.headers
        assert "ETag" not in answer.headers
    for request in ("get", "post"):
        url = f"{URL}/{sent['id']}" if request == "get" else URL
        assert_error(getattr(host.app.test_client(), request)(url), 401)
    assert get(host, sent, "bob").data == b"secret text"


def test_before_it_is_sent_only_its_uploader_may_read_it(host):
    file = uploaded(host, b"draft", "draft.txt")

    assert get(host, file).data == b"draft"
    answer = get(host, file, "bob")
    assert_error(answer, 404)
    assert answer.get_json() == host.client("bob").get(f"{URL}/{'0' * 32}").get_json()


def test_who_has_left_reads_nothing_more_not_even_from_the_cache(host):
    file = uploaded(host, b"text")
    send(host, file["id"])
    first = get(host, file, "bob")
    seen = {"If-None-Match": first.headers["ETag"]}
    assert get(host, file, "bob", headers=seen).status_code == 304

    host.members.remove("bob")

    assert_error(get(host, file, "bob", headers=seen), 403)


def test_nobody_attaches_what_somebody_else_has_uploaded(host):
    file = uploaded(host, b"draft")

    foreign, missing = send(host, file["id"], user="bob"), send(host, "0" * 32, user="bob")

    refused(foreign, "attachments")
    assert foreign.get_json() == missing.get_json()
    assert send(host, file["id"]).status_code == 201


@pytest.mark.parametrize(
    "given", ["abc", {"a": 1}, [1], [None], ["x"] * 2, ["\ud800"], ["\0"], ["x" * 100_000]]
)
def test_bad_attachment_ids_are_refused(host, given):
    body = {"conversationId": "guild-1", "content": "x", "attachments": given}
    answer = host.client("alice").post("/api/messages", json=body)

    assert_error(answer, 422)
    assert len(answer.data) < 1000


def test_a_deleted_attachment_is_gone_for_everybody(host, tmp_path):
    file = uploaded(host, b"text")
    message = send(host, file["id"]).get_json()["message"]
    host.client("alice").delete(f"/api/messages/{message['id']}")

    for user in ("alice", "bob"):
        assert_error(get(host, file, user), 404)
    assert stored(tmp_path) == []
    refused(send(host, file["id"]), "attachments")


@pytest.mark.parametrize("key", ["..%2f..%2fh.db", "%00", "x" * 5000, "ü", "' OR 1=1 --"])
def test_an_id_that_is_none_is_not_found(host, key):
    answer = host.client("alice").get(f"{URL}/{key}")

    assert answer.status_code == 404
    assert b"SQL" not in answer.data


def test_bytes_that_are_lost_are_not_found(host, tmp_path):
    file = uploaded(host, b"text")
    for path in stored(tmp_path):
        Path(path).unlink()

    assert_error(get(host, file), 404)


def test_uploads_are_limited_by_user(make_host):
    host = make_host()
    object.__setattr__(host.app.extensions["nexora_rt"].settings, "message_rate", 2)

    codes = [post(host, b"text").status_code for _ in range(4)]

    assert 429 in codes
    assert post(host, b"text", user="bob").status_code == 201


def test_another_site_can_neither_upload_nor_read(host):
    file = uploaded(host, b"text")
    client, foreign = host.client("alice"), {"Sec-Fetch-Site": "cross-site"}

    assert_error(client.get(f"{URL}/{file['id']}", headers=foreign), 403)
    data = {"file": (io.BytesIO(b"x"), "x"), "conversationId": "guild-1"}
    assert_error(client.post(URL, data=data, headers=foreign), 403)


def test_the_folder_is_for_the_server_alone(host, tmp_path):
    uploaded(host, b"text")

    assert (tmp_path / "files").stat().st_mode & 0o077 == 0
