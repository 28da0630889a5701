"""Everything one app has of this extension: ``app.extensions["nexora_rt"]``."""

from __future__ import annotations

from flask import current_app

from .app_jobs import AppJobs
from .assembly import AppServices

EXTENSION_KEY = "nexora_rt"


class State(AppServices):
    """One app's core and services, and its jobs."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.jobs = AppJobs(self)


def current_state() -> State:
    """Return the state of the current app, or say what is missing."""
    state = current_app.extensions.get(EXTENSION_KEY)
    if state is None:
        raise RuntimeError(
            f"Flask-Nexora-RT is not set up for the app {current_app.name!r}: call "
            "rt.init_app(app), once, on the app that is in use"
        )
    found: State = state
    return found
