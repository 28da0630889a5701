"""Who may run jobs by HTTP: whoever sends the secret in the right header, and nobody else."""

import pytest
from flask_sqlalchemy import SQLAlchemy

from flask_nexora_rt import NexoraRT
from flask_nexora_rt.testing import make_app, sign_in

OLD, NEW = "the secret of last year", "the secret of this year"
CRON = "/api/cron/hello"


@pytest.fixture
def make_client(tmp_path):
    apps = []

    def make(**config):
        rt, db = NexoraRT(), SQLAlchemy()
        rt.job("hello", cron="@daily")(lambda: {"hello": "world"})
        rt.job("breaks", cron="@daily")(break_down)
        url = f"sqlite:///{tmp_path}/cron.db"
        app = make_app(rt, db=db, SQLALCHEMY_DATABASE_URI=url, **config)
        with app.app_context():
            db.create_all()
        apps.append((app, db))
        return app.test_client()

    yield make
    for app, db in apps:
        with app.app_context():
            db.engine.dispose()
        app.extensions["nexora_rt"].runtime.close()


def break_down():
    raise LookupError("a secret of the host")


@pytest.fixture
def client(make_client):
    return make_client(NEXORA_RT_CRON_SECRET=[OLD, NEW])


def bearer(secret):
    return {"Authorization": f"Bearer {secret}"}


@pytest.mark.parametrize("secret", [OLD, NEW])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_either_secret_is_good_during_a_rotation(client, method, secret):
    answer = client.open(CRON, method=method, headers=bearer(secret))

    assert answer.status_code == 200
    assert answer.get_json()["hello"] == "world"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        bearer("undefined"),
        bearer("null"),
        bearer("None"),
        bearer(OLD[:-1]),
        bearer(OLD + "x"),
        bearer(f"{OLD},{NEW}"),
        bearer(f"{OLD} {NEW}"),
        bearer("\xff\xfe"),
        bearer("x" * 5000),
        {"Authorization": OLD},
        {"Authorization": f"Basic {OLD}"},
        {"X-Cron-Secret": OLD},
    ],
)
@pytest.mark.parametrize("path", [CRON, "/api/cron", f"{CRON}/runs", "/api/cron/no-such-job"])
def test_anything_else_is_refused_and_says_nothing(client, path, headers):
    answer = client.get(path, headers=headers)

    assert answer.status_code == 401
    assert answer.get_json()["error"] == "Unauthorized"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.headers["Cache-Control"] == "no-store"
    assert OLD not in answer.text


@pytest.mark.parametrize(
    "name", ["secret", "token", "cron_secret", "authorization", "access_token"]
)
def test_a_secret_in_the_query_string_or_a_cookie_is_no_secret(client, name):
    client.set_cookie(name, OLD)

    assert client.get(CRON, query_string={name: OLD}).status_code == 401
    assert client.post(CRON, data={name: OLD}).status_code == 401


def test_being_signed_in_is_no_secret(client):
    assert sign_in(client, "admin").get(CRON).status_code == 401


def test_the_secret_is_enough_for_a_caller_without_a_session(client):
    headers = {**bearer(NEW), "User-Agent": "cron-job.org", "Origin": "https://cron-job.org"}

    assert client.get(CRON, headers=headers).status_code == 200


@pytest.mark.parametrize("header", [{}, bearer("undefined"), bearer("None"), bearer("")])
def test_without_a_configured_secret_nothing_runs(make_client, header):
    answer = make_client().get(CRON, headers=header)

    assert answer.status_code == 503
    assert "NEXORA_RT_CRON_SECRET" in answer.get_json()["detail"]


def test_the_plain_cron_secret_is_used_when_ours_is_not_set(make_client):
    assert make_client(CRON_SECRET=OLD).get(CRON, headers=bearer(OLD)).status_code == 200


def test_guessing_is_limited_and_the_right_secret_never_is(client):
    guesses = [client.get(CRON, headers=bearer(f"guess {n}")) for n in range(14)]

    assert [answer.status_code for answer in guesses] == [401] * 10 + [429] * 4
    assert int(guesses[-1].headers["Retry-After"]) > 0
    assert client.get(CRON, headers=bearer(NEW)).status_code == 200
    other = {"REMOTE_ADDR": "192.0.2.7"}
    assert client.get(CRON, headers=bearer("x"), environ_base=other).status_code == 401


@pytest.mark.parametrize("away", ["several workers", "no broker"])
def test_guessing_is_limited_also_where_no_broker_counts_for_all(make_client, away):
    url = "memory://" if away == "several workers" else "redis://127.0.0.1:1/0"
    client = make_client(NEXORA_RT_CRON_SECRET=NEW, NEXORA_RT_URL=url)
    server = {"wsgi.multiprocess": away == "several workers"}
    guesses = [
        client.get(CRON, headers=bearer(f"guess {n}"), environ_overrides=server).status_code
        for n in range(12)
    ]

    assert guesses == [401] * 10 + [429] * 2
    answer = client.get(CRON, headers=bearer(NEW), environ_overrides=server)
    assert answer.status_code == 200


def test_head_runs_nothing(client):
    assert client.head(CRON).status_code == 401
    answer = client.head(CRON, headers=bearer(NEW))

    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "POST"}
    assert client.get(f"{CRON}/runs", headers=bearer(NEW)).get_json() == {"runs": []}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused_as_json(client, method):
    answer = client.open(CRON, method=method, headers=bearer(NEW))

    assert answer.status_code == 405
    assert answer.is_json


@pytest.mark.parametrize(
    "path, status",
    [
        ("/api/cron/no-such-job", 404),
        ("/api/cron/no-such-job/runs", 404),
        ("/api/cron/hello/runs/none", 404),
        ("/api/cron/__class__", 404),
        ("/api/cron/hello/runs?limit=0", 400),
        ("/api/cron/hello/runs?limit=9999999999", 400),
        ("/api/cron/hello/runs?limit=%D9%A1", 400),
        ("/api/cron/hello?force=yes", 400),
    ],
)
def test_what_does_not_exist_is_said_as_json(client, path, status):
    answer = client.get(path, headers=bearer(NEW))

    assert answer.status_code == status
    assert set(answer.get_json()) == {"error", "detail"}
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_job_that_raises_shows_no_trace(client):
    answer = client.get("/api/cron/breaks", headers=bearer(NEW))

    assert answer.status_code == 500
    body = answer.get_json()
    assert body["success"] is False
    assert body["error"] == "Job failed"
    runs = client.get("/api/cron/breaks/runs", headers=bearer(NEW))
    for text in (answer.text, runs.text):
        assert "Traceback" not in text
        assert "a secret of the host" not in text
    assert runs.get_json()["runs"][0]["status"] == "failed"


def test_a_database_that_is_away_shows_no_trace_either(make_client):
    client = make_client(NEXORA_RT_CRON_SECRET=NEW, PROPAGATE_EXCEPTIONS=False)
    with client.application.app_context():
        client.application.extensions["sqlalchemy"].drop_all()
    answer = client.get(CRON, headers=bearer(NEW))

    assert answer.status_code == 500
    assert answer.is_json
    assert "sqlite" not in answer.text.lower()
