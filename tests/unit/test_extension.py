"""The extension object: set-up, publishing, signing, and the shell."""

import json
import subprocess
import sys
import threading
import time
import types
from decimal import Decimal

import pytest
from flask import Flask, jsonify
from flask_login import LoginManager
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy import text
from sqlalchemy.pool import QueuePool

import flask_nexora_rt
from flask_nexora_rt import (
    BadRequest,
    BrokerUnavailable,
    ConfigurationError,
    EventTooLarge,
    InvalidName,
    NexoraRT,
    PatternError,
)
from flask_nexora_rt.testing import Kit, User, sign_in
from tests.unit.host import AUTH, SECRET, STREAM, Host, assert_error, closing

# -- the package -------------------------------------------------------------------------------

PUBLIC = {
    "BadRequest", "BrokerUnavailable", "CacheKeys", "CacheTTL", "ConfigurationError",
    "EventTooLarge", "FactoryFailed", "Forbidden", "InvalidName", "NexoraError", "NexoraRT",
    "NotServable", "PatternError", "Unauthorized", "Uncacheable", "ValueTooLarge",
}  # fmt: skip


def test_the_public_api_is_exactly_all():
    visible = {
        name
        for name, value in vars(flask_nexora_rt).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }

    assert set(flask_nexora_rt.__all__) == visible == PUBLIC
    assert len(flask_nexora_rt.__all__) == len(PUBLIC)


def in_new_process(code: str, timeout: float = 60) -> str:
    python = [sys.executable, "-c", code]
    done = subprocess.run(python, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_brings_neither_gevent_nor_redis():
    code = (
        "import sys, flask_nexora_rt; print([m for m in ('gevent', 'redis') if m in sys.modules])"
    )

    assert in_new_process(code) == "[]"


def test_a_script_may_publish_with_nothing_patched():
    code = """
from flask import Flask
from flask_nexora_rt import NexoraRT
app = Flask("script")
app.config.update(TESTING=True, NEXORA_RT_SECRET="long enough to be one")
rt = NexoraRT(app)
with app.app_context():
    print(rt.trigger("room-1", "tick", 1)["position"])
"""

    assert "-" in in_new_process(code)


# -- set-up ------------------------------------------------------------------------------------


REALTIME = "/api/realtime"
STREAM_ROUTES = {f"{REALTIME}/{name}" for name in ("stream", "subscribe", "unsubscribe", "events")}
ASSETS = f"{REALTIME}/assets/<path:name>"
PRESENCE_ROUTES = {f"{REALTIME}/{name}" for name in ("presence", "presence/<channel>", "typing")}


def plain_app(**config) -> Flask:
    app = Flask(__name__)
    app.config.update(TESTING=True, SECRET_KEY="x", NEXORA_RT_SECRET=SECRET, **config)
    return app


def rules(app: Flask) -> set[str]:
    return {rule.rule for rule in app.url_map.iter_rules()} - {"/static/<path:filename>"}


def test_an_app_is_set_up_by_the_constructor_or_by_init_app():
    one, other = plain_app(), plain_app()

    NexoraRT(one)
    NexoraRT().init_app(other)

    assert "nexora_rt" in one.extensions
    assert (
        rules(one)
        == rules(other)
        == {
            *STREAM_ROUTES,
            *PRESENCE_ROUTES,
            AUTH,
            "/pusher/auth",
            f"{REALTIME}/health",
            ASSETS,
        }
    )


def test_setting_an_app_up_twice_is_an_error():
    app = plain_app()
    rt = NexoraRT(app)

    with pytest.raises(ConfigurationError, match="twice"):
        rt.init_app(app)
    with pytest.raises(ConfigurationError, match="twice"):
        NexoraRT(app)


def test_an_app_without_it_says_what_is_missing():
    with plain_app().app_context(), pytest.raises(RuntimeError, match="init_app"):
        NexoraRT().trigger("room-1", "tick", 1)


def test_the_prefix_is_in_front_of_every_route_but_pushers():
    app = plain_app(NEXORA_RT_URL_PREFIX="/rt")
    NexoraRT(app)

    assert {rule for rule in rules(app) if not rule.startswith("/rt/realtime/")} == {"/pusher/auth"}
    assert "/rt/realtime/stream" in rules(app)


@pytest.mark.parametrize(
    "parts, left",
    [
        ("auth", {AUTH, "/pusher/auth"}),
        ("stream", STREAM_ROUTES),
        ("presence", PRESENCE_ROUTES),
        ("assets", {ASSETS}),
        ("", set()),
        (["auth", "stream"], {AUTH, "/pusher/auth", *STREAM_ROUTES}),
    ],
)
def test_parts_can_be_left_out(parts, left):
    app = plain_app(NEXORA_RT_PARTS=parts)
    NexoraRT(app)

    assert rules(app) == left


@pytest.mark.parametrize("path", [STREAM, AUTH, "/pusher/auth"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_route_that_the_host_has_already_is_an_error_that_says_so(path, method):
    app = plain_app()
    app.add_url_rule(path, "mine", lambda: "mine", methods=[method])

    with pytest.raises(ConfigurationError) as refused:
        NexoraRT(app)

    [problem] = refused.value.problems
    assert path in problem
    assert "'mine'" in problem
    assert "NEXORA_RT_PARTS" in problem


def test_every_route_in_conflict_is_named():
    app = plain_app()
    app.add_url_rule(STREAM, "a", lambda: "mine")
    app.add_url_rule("/pusher/auth", "b", lambda: "mine")

    with pytest.raises(ConfigurationError) as refused:
        NexoraRT(app)

    assert len(refused.value.problems) == 2


def test_a_route_of_a_part_that_is_left_out_stays_the_hosts():
    app = plain_app(NEXORA_RT_PARTS="stream")
    app.add_url_rule("/pusher/auth", "mine", lambda: "mine", methods=["POST"])

    NexoraRT(app)

    assert app.test_client().post("/pusher/auth").text == "mine"


# -- several apps ------------------------------------------------------------------------------


@pytest.fixture
def two_hosts(make_host):
    one = make_host()
    return one, make_host(one.rt, NEXORA_RT_SECRET="another secret of tests")


def test_two_apps_of_one_object_share_no_events(two_hosts):
    one, other = two_hosts
    with one.stream(None, "public-1") as reader, other.stream(None, "public-1") as elsewhere:
        other.trigger("public-1", data="other")
        one.trigger("public-1", data="one")

        assert reader.take(1)[0].payload == "one"
        assert elsewhere.take(1)[0].payload == "other"


def test_two_apps_of_one_object_share_no_settings(two_hosts):
    signatures = []
    for host in two_hosts:
        with host.app.app_context():
            signatures.append(host.rt.authenticate("room-1", "1.2")["auth"])

    assert signatures[0] != signatures[1]


def test_two_apps_of_one_object_share_its_declarations(two_hosts):
    one, other = two_hosts
    one.rt.channel("late-{id}", public=True)

    for host in (one, other):
        with host.stream(None, "late-1") as reader:
            assert reader.take_control("pusher:subscription_succeeded").channel == "late-1"


# -- declarations ------------------------------------------------------------------------------


def test_a_declaration_gives_the_function_back():
    rt = NexoraRT()

    def mine(*_, **__):
        return True

    assert rt.channel("a-{id}")(mine) is mine
    assert rt.channel("b-{id}", public=True)(mine) is mine
    assert rt.user_id(mine) is mine
    assert rt.user_info(mine) is mine


def test_a_declaration_that_ties_with_another_is_an_error():
    rt = NexoraRT()
    rt.channel("a-{id}", public=True)

    with pytest.raises(PatternError, match="equally specific"):
        rt.channel("a-{name}", public=True)


def test_a_channel_declared_after_init_app_counts(host):
    @host.rt.channel("vip-{id}")
    def is_vip(user, id):
        return user.id == "alice"

    with host.stream("alice", "vip-1") as reader:
        assert reader.take_control("pusher:subscription_succeeded").channel == "vip-1"
    assert_error(host.client("bob").get(f"{STREAM}?channels=vip-1"), 403)


def test_the_public_id_of_a_user_is_what_the_host_says(host):
    @host.rt.user_id
    def public_id(user):
        return 1000 + len(user.id)

    with host.stream("alice", "room-1") as reader:
        hello = reader.take_control("pusher:connection_established")

    assert hello.payload["user_id"] == "1005"


# -- publishing --------------------------------------------------------------------------------


def test_trigger_returns_the_position_that_the_stream_shows(host):
    with host.stream("alice", "room-1") as reader:
        position = host.trigger("room-1", "message:new", {"text": "hi"})

        [event] = reader.take(1)
    assert (event.name, event.id, event.payload) == ("message:new", position, {"text": "hi"})


def test_trigger_reaches_each_of_many_channels(host):
    with host.stream("alice", "room-1", "room-2", "public-3") as reader:
        host.trigger(["room-1", "public-3"], data=1)
        host.trigger("room-2", data=2)

        assert [(e.channel, e.payload) for e in reader.take(3)] == [
            ("public-3", 1),
            ("room-1", 1),
            ("room-2", 2),
        ]


def test_trigger_writes_what_the_hosts_json_provider_can_write(host):
    with host.stream("alice", "room-1") as reader:
        host.trigger("room-1", data={"price": Decimal("1.50")})

        assert reader.take(1)[0].payload == {"price": "1.50"}


def test_trigger_leaves_out_the_socket_that_sent(host):
    with host.stream("alice", "room-1") as mine, host.stream("bob", "room-1") as other:
        socket_id = mine.take_control("pusher:connection_established").payload["socket_id"]
        other.take_control("pusher:subscription_succeeded")
        host.trigger("room-1", data=1, socket_id=socket_id)
        host.trigger("room-1", data=2)

        assert [event.payload for event in other.take(2)] == [1, 2]
        assert mine.take(1)[0].payload == 2


def test_nobody_keeps_an_event_from_the_socket_of_somebody_else(host):
    """A host passes on the socket_id that a client sends: it counts for one's own socket only."""

    @host.app.post("/say/<socket_id>")
    def say(socket_id):
        return host.rt.trigger("room-1", "tick", "from bob", socket_id=socket_id)

    with host.stream("alice", "room-1") as alice:
        socket_id = alice.take_control("pusher:connection_established").payload["socket_id"]
        said = host.client("bob").post(f"/say/{socket_id}").status_code == 200
        host.trigger("room-1", data="after")

        assert alice.take(1)[0].payload == ("from bob" if said else "after")


@pytest.mark.parametrize(
    "arguments, error",
    [
        (("room 1", "tick", 1), InvalidName),
        (("x" * 165, "tick", 1), InvalidName),
        ((["room-1", "bad\n"], "tick", 1), InvalidName),
        (([], "tick", 1), BadRequest),
        ((["room-1"] * 0, "tick", 1), BadRequest),
        (([f"room-{n}" for n in range(101)], "tick", 1), BadRequest),
        (("room-1", "pusher:x", 1), InvalidName),
        (("room-1", "nexora:gap", 1), InvalidName),
        (("room-1", "error", 1), InvalidName),
        (("room-1", "open", 1), InvalidName),
        (("room-1", "a\nb", 1), InvalidName),
        (("room-1", "", 1), InvalidName),
        (("room-1", "tick", {1, 2}), BadRequest),
        (("room-1", "tick", float("nan")), BadRequest),
        (("room-1", "tick", "x" * 10_240), EventTooLarge),
        (("room-1", "tick", 1, "not a socket"), BadRequest),
    ],
)
def test_what_cannot_be_published_is_refused_and_nothing_is(host, arguments, error):
    head = host.head

    with host.app.app_context(), pytest.raises(error):
        host.rt.trigger(*arguments)

    assert host.head == head


def test_a_hundred_channels_are_not_too_many(host):
    assert host.trigger([f"room-{n}" for n in range(100)])


def test_the_limit_of_an_event_is_the_configured_one(make_host):
    host = make_host(NEXORA_RT_MAX_EVENT_BYTES=64)

    host.trigger("room-1", data="x" * 62)
    with pytest.raises(EventTooLarge, match="65 bytes.*limit is 64"):
        host.trigger("room-1", data="x" * 63)


def test_a_broker_that_is_down_is_said_within_the_time(make_host):
    host = make_host(NEXORA_RT_URL="redis://127.0.0.1:1", NEXORA_RT_PUBLISH_TIMEOUT=0.2)
    started = time.monotonic()

    with pytest.raises(BrokerUnavailable) as unavailable:
        host.trigger("room-1")

    assert time.monotonic() - started < 3
    assert unavailable.value.retryable


def test_a_batch_is_published_in_order(host):
    batch = [{"channel": f"room-{n % 2}", "name": f"n{n}", "data": n} for n in range(6)]
    with host.stream("alice", "room-0", "room-1") as reader:
        reader.take_control("pusher:connection_established")
        with host.app.app_context():
            answer = host.rt.trigger_batch(batch)

        events = reader.take(6)
    assert [(e.channel, e.name, e.payload) for e in events] == [
        (item["channel"], item["name"], item["data"]) for item in batch
    ]
    assert [e.id for e in events] == answer["positions"]


def test_each_event_of_a_batch_may_leave_a_socket_out(host):
    with host.stream("alice", "room-1") as reader:
        socket_id = reader.take_control("pusher:connection_established").payload["socket_id"]
        item = {"channel": "room-1", "name": "tick", "data": 1}
        with host.app.app_context():
            host.rt.trigger_batch([{**item, "socket_id": socket_id}, {**item, "data": 2}])

        assert reader.take(1)[0].payload == 2


def test_an_empty_batch_publishes_nothing(host):
    head = host.head

    with host.app.app_context():
        assert host.rt.trigger_batch([]) == {"positions": []}

    assert host.head == head


GOOD = {"channel": "room-1", "name": "tick", "data": 1}


@pytest.mark.parametrize(
    "bad",
    [
        {"channel": "room-1", "name": "tick"},
        {**GOOD, "channels": ["room-2"]},
        {**GOOD, "channel": "not ok"},
        {**GOOD, "channel": ["room-1"]},
        {**GOOD, "name": "pusher:x"},
        {**GOOD, "data": {1}},
        {**GOOD, "data": "x" * 20_000},
        {**GOOD, "socket_id": "x"},
    ],
)
def test_one_bad_event_keeps_the_whole_batch_back(host, bad):
    head = host.head

    with host.app.app_context(), pytest.raises((BadRequest, EventTooLarge)):
        host.rt.trigger_batch([GOOD, bad, GOOD])

    assert host.head == head


def test_a_bad_item_is_told_what_it_misses(host):
    with host.app.app_context(), pytest.raises(BadRequest, match=r"missing \['data'\]"):
        host.rt.trigger_batch([{"channel": "room-1", "name": "tick"}])


# -- signing -----------------------------------------------------------------------------------


def test_a_signature_carries_the_key_and_no_data(host):
    with host.app.app_context():
        answer = host.rt.authenticate("private-x", "1.2")

    assert set(answer) == {"auth"}
    assert answer["auth"].startswith("nexora:")


def test_a_presence_signature_carries_the_signed_text(host):
    member = {"user_id": "7", "user_info": {"name": "Zoë"}}
    with host.app.app_context():
        answer = host.rt.authenticate("presence-x", "1.2", member)

    assert set(answer) == {"auth", "channel_data"}
    assert json.loads(answer["channel_data"]) == member


@pytest.mark.parametrize("channel, socket_id", [("bad name", "1.2"), ("a", "x"), ("a", "1.2:x")])
def test_nothing_malformed_is_signed(host, channel, socket_id):
    with host.app.app_context(), pytest.raises(BadRequest):
        host.rt.authenticate(channel, socket_id)


# -- beside Flask-WTF --------------------------------------------------------------------------


def protected_app(first: str) -> Flask:
    app = Flask(__name__)
    app.config.update(TESTING=True, SECRET_KEY="x", NEXORA_RT_SECRET=SECRET)
    csrf, rt = CSRFProtect(), NexoraRT()
    rt.channel("public-{id}", public=True)
    for extension in [csrf, rt] if first == "csrf" else [rt, csrf]:
        extension.init_app(app)

    @app.post("/mine")
    def mine():
        return jsonify(ok=True)

    return app


@pytest.mark.parametrize("first", ["csrf", "rt"])
@pytest.mark.parametrize("path", [AUTH, "/pusher/auth"])
def test_our_routes_need_no_token_whoever_was_set_up_first(first, path):
    client = protected_app(first).test_client()

    answer = client.post(path, data={"socket_id": "1.2", "channel_name": "public-1"})

    assert answer.status_code == 200


@pytest.mark.parametrize("first", ["csrf", "rt"])
def test_the_hosts_own_routes_still_need_a_token(first):
    client = protected_app(first).test_client()
    client.post(AUTH, data={"socket_id": "1.2", "channel_name": "public-1"})

    assert client.post("/mine").status_code == 400


@pytest.mark.parametrize("first", ["csrf", "rt"])
def test_our_routes_still_refuse_other_sites(first):
    client = protected_app(first).test_client()
    client.set_cookie("session", "x")

    answer = client.post(
        AUTH,
        data={"socket_id": "1.2", "channel_name": "public-1"},
        headers={"Origin": "https://evil.example"},
    )

    assert_error(answer, 403)


# -- beside a host with its own ways -----------------------------------------------------------


def test_the_hosts_error_pages_are_not_our_errors(host):
    @host.app.errorhandler(404)
    @host.app.errorhandler(405)
    def page(error):
        return f"<h1>{error.code}</h1>", error.code

    assert_error(host.client("alice").put(AUTH), 405)
    assert_error(host.client().get(STREAM), 401)
    assert host.client().get("/elsewhere").text == "<h1>404</h1>"


def test_a_wrong_method_on_a_route_of_the_host_is_the_hosts_matter(host):
    host.app.add_url_rule("/mine", "mine", lambda: "mine")

    assert host.client().post("/mine").mimetype == "text/html"


def test_a_login_manager_that_redirects_does_not_redirect_us(host):
    host.app.login_manager.login_view = "login"

    for answer in (
        host.client().get(f"{STREAM}?channels=room-1"),
        host.client().post(AUTH, json={"socket_id": "1.2", "channel_name": "room-1"}),
    ):
        assert_error(answer, 401)
        assert answer.get_json()["error"] == "Unauthorized"


def test_an_app_without_flask_login_serves_its_public_channels():
    app = plain_app()
    rt = NexoraRT(app)
    rt.channel("public-{id}", public=True)
    kit = Kit(app)

    with kit.stream(app.test_client(), "public-1") as reader:
        hello = reader.take_control("pusher:connection_established")

    assert hello.payload["user_id"] is None
    kit.close()


def test_a_stream_holds_no_database_connection(tmp_path):
    app, db, rt = plain_app(), SQLAlchemy(), NexoraRT()
    app.config.update(
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/db",
        SQLALCHEMY_ENGINE_OPTIONS={"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0},
    )
    db.init_app(app)
    LoginManager(app).user_loader(User)

    @rt.channel("room-{id}")
    def may_enter(user, id):
        return db.session.execute(text("SELECT 1")).scalar() == 1

    rt.init_app(app, db=db)
    kit = Kit(app)
    with app.app_context():
        pool = db.engine.pool

    readers = [kit.stream(sign_in(app.test_client(), "alice"), "room-1") for _ in range(3)]
    for reader in readers:
        reader.take_control("pusher:subscription_succeeded")

    assert pool.checkedout() == 0
    for reader in readers:
        reader.close()
    kit.close()
    pool.dispose()


# -- the shell ---------------------------------------------------------------------------------


@pytest.fixture
def redis_host(make_host, redis_url, app_id) -> Host:
    return make_host(NEXORA_RT_URL=redis_url, NEXORA_RT_APP_ID=app_id)


def shell(host: Host, *arguments: str):
    return host.app.test_cli_runner().invoke(args=["nexora-rt", *arguments])


def test_the_shell_makes_a_new_secret_each_time(host):
    secrets = {shell(host, "secret").output.strip() for _ in range(3)}

    assert len(secrets) == 3
    assert min(map(len, secrets)) >= 32


def test_a_secret_from_the_shell_is_good_enough_for_the_settings(host):
    app = plain_app()
    app.config["NEXORA_RT_SECRET"] = shell(host, "secret").output.strip()

    NexoraRT(app)


def test_the_shell_publishes(redis_host):
    with redis_host.stream("alice", "room-1") as reader:
        reader.take_control("pusher:subscription_succeeded")
        done = shell(redis_host, "trigger", "room-1", "tick", '{"text": "hi ü"}')

        [event] = reader.take(1)
    assert (event.name, event.payload) == ("tick", {"text": "hi ü"})
    assert (done.exit_code, done.output.strip()) == (0, event.id)


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("room 1", "tick", "1"), "not a channel name"),
        (("room-1", "pusher:x", "1"), "reserved"),
        (("room-1", "tick", "{not json"), "not JSON"),
        (("room-1", "tick", '"' + "x" * 20_000 + '"'), "limit is 10240"),
    ],
)
def test_the_shell_says_what_it_cannot_publish(redis_host, arguments, said):
    head = redis_host.head

    done = shell(redis_host, "trigger", *arguments)

    assert done.exit_code != 0
    assert said in done.output
    assert "Traceback" not in done.output
    assert redis_host.head == head


@pytest.mark.parametrize("command", [["trigger", "room-1", "tick", "1"], ["tail", "room-1"]])
def test_the_shell_says_that_memory_is_another_processs(command):
    """What a shell publishes to `memory://`, or waits for there, nobody ever sees."""
    code = f"""
from flask_nexora_rt.testing import make_app
done = make_app().test_cli_runner().invoke(args=["nexora-rt", *{command}])
print(done.exit_code, done.output)
"""

    said = in_new_process(code, timeout=15)

    assert said.startswith("1 ")
    assert "NEXORA_RT_URL=redis://" in said


def test_the_shell_shows_what_is_published_from_now_on(redis_host):
    redis_host.trigger("room-1", data="before")
    answers = []
    tail = threading.Thread(
        target=lambda: answers.append(shell(redis_host, "tail", "room-1", "--count", "2"))
    )

    tail.start()
    positions = []
    deadline = time.monotonic() + 10
    while tail.is_alive() and time.monotonic() < deadline:
        redis_host.trigger("room-2", data="elsewhere")
        positions.append(redis_host.trigger(["room-1", "room-3"], "näme", {"n": "ü"}))
        tail.join(0.05)

    lines = [json.loads(line) for line in answers[0].output.splitlines()]
    assert answers[0].exit_code == 0
    assert len(lines) == 2
    for line in lines:
        assert line.pop("position") in positions
        assert line == {"event": "näme", "channel": "room-1", "data": {"n": "ü"}}


def test_the_shell_refuses_to_watch_what_is_no_channel(redis_host):
    done = shell(redis_host, "tail", "room 1")

    assert done.exit_code == 1
    assert "not a channel name" in done.output


# -- servers it cannot work on -----------------------------------------------------------------


def test_memory_is_refused_loudly_by_one_of_several_processes(host):
    answer = host.client("alice").get(
        f"{STREAM}?channels=room-1", environ_overrides={"wsgi.multiprocess": True}
    )

    assert_error(answer, 503, "NEXORA_RT_URL=redis://")


def test_a_server_of_one_request_at_a_time_is_refused(host, caplog):
    answer = host.client("alice").get(
        f"{STREAM}?channels=room-1",
        environ_overrides={"SERVER_SOFTWARE": "gunicorn/27", "wsgi.multithread": False},
    )

    assert_error(answer, 503, "-k gevent")
    assert "-k gevent" in caplog.text


def test_a_threaded_server_is_served(host):
    answer = host.client("alice").get(
        f"{STREAM}?channels=room-1",
        environ_overrides={"SERVER_SOFTWARE": "gunicorn/27", "wsgi.multithread": True},
    )

    with closing(answer):
        assert answer.status_code == 200


def test_a_transport_that_the_server_does_not_have_is_said_in_json(make_host):
    host = make_host(NEXORA_RT_TRANSPORT="socket")

    assert_error(host.client("alice").get(f"{STREAM}?channels=room-1"), 503, "TRANSPORT")
