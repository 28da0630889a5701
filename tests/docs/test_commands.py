"""What the documentation types into a shell exists and runs."""

import re
import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from gunicorn.config import Config

from flask_nexora_rt.cli import commands
from tests.support.servers import GunicornServer

from .page_host import namespace
from .pages import PAGES, ROOT, Page, page
from .serving import CRON_SECRET

QUICKSTART = page("docs/quickstart.md")
CURLED = [
    page
    for page in PAGES
    if page != QUICKSTART and any("curl" in block.text for block in page.of("console"))
]
# Commands that go on until they are stopped.
ENDLESS = {"tail", "scheduler"}
HOSTS = re.compile(r"https://app\.example\.com|http://127\.0\.0\.1:8000")
TIMED_OUT = 28  # curl's, of a stream that was read for as long as asked


def lines(page: Page) -> list[str]:
    """What is typed, without prompts and without what is answered."""
    typed = "\n".join(block.text for block in page.of("console")).splitlines()
    return [line.removeprefix("$ ") for line in typed if line.startswith("$ ")]


def typed(program: str) -> list[list[str]]:
    """The arguments of every call of a program, each once, in order."""
    found = [
        tuple(words[1:])
        for page in PAGES
        for line in lines(page)
        for part in line.split(" && ")
        if (words := shlex.split(part, comments=True))[0] == program
    ]
    return [list(words) for words in dict.fromkeys(found)]


def test_only_programs_that_are_checked_here_are_called() -> None:
    known = {"curl", "export", "flask", "gunicorn", "make", "pip", "python3", "."}
    called = {
        shlex.split(part, comments=True)[0]
        for page in PAGES
        for line in lines(page)
        for part in line.split(" && ")
    }
    assert called <= known


def test_every_flask_command_runs(tmp_path: Path, redis_url: str, app_id: str) -> None:
    config = {"NEXORA_RT_URL": redis_url, "NEXORA_RT_APP_ID": app_id}
    with namespace(tmp_path, **config) as names:
        names["rt"].warm_up("leaderboards")(lambda: None)
        names["rt"].job("digest", cron="@daily")(lambda: None)
        runner = names["app"].test_cli_runner()
        for words in typed("flask"):
            if words[1] in ENDLESS:
                commands.commands[words[1]].make_context(words[1], words[2:]).close()
                continue
            result = runner.invoke(args=words)
            assert result.exit_code == 0, f"flask {shlex.join(words)}: {result.output}"


def test_make_has_every_target() -> None:
    mentioned = {words[0] for words in typed("make")}
    prose = "\n".join(line for page in PAGES for line in page.prose)
    mentioned |= set(re.findall(r"`make (\w+)", prose))
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert mentioned <= targets
    assert "demo" in mentioned


def test_every_extra_that_is_installed_exists() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    prose = "\n".join(line for page in PAGES for line in page.lines)
    for extra in re.findall(r"pip install (?:-e )?'[^'\[]*\[(\w+)\]'", prose):
        assert extra in project["optional-dependencies"]


def test_gunicorn_knows_the_arguments() -> None:
    calls = typed("gunicorn")
    assert calls
    for words in calls:
        arguments = Config().parser().parse_args(words)
        assert arguments.args == ["app:app"]


@pytest.mark.parametrize("asking", CURLED, ids=str)
def test_what_curl_asks_is_answered(asking: Page, quickstart: GunicornServer, folder: Path) -> None:
    answers = [
        (line, curl(line, quickstart, folder)) for line in lines(asking) if line.startswith("curl")
    ]
    for line, answer in answers:
        assert "Not Found" not in answer, line
        assert "Internal Server Error" not in answer, line


def curl(line: str, server: GunicornServer, folder: Path) -> str:
    """Runs the line in a shell, against the quickstart's server."""
    command = HOSTS.sub(server.url, line)
    env = {"PATH": "/usr/bin:/bin", "CRON_SECRET": CRON_SECRET}
    options: dict[str, Any] = {"cwd": folder, "env": env, "capture_output": True, "text": True}
    ran = subprocess.run(["sh", "-c", command], **options)
    assert ran.returncode in ({0, TIMED_OUT} if " -m " in line else {0}), (line, ran)
    return str(ran.stdout)


def test_the_quickstart_can_be_followed_in_a_shell(
    quickstart: GunicornServer, folder: Path
) -> None:
    asked = [line for line in lines(QUICKSTART) if line.startswith("curl")]
    health, signed_in, sent, stream = (curl(line, quickstart, folder) for line in asked)
    assert '"status":"ok"' in health
    assert "Redirecting" in signed_in
    assert '"content":"Hello"' in sent
    assert "pusher:connection_established" in stream
    assert "pusher:subscription_succeeded" in stream
