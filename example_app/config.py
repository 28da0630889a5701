"""Where the demo keeps its files, and the settings it starts from."""

import json
import os
import secrets
from pathlib import Path
from typing import Any


def instance_folder(root: Path) -> Path:
    """The folder for the database and the secrets: DEMO_INSTANCE_PATH, else `instance`."""
    folder = Path(os.environ.get("DEMO_INSTANCE_PATH") or root / "instance").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def defaults(instance: Path) -> dict[str, Any]:
    """What holds unless FLASK_* variables say otherwise."""
    database = os.environ.get("DEMO_DATABASE_URI") or f"sqlite:///{instance / 'guildhall.sqlite3'}"
    return {
        "SQLALCHEMY_DATABASE_URI": database,
        "SESSION_COOKIE_NAME": "nexora_demo",
        "SESSION_COOKIE_HTTPONLY": True,
        # Lax: another site's form or script cannot post with our visitor's session.
        "SESSION_COOKIE_SAMESITE": "Lax",
        "NEXORA_RT_APP_ID": "nexora-demo",
        "NEXORA_RT_KEY": "nexora-demo",
        "NEXORA_RT_MAX_MESSAGE_LENGTH": 2000,
        "NEXORA_RT_MAX_ATTACHMENTS": 6,
        "NEXORA_RT_MAX_ATTACHMENT_BYTES": 5 * 1024 * 1024,
        **_secrets(instance / "secrets.json"),
    }


def _secrets(file: Path) -> dict[str, str]:
    """Made at the first start and kept, so that sessions outlive a restart and workers agree."""
    made = {name: secrets.token_urlsafe(32) for name in ("SECRET_KEY", "NEXORA_RT_SECRET")}
    draft = file.with_suffix(f".{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(made))
    try:
        # A link appears whole or not at all, and only for the first of several workers.
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    kept: dict[str, str] = json.loads(file.read_text())
    return kept
