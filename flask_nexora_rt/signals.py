"""Signals (blinker) of what happens on channels, sent with the Flask app as sender.

Each is sent once for all workers together, in whichever worker or process saw it happen, in an
app context. Receivers must not block.
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

BY_KIND = {
    "channel_occupied": channel_occupied,
    "channel_vacated": channel_vacated,
    "member_added": member_added,
    "member_removed": member_removed,
}
