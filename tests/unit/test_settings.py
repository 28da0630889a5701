"""The configuration: read once, checked at once, and every mistake said with its cure."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from pydantic import ValidationError

from flask_nexora_rt import ConfigurationError, NexoraRT
from flask_nexora_rt.settings import PREFIX, SCHEMES, Settings

SECRET = "long enough to be one"
README = Path(__file__).parents[2] / "README.md"


def read(debug: bool = False, **config: Any) -> Settings:
    given = {"SECRET": SECRET, **config}
    return Settings.from_config({PREFIX + key: value for key, value in given.items()}, debug)


def problems(debug: bool = False, **config: Any) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as refused:
        read(debug, **config)
    return refused.value.problems


# -- good values -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key, value",
    [
        ("url", "memory://"),
        ("url_prefix", "/api"),
        ("transport", "auto"),
        ("heartbeat", 15),
        ("retention_seconds", 300),
        ("max_stream_age", 600),
        ("max_streams_per_user", 20),
        ("max_channels", 100),
        ("max_event_bytes", 10240),
        ("allowed_origins", ()),
        (
            "parts",
            ("auth", "stream", "presence", "messages", "notifications", "cron", "health", "assets"),
        ),
    ],
)
def test_the_defaults_are_those_of_the_contract(key, value):
    assert getattr(read(), key) == value


def test_a_key_that_is_none_keeps_its_default():
    assert read(HEARTBEAT=None).heartbeat == 15


def test_keys_of_others_are_not_read():
    assert Settings.from_config({"SECRET_KEY": "x", PREFIX + "SECRET": SECRET}, False)


def test_settings_do_not_change_afterwards():
    with pytest.raises(ValidationError):
        read().heartbeat = 1


@pytest.mark.parametrize("scheme", ["memory", "redis", "rediss", "unix", "sentinel"])
def test_a_log_may_be_at_any_of_these(scheme):
    assert scheme in SCHEMES
    assert read(URL=f"{scheme}://host").url == f"{scheme}://host"


@pytest.mark.parametrize("value", [["auth"], ("auth",), {"auth"}, "auth", " auth ,"])
def test_a_list_may_be_written_in_several_ways(value):
    assert read(PARTS=value).parts == ("auth",)


@pytest.mark.parametrize("value", ["", "/rt", "/a/b"])
def test_a_prefix_may_be_empty_or_deep(value):
    assert read(URL_PREFIX=value).url_prefix == value


# -- the environment ---------------------------------------------------------------------------


@pytest.fixture
def from_env(monkeypatch):
    """Reads settings from FLASK_NEXORA_RT_* as an app does."""

    def read_env(**values: str) -> Settings:
        for key in [key for key in os.environ if key.startswith("FLASK_")]:
            monkeypatch.delenv(key)
        for key, value in {"SECRET": SECRET, **values}.items():
            monkeypatch.setenv(f"FLASK_{PREFIX}{key}", value)
        app = Flask(__name__)
        app.config.from_prefixed_env()
        return Settings.from_config(app.config, debug=False)

    return read_env


@pytest.mark.parametrize("text", ["12345678901234567890", "1234567890123456"])
def test_a_secret_of_digits_is_text_also_when_the_environment_makes_it_a_number(from_env, text):
    assert from_env(SECRET=text).secret == text


def test_a_name_of_digits_is_text_also_when_the_environment_makes_it_a_number(from_env):
    settings = from_env(APP_ID="7", KEY="42")

    assert (settings.app_id, settings.key) == ("7", "42")


def test_cron_secrets_of_digits_are_text_also_when_the_environment_makes_them_numbers(from_env):
    assert from_env(CRON_SECRET="1234567890123456").cron_secret == ("1234567890123456",)
    assert from_env(CRON_SECRET="1234567890123456,0123456789abcdef").cron_secret == (
        "1234567890123456",
        "0123456789abcdef",
    )


@pytest.mark.parametrize(
    "text",
    [
        "https://a.example,https://b.example",
        " https://a.example , https://b.example ,",
        '["https://a.example", "https://b.example"]',
    ],
)
def test_a_list_in_the_environment_has_commas_or_is_json(from_env, text):
    settings = from_env(ALLOWED_ORIGINS=text)

    assert settings.allowed_origins == ("https://a.example", "https://b.example")


def test_numbers_in_the_environment_are_numbers(from_env):
    settings = from_env(HEARTBEAT="5", RETENTION_SECONDS="0.5", MAX_STREAMS="7")

    assert (settings.heartbeat, settings.retention_seconds, settings.max_streams) == (5, 0.5, 7)


def test_an_empty_list_in_the_environment_is_empty(from_env):
    assert from_env(PARTS="").parts == ()


# -- the secret --------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [{}, {PREFIX + "SECRET": None}])
def test_a_missing_secret_is_an_error_that_says_how_to_make_one(config):
    with pytest.raises(ConfigurationError, match="flask nexora-rt secret") as refused:
        Settings.from_config(config, debug=False)

    assert [p.split()[0] for p in refused.value.problems] == ["NEXORA_RT_SECRET"]


def test_a_debug_server_makes_a_secret_of_its_own():
    one, other = (Settings.from_config({}, debug=True) for _ in range(2))

    assert len(one.secret) >= 32
    assert one.secret != other.secret


def test_a_debug_server_keeps_the_secret_it_is_given():
    assert read(debug=True).secret == SECRET


@pytest.mark.parametrize("debug", [True, False])
def test_a_short_secret_is_an_error_also_in_debug(debug):
    assert "NEXORA_RT_SECRET" in problems(debug, SECRET="x" * 15)[0]


# -- mistakes ----------------------------------------------------------------------------------

# What is wrong, and a word of the cure. Every value holds the mark that no message may repeat.
MARK = "hunter2"
MISTAKES = {
    "URL": (f"mysql://root:{MARK}@db/x", "redis://"),
    "APP_ID": (f"my app {MARK}", "match"),
    "KEY": (f"a:{MARK}", "match"),
    "SECRET": (MARK, "16"),
    "URL_PREFIX": (f"api/{MARK}", "start it with /"),
    "PARTS": (f"auth,{MARK}", "'auth', 'stream'"),
    "TRANSPORT": (MARK, "'auto', 'socket' or 'wsgi'"),
    "ALLOWED_ORIGINS": (f"https://{MARK}.example/path", "exact origin"),
    "HEARTBEAT": (MARK, "integer"),
    "MAX_STREAM_AGE": (MARK, "integer"),
    "MAX_STREAMS": (MARK, "integer"),
    "MAX_CHANNELS": (MARK, "integer"),
    "RETENTION_SECONDS": (MARK, "number"),
}


@pytest.mark.parametrize("key", MISTAKES)
def test_a_bad_value_is_named_with_its_cure(key):
    value, cure = MISTAKES[key]

    [problem] = problems(**{key: value})

    assert problem.startswith(PREFIX + key)
    assert cure in problem


def test_one_error_names_every_bad_key():
    found = problems(**{key: value for key, (value, _) in MISTAKES.items()})

    assert {problem.split(":")[0] for problem in found} == {PREFIX + key for key in MISTAKES}


def test_the_text_of_the_error_holds_every_problem():
    with pytest.raises(ConfigurationError) as refused:
        read(HEARTBEAT=0, TRANSPORT="x")

    text = str(refused.value)
    assert "NEXORA_RT_HEARTBEAT" in text
    assert "NEXORA_RT_TRANSPORT" in text


@pytest.mark.parametrize(
    "config",
    [
        {key: value for key, (value, _) in MISTAKES.items() if key != "TRANSPORT"},
        {"URL": f"redis://:{MARK}@["},
        # urlsplit repeats the netloc, with the password, in what it raises.
        {"URL": f"redis://:{MARK}\u2100@host"},
        {"SECRET": [MARK], "CRON_SECRET": {MARK: MARK}},
        {"ALLOWED_ORIGINS": [f"https://{MARK}\u2100.example"]},
    ],
)
def test_a_message_never_repeats_a_value(config):
    found = problems(TRANSPORT=MARK, **config)

    assert [problem for problem in found if MARK in problem] == []


@pytest.mark.parametrize(
    "key, value",
    [
        ("HEARTBEAT", 0),
        ("HEARTBEAT", 61),
        ("HEARTBEAT", 1.5),
        ("MAX_STREAM_AGE", 4),
        ("MAX_STREAMS", 0),
        ("MAX_STREAMS_PER_USER", 0),
        ("MAX_CHANNELS", 0),
        ("MAX_CHANNELS", 1001),
        ("MAX_EVENT_BYTES", 63),
        ("RETENTION_EVENTS", 0),
        ("RETENTION_SECONDS", 0),
        ("RETENTION_SECONDS", float("inf")),
        ("RETENTION_SECONDS", float("nan")),
        ("PUBLISH_TIMEOUT", -1),
        ("TICKET_SECONDS", 0),
        ("WINDOW_BYTES", 1),
        ("URL_PREFIX", "/"),
        ("URL_PREFIX", "/api/"),
        ("URL", ""),
        ("URL", "localhost:6379"),
        ("URL", "http://localhost"),
        ("APP_ID", ""),
        ("APP_ID", "x" * 65),
        ("KEY", "a:b"),
        ("SECRET", ""),
        ("PARTS", ["auth", "jobs"]),
        ("CRON_SECRET", ["first", "second", "third"]),
        ("CRON_SECRET", "undefined"),
        ("SCHEDULER", "on"),
        ("JOB_LEASE_SECONDS", 0),
    ],
)
def test_a_value_out_of_range_is_refused(key, value):
    assert [problem.split(":")[0] for problem in problems(**{key: value})] == [PREFIX + key]


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "app.example.com",
        "https://app.example.com/",
        "ftp://app.example.com",
        "null",
        "https://",
        # Flask-CORS takes a star for a regular expression: this one matches evilexample.com.
        "https://*.example.com",
        "https://(a|b).example.com",
        "https://user@app.example.com",
    ],
)
def test_an_origin_that_is_not_exact_is_refused(origin):
    assert "exact origin" in problems(ALLOWED_ORIGINS=[origin])[0]


@pytest.mark.parametrize(
    "key, meant",
    [
        ("SECRETT", "NEXORA_RT_SECRET"),
        ("HEART_BEAT", "NEXORA_RT_HEARTBEAT"),
        ("MAX_STREAM", "NEXORA_RT_MAX_STREAMS"),
        ("RETENTION_SECS", "NEXORA_RT_RETENTION_SECONDS"),
    ],
)
def test_an_unknown_key_is_an_error_with_a_suggestion(key, meant):
    [problem] = problems(**{key: "x"})

    assert problem == f"NEXORA_RT_{key} is not a setting: did you mean {meant}?"


def test_an_unknown_key_like_none_of_ours_is_an_error_all_the_same():
    assert problems(ZZZZZZZZZZZZ=1) == ("NEXORA_RT_ZZZZZZZZZZZZ is not a setting",)


def test_the_mistake_is_found_when_the_app_is_made():
    app = Flask(__name__)
    app.config["NEXORA_RT_HEARTBEAT"] = 0

    with pytest.raises(ConfigurationError) as refused:
        NexoraRT(app)

    assert len(refused.value.problems) == 2
    assert "nexora_rt" not in app.extensions


# -- the README --------------------------------------------------------------------------------


def documented() -> dict[str, str]:
    """The default that README's table shows for each key."""
    row = re.compile(rf"^\| `{PREFIX}([A-Z_]+)` \| (.*?) \| \S.* \|$", re.MULTILINE)
    return dict(row.findall(README.read_text()))


def test_every_setting_is_in_the_readme_and_nothing_else_is():
    assert set(documented()) == {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize(
    "name", [n for n, f in Settings.model_fields.items() if isinstance(f.default, int | str)]
)
def test_the_readme_shows_the_default(name):
    assert documented()[name.upper()].strip("`") == str(Settings.model_fields[name].default)
