"""The SQL of activity feeds: the newest activities of each organisation, on one session."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ..channels import escape_part
from ..messages.store import MessageStore
from ..models import Models

FEED_LENGTH: Final = 50


class ActivityStore:
    """Activities in a database, through one session. Commits nothing."""

    def __init__(self, models: Models, session: Session) -> None:
        self._models = models
        self._session = session

    def next_seq(self, org_id: str) -> int:
        """Take the feed's lock and its next number: who holds it publishes in that order."""
        # No channel has a colon in its name, so this is no conversation's row.
        feed = f"activity:{escape_part(org_id)}"
        return MessageStore(self._models, self._session).lock(feed, seqs=1).last_seq

    def add(self, org_id: str, seq: int, data: str, now: datetime) -> None:
        """Add an activity (JSON text) and let those go that are no longer among the newest."""
        activity = self._models.activity
        self._session.add(activity(org_id=org_id, seq=seq, data=data, created_at=now))
        old = delete(activity).where(activity.org_id == org_id, activity.seq <= seq - FEED_LENGTH)
        self._session.execute(old.execution_options(synchronize_session=False))

    def newest(self, org_id: str, limit: int) -> Sequence[Any]:
        """Return the newest activities, newest first."""
        activity = self._models.activity
        query = select(activity).where(activity.org_id == org_id)
        return self._session.scalars(query.order_by(activity.seq.desc()).limit(limit)).all()
