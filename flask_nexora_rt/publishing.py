"""Publishing for one app: checks what a caller gives, appends it, signs what Pusher signs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .channels import check_channel
from .errors import BadRequest
from .events import Event
from .signing import channel_signature, check_socket_id
from .state import State


def trigger(
    state: State, channels: str | Sequence[str], name: str, data: Any, socket_id: str | None = None
) -> dict[str, str]:
    """Publish one event; see `NexoraRT.trigger`."""
    names = [channels] if isinstance(channels, str) else list(channels)
    _require_at_most(len(names), state.settings.max_channels)
    event = _checked_event(state, names, name, data, socket_id)
    return {"position": str(state.runtime.log.append([event])[0])}


def trigger_batch(state: State, batch: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Publish many events; see `NexoraRT.trigger_batch`."""
    events = [_batch_event(state, item) for item in batch]
    positions = state.runtime.log.append(events) if events else []
    return {"positions": [str(position) for position in positions]}


def publish_on_commit(state: State, channels: str | Sequence[str], name: str, data: Any) -> None:
    """Put an event into the outbox; see `NexoraRT.publish_on_commit`."""
    names = [channels] if isinstance(channels, str) else list(channels)
    _require_at_most(len(names), state.settings.max_channels)
    state.outbox.add(state.db.session, [_checked_event(state, names, name, data, None)])


def authenticate(
    state: State, channel: str, socket_id: str, custom_data: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """Sign a subscription; see `NexoraRT.authenticate`."""
    settings = state.settings
    name, socket = check_channel(channel), check_socket_id(socket_id)
    data = json.dumps(custom_data) if custom_data else None
    auth = channel_signature(settings.key, settings.secret, socket, name, data)
    return {"auth": auth} if data is None else {"auth": auth, "channel_data": data}


def _checked_event(
    state: State, channels: Sequence[str], name: str, data: Any, socket_id: str | None
) -> Event:
    exclude = None if socket_id is None else state.own_socket(check_socket_id(socket_id))
    return state.event(channels, name, data, exclude=exclude)


def _batch_event(state: State, item: Mapping[str, Any]) -> Event:
    missing = {"channel", "name", "data"} - set(item)
    unknown = set(item) - {"channel", "name", "data", "socket_id"}
    if missing or unknown:
        raise BadRequest(
            "each item of a batch is {'channel', 'name', 'data', 'socket_id'?}: "
            f"missing {sorted(missing)}, unknown {sorted(unknown)}"
        )
    channels = [item["channel"]]
    return _checked_event(state, channels, item["name"], item["data"], item.get("socket_id"))


def _require_at_most(count: int, limit: int) -> None:
    if count > limit:
        raise BadRequest(f"{count} channels in one call, the limit is {limit}: send several")
