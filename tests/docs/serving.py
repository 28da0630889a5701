"""Serves the files that a page of the documentation writes."""

from pathlib import Path
from secrets import token_hex

from tests.support.servers import GunicornServer

from .pages import Page

CRON_SECRET = token_hex()


def write_files(page: Page, folder: Path) -> None:
    """Writes the page's files, as its reader does."""
    for name, text in page.files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def serve(page: Page, folder: Path) -> GunicornServer:
    """The page's `app.py` under gunicorn, not started; it keeps its data in the folder."""
    write_files(page, folder)
    env = {
        "FLASK_SECRET_KEY": token_hex(),
        "FLASK_NEXORA_RT_SECRET": token_hex(),
        "FLASK_NEXORA_RT_CRON_SECRET": CRON_SECRET,
        "TMPDIR": str(folder),  # memory:// leaves a lock file for each app id
    }
    ready = "/api/realtime/health"
    return GunicornServer("app:app", extra_args=["--chdir", str(folder)], env=env, ready_path=ready)
