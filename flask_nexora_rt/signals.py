"""Signals (blinker) of what happens, sent with the Flask app as sender.

Those of channels are sent once for all workers together, in whichever worker or process saw it
happen, in an app context. Receivers must not block.
"""

from __future__ import annotations

from blinker import Namespace

_signals = Namespace()

#: The first stream holds a channel: ``channel``.
channel_occupied = _signals.signal("channel-occupied")
#: No stream holds a channel any more: ``channel``.
channel_vacated = _signals.signal("channel-vacated")
#: A user became visible on a presence channel: ``channel``, ``user_id``.
member_added = _signals.signal("member-added")
#: A user is no longer visible on a presence channel: ``channel``, ``user_id``.
member_removed = _signals.signal("member-removed")
#: Trust decay has lowered the trust of these users, which is committed: ``user_ids``, at most 500.
#: Sent at least once for each; after a crash, again. A receiver that raises is logged. It is called
#: inside the job's transaction: it must leave ``db.session`` alone.
trust_changed = _signals.signal("trust-changed")

BY_KIND = {
    "channel_occupied": channel_occupied,
    "channel_vacated": channel_vacated,
    "member_added": member_added,
    "member_removed": member_removed,
}
