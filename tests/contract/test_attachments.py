"""What attachments promise, on every database."""

import io
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from flask_login import LoginManager, login_user
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import func, select

from flask_nexora_rt import NexoraRT
from flask_nexora_rt.attachments import FolderStorage, service
from flask_nexora_rt.errors import (
    Conflict,
    InvalidFields,
    NotFound,
    TooManyRequests,
    Unauthorized,
)
from flask_nexora_rt.testing import Clock, User, sign_in
from tests.support.images import avif, gif, jpeg, png, webp


@pytest.fixture(params=["sqlite", "postgresql", "sqlite-memory"])
def database_url(request, tmp_path):
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    # Writers of one SQLite file wait for each other, on a busy machine longer than 5 s.
    return (
        "sqlite://" if request.param == "sqlite-memory" else f"sqlite:///{tmp_path}/a.db?timeout=60"
    )


class Storage(FolderStorage):
    """A folder that can be made to fail."""

    failing = False

    def save(self, key, file):
        super().save(key, file)
        if self.failing:
            raise OSError("the disk is full")

    def delete(self, key):
        if self.failing:
            raise OSError("the disk is away")
        super().delete(key)


@pytest.fixture
def host(database_url, redis_url, app_id, tmp_path):
    rt, db, storage = NexoraRT(), SQLAlchemy(), Storage(tmp_path / "files")
    rt.channel("guild-{id}")(lambda user, id: True)
    app = Flask(app_id)
    app.config.update(
        TESTING=True,
        SECRET_KEY="x",
        SQLALCHEMY_DATABASE_URI=database_url,
        NEXORA_RT_SECRET="a secret for the tests",
        NEXORA_RT_URL=redis_url,
        NEXORA_RT_APP_ID=app_id,
        NEXORA_RT_MAX_ATTACHMENTS=3,
    )
    LoginManager(app).user_loader(User)
    db.init_app(app)
    rt.init_app(app, db=db, attachments=storage)
    state = app.extensions["nexora_rt"]
    state.clock = Clock()
    with app.app_context():
        db.create_all()
        yield SimpleNamespace(
            app=app, rt=rt, db=db, state=state, storage=storage, folder=tmp_path / "files"
        )
        db.session.remove()
        state.outbox.stop()
        db.drop_all()
        db.engine.dispose()
    state.runtime.close()


def upload(host, user="alice", content=b"some text", name="notes.txt", conversation="guild-1"):
    return host.rt.attachments.upload(conversation, io.BytesIO(content), name, user)


def send(host, *files, content="", user="alice", conversation="guild-1", client=None, **options):
    ids = [file["id"] for file in files]
    return host.rt.messages.send(conversation, content, user, client, ids, **options)


def stored(host):
    """The names of all files of the storage, also of those that are half written."""
    return {path.name for path in Path(host.folder).rglob("*") if path.is_file()}


def rows(host):
    return host.db.session.scalar(select(func.count()).select_from(host.state.models.attachment))


def test_an_upload_is_described_by_what_it_holds(host):
    file = upload(host, content=b"some text", name="notes.png")

    assert file == {"id": file["id"], "name": "notes.png", "type": "text/plain", "size": 9}
    assert stored(host) == {file["id"]}
    with host.rt.attachments.open(file["id"]) as opened:
        assert opened.read() == b"some text"


@pytest.mark.parametrize("image", [png, gif, jpeg, webp, avif])
def test_images_have_width_and_height(host, image):
    file = upload(host, content=image(640, 480), name="x")

    assert (file["type"], file["width"], file["height"]) == (f"image/{image.__name__}", 640, 480)


def test_a_message_shows_its_attachments_in_order_wherever_it_is_shown(host):
    first, second, third = (upload(host, content=some) for some in (b"12", png(), b"1"))
    message = send(host, second, third, first, content="look").message

    assert message["attachments"] == [second, third, first]
    assert host.rt.messages.history("guild-1")["messages"] == [message]
    assert host.rt.messages.get(message["id"]) == message
    edited = host.rt.messages.edit(message["id"], "look!", "alice")
    assert edited["attachments"] == [second, third, first]
    log = host.state.runtime.log
    for _ in range(200):
        entries = log.range(log.bounds().reset, 10)
        if len(entries) == 2:
            break
        threading.Event().wait(0.02)
    new, _ = [host.app.json.loads(entry.event.data) for entry in entries]
    assert new == message


def test_content_may_be_empty_only_beside_an_attachment(host):
    message = send(host, upload(host)).message

    assert message["content"] == ""
    with pytest.raises(InvalidFields):
        send(host)
    plain = send(host, content="text").message
    assert host.rt.messages.edit(message["id"], "more", "alice")["content"] == "more"
    assert host.rt.messages.edit(message["id"], "", "alice")["content"] == ""
    with pytest.raises(InvalidFields):
        host.rt.messages.edit(plain["id"], " ", "alice")


def test_what_is_not_the_senders_own_unsent_upload_here_cannot_be_attached(host):
    mine, sent = upload(host), upload(host)
    send(host, sent)
    refused = [
        upload(host, user="bob"),
        upload(host, conversation="guild-2"),
        sent,
        {"id": "0" * 32},
    ]

    errors = []
    for other in refused:
        with pytest.raises(InvalidFields) as raised:
            send(host, mine, other, content="stolen")
        errors.append(raised.value.fields)

    assert errors == [errors[0]] * len(refused)
    assert set(errors[0]) == {"attachments"}
    assert len(host.rt.messages.history("guild-1")["messages"]) == 1
    assert send(host, mine).message["seq"] == 2


@pytest.mark.parametrize(
    "given", ["abc", 7, None, [7], [["a"]], ["../../etc/passwd"], ["a", "a"], ["a", "b", "c", "d"]]
)
def test_what_is_no_list_of_ids_is_refused(host, given):
    with pytest.raises(InvalidFields) as raised:
        host.rt.messages.send("guild-1", "text", "alice", attachments=given)

    assert set(raised.value.fields) == {"attachments"}


def test_a_repeat_has_the_same_attachments_or_is_a_conflict(host):
    first, second = upload(host), upload(host)
    sent = send(host, first, content="look", client="c-1")

    assert send(host, first, content="look", client="c-1") == (sent.message, True)
    for other in ([], [second], [first, second]):
        with pytest.raises(Conflict):
            send(host, *other, content="look", client="c-1")
    host.rt.messages.edit(sent.message["id"], "edited", "alice")
    assert send(host, first, content="look", client="c-1").duplicate
    with pytest.raises(Conflict):
        send(host, second, content="look", client="c-1")
    host.rt.messages.delete(sent.message["id"], "alice")
    assert send(host, first, content="look", client="c-1").duplicate
    assert send(host, second).message["attachments"] == [second]


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_of_two_messages_at_once_only_one_gets_the_file(host):
    files = [upload(host) for _ in range(10)]
    results = []

    def race(number):
        with host.app.app_context():
            for file in files:
                try:
                    results.append(send(host, file, content=f"{number}").message["id"])
                except InvalidFields:
                    results.append(None)

    racers = [threading.Thread(target=race, args=(n,)) for n in range(3)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()

    assert len(results) == 30
    assert len([one for one in results if one]) == 10
    messages = host.rt.messages.history("guild-1", limit=100)["messages"]
    held = [file["id"] for message in messages for file in message["attachments"]]
    assert sorted(held) == sorted(file["id"] for file in files)


def test_deleting_a_message_deletes_its_bytes(host):
    file, kept = upload(host), upload(host)
    message = send(host, file, content="secret").message
    send(host, kept)

    gone = host.rt.messages.delete(message["id"], "alice")

    assert gone["attachments"] == []
    assert stored(host) == {kept["id"]}
    assert rows(host) == 1
    with pytest.raises(NotFound):
        host.rt.attachments.get(file["id"])


def test_bytes_that_cannot_be_deleted_now_are_out_of_reach_and_purged_later(host):
    file = upload(host)
    message = send(host, file).message
    host.storage.failing = True

    host.rt.messages.delete(message["id"], "alice")

    with pytest.raises(NotFound):
        host.rt.attachments.get(file["id"])
    with pytest.raises(InvalidFields):
        send(host, file)
    assert host.rt.messages.purge_orphans() == 0
    host.storage.failing = False
    assert host.rt.messages.purge_orphans() == 1
    assert (stored(host), rows(host)) == (set(), 0)


def test_a_rollback_of_the_host_keeps_the_attachments(host):
    file = upload(host)
    send(host, file, commit=False)
    host.db.session.rollback()
    message = send(host, file).message
    host.rt.messages.delete(message["id"], "alice", commit=False)
    host.db.session.rollback()

    assert host.rt.messages.get(message["id"])["attachments"] == [file]
    assert stored(host) == {file["id"]}
    host.rt.messages.delete(message["id"], "alice", commit=False)
    host.db.session.commit()
    host.rt.messages.purge_orphans()
    assert stored(host) == set()


def test_an_upload_that_cannot_be_stored_leaves_nothing(host, monkeypatch):
    monkeypatch.setattr(Storage, "delete", FolderStorage.delete)
    host.storage.failing = True

    with pytest.raises(OSError, match="full"):
        upload(host)

    assert (stored(host), rows(host)) == (set(), 0)


def test_orphans_are_purged_when_nobody_sent_them_in_time(host, monkeypatch):
    monkeypatch.setattr(service, "_PURGE_BATCH", 4)
    # More than a batch, and older than what nobody wants.
    kept = [send(host, upload(host)).message["attachments"][0] for _ in range(5)]
    old = [upload(host) for _ in range(8)]
    host.state.clock.advance(86_300)
    young = upload(host, user="bob")

    assert host.rt.messages.purge_orphans() == 0
    host.state.clock.advance(101)
    assert host.rt.messages.purge_orphans() == 8

    assert stored(host) == {file["id"] for file in (*kept, young)}
    assert rows(host) == 6
    with pytest.raises(InvalidFields):
        send(host, old[0])
    assert send(host, young, user="bob").message["attachments"] == [young]


def test_what_a_crash_has_left_is_purged(host, monkeypatch):
    def crash(key, file):
        FolderStorage.save(host.storage, key, file)
        Path(host.folder, key[:2], key).with_suffix(".part").touch()
        raise SystemExit

    monkeypatch.setattr(host.storage, "save", crash)
    monkeypatch.setattr(service.AttachmentService, "erase", lambda self, ids: 0)
    with pytest.raises(SystemExit):
        upload(host)
    assert len(stored(host)) == 2
    monkeypatch.undo()

    host.state.clock.advance(86_401)
    assert host.rt.messages.purge_orphans() == 1
    assert (stored(host), rows(host)) == (set(), 0)


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_before_bytes_go_everybody_knows_that_they_go(host, monkeypatch):
    model, known = host.state.models.attachment, []

    def look(key):
        with host.db.engine.connect() as elsewhere:
            known.append(elsewhere.scalar(select(model.deleted_at).where(model.id == key)))

    monkeypatch.setattr(host.storage, "delete", look)
    upload(host)
    message = send(host, upload(host)).message
    host.rt.messages.delete(message["id"], "alice")
    host.state.clock.advance(86_401)
    host.rt.messages.purge_orphans()

    assert len(known) == 2
    assert None not in known


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_several_workers_purge_at_once_while_others_send(host, monkeypatch):
    monkeypatch.setattr(service, "_PURGE_BATCH", 2)
    files = [upload(host, user=f"user-{n % 4}") for n in range(24)]
    host.state.clock.advance(86_401)
    purged, sent, failures = [], [], []

    def run(work):
        try:
            with host.app.app_context():
                work()
        except Exception as error:  # noqa: BLE001 - shown by the assertion below
            failures.append(error)

    def write():
        for n, file in enumerate(files):
            try:
                sent.append(send(host, file, user=f"user-{n % 4}").message["attachments"][0])
            except InvalidFields:
                continue

    jobs = [lambda: purged.append(host.rt.messages.purge_orphans())] * 3 + [write]
    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    purged.append(host.rt.messages.purge_orphans())
    assert sum(purged) + len(sent) == 24
    assert stored(host) == {file["id"] for file in sent}
    assert rows(host) == len(sent)


def test_only_so_many_uploads_may_wait_for_a_message(host):
    files = [upload(host) for _ in range(30)]

    with pytest.raises(TooManyRequests):
        upload(host)

    assert upload(host, user="bob")
    send(host, files[0])
    assert upload(host)


def test_without_a_sender_the_message_is_the_callers(host):
    with pytest.raises(Unauthorized, match="sender_id"):
        host.rt.messages.send("guild-1", "whose?")

    with host.app.test_request_context():
        with pytest.raises(Unauthorized):
            host.rt.messages.send("guild-1", "whose?")
        login_user(User("alice"))
        message = host.rt.messages.send("guild-1", "mine").message
    assert message["senderId"] == "alice"
    assert message["seq"] == 1


class Pipe(io.BufferedReader):
    """Bytes that can only be read on, as a download from an object store is."""

    def seekable(self):
        return False

    def seek(self, *_):
        raise io.UnsupportedOperation


def test_a_storage_of_the_host_needs_no_seek(host, monkeypatch):
    opened = []

    def open_pipe(key):
        assert not host.db.session().in_transaction()
        opened.append(Pipe(io.FileIO(Path(host.folder, key[:2], key))))
        return opened[-1]

    monkeypatch.setattr(host.storage, "open", open_pipe)
    file = upload(host, content=b"0123456789")
    client = sign_in(host.app.test_client(), "alice")

    def read(**headers):
        url = f"/api/attachments/{file['id']}"
        return client.get(url, headers=headers, buffered=True)

    assert read().data == b"0123456789"
    assert read(Range="bytes=3-5").data == b"345"
    assert read(Range="bytes=20-").status_code == 416
    assert client.head(f"/api/attachments/{file['id']}", buffered=True).data == b""
    assert [one.closed for one in opened] == [True] * 4


def test_the_shell_purges_too(host):
    upload(host)
    host.state.clock.advance(86_401)

    assert host.app.test_cli_runner().invoke(args=["nexora-rt", "purge-attachments"]).output == (
        "1 erased\n"
    )
    assert stored(host) == set()
