"""Configuration files of the documentation: nginx, systemd, Redis, JSON, limits that agree."""

import configparser
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from flask_nexora_rt.settings import Settings
from tests.support.redis_server import RedisServer

from .pages import PAGES, page

DEPLOY = page("docs/deploy.md")
NGINX = [block for one in PAGES for block in one.of("nginx")]
SETTINGS = Settings(secret="x" * 16)
_UNITS = {"m": 2**20, "k": 2**10}
# Directives and blocks: `name args;`, `name args {`, `}`.
_STATEMENT = re.compile(r"\s*(?:[a-z_]+(?: [^;{}]+)?(?:;|\s*\{)|\})")


@pytest.mark.parametrize("block", NGINX, ids=str)
def test_a_configuration_of_nginx_is_one(block: object, tmp_path: Path) -> None:
    text = re.sub(r"#.*", "", block.text)
    rest = _STATEMENT.sub("", text)
    assert rest.strip() == ""
    assert text.count("{") == text.count("}")
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if nginx is not None:
        ask_nginx(nginx, text, tmp_path)


def ask_nginx(nginx: str, text: str, folder: Path) -> None:
    """`nginx -t`, with a certificate of our own and everything it writes in the folder."""
    make = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=x",
        "-days",
        "1",
    ]
    keys = folder / "key.pem", folder / "cert.pem"
    subprocess.run([*make, "-keyout", keys[0], "-out", keys[1]], check=True, capture_output=True)
    text = re.sub(r"(ssl_certificate_key\s+)\S+;", rf"\g<1>{keys[0]};", text)
    text = re.sub(r"(ssl_certificate\s+)\S+;", rf"\g<1>{keys[1]};", text)
    conf = folder / "nginx.conf"
    conf.write_text(f"pid {folder}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\n{text}\n}}\n")
    ran = subprocess.run([nginx, "-t", "-c", conf, "-p", folder], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("block", DEPLOY.of("systemd"), ids=str)
def test_a_unit_has_what_systemd_needs(block: object) -> None:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str
    unit.read_string(block.text)
    assert unit.sections() == ["Unit", "Service", "Install"]
    assert unit["Service"]["ExecStart"].startswith("/")
    assert int(unit["Service"]["TimeoutStopSec"]) > 30, "gunicorn's graceful_timeout"


def test_redis_starts_with_its_configuration(make_redis: Callable[..., RedisServer]) -> None:
    (text,) = (block.text for block in DEPLOY.of("text"))
    directives = dict(line.split() for line in text.splitlines())
    given = [word for name, value in directives.items() for word in (f"--{name}", value)]
    assert make_redis(extra_args=given).client.config_get(*directives) == directives


def test_json_parses() -> None:
    for one in PAGES:
        for block in one.of("json"):
            json.loads(block.text)


def test_variables_of_the_environment_are_settings() -> None:
    for block in DEPLOY.of("ini"):
        for line in block.text.splitlines():
            name, _, _ = line.partition("=")
            ours = name.removeprefix("FLASK_NEXORA_RT_")
            assert ours == name or ours.lower() in Settings.model_fields


def test_the_limits_that_have_to_agree_do() -> None:
    (text,) = (block.text for block in DEPLOY.of("nginx"))
    size, unit = re.search(r"client_max_body_size (\d+)([mk]);", text).groups()
    assert int(size) * _UNITS[unit] > SETTINGS.max_attachment_bytes
    patience = int(re.search(r"proxy_read_timeout (\d+)s;", text)[1])
    assert patience > 2 * SETTINGS.heartbeat
    assert patience > SETTINGS.job_wait_seconds
    assert "proxy_buffering off;" in text
    assert "proxy_set_header Host $http_host;" in text
