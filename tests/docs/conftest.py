"""The quickstart's own app, served to the examples that ask a server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.servers import GunicornServer

from .pages import page
from .serving import serve


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("docs")


@pytest.fixture(scope="module")
def quickstart(folder: Path) -> Iterator[GunicornServer]:
    """The files of docs/quickstart.md under gunicorn."""
    with serve(page("docs/quickstart.md"), folder) as server:
        yield server
