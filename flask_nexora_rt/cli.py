"""``flask nexora-rt``: secrets, publishing and watching from the shell."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from typing import Any

import click
from flask.cli import AppGroup

from . import publishing, services
from .channels import check_channel
from .errors import NexoraError
from .events import Entry
from .log import EntriesLost
from .state import State, current_state

commands = AppGroup("nexora-rt", help="Realtime: secrets, publishing, watching.")


@commands.command("secret", with_appcontext=False)
def secret() -> None:
    """Print a new secret for NEXORA_RT_SECRET or NEXORA_RT_CRON_SECRET."""
    click.echo(secrets.token_urlsafe(32))


@commands.command("trigger")
@click.argument("channel")
@click.argument("event")
@click.argument("data", metavar="JSON")
def trigger(channel: str, event: str, data: str) -> None:
    """Publish an event: flask nexora-rt trigger guild-1 test '{"text": "hi"}'."""
    state = _shared_state()
    try:
        answer = publishing.trigger(state, channel, event, json.loads(data))
    except json.JSONDecodeError as error:
        raise click.BadParameter(f"not JSON: {error}", param_hint="JSON") from None
    except NexoraError as error:
        raise click.ClickException(str(error)) from None
    click.echo(answer["position"])


@commands.command("tail")
@click.argument("channel")
@click.option("--count", type=int, help="Stop after so many events.")
def tail(channel: str, count: int | None) -> None:
    """Print what is published to a channel from now on, one JSON line per event."""
    log = _shared_state().runtime.log
    try:
        check_channel(channel)
        reader = log.tail(log.bounds().last)
        left = count
        while left is None or left > 0:
            shown = [e for e in reader.read(1).entries if isinstance(e, Entry)]
            lines = [_line(e, channel) for e in shown if channel in e.event.channels][:left]
            for line in lines:
                click.echo(line)
            left = None if left is None else left - len(lines)
    except EntriesLost:
        raise click.ClickException("events came faster than they could be shown") from None
    except NexoraError as error:
        raise click.ClickException(str(error)) from None


@commands.command("status")
def status() -> None:
    """Print workers, occupied channels and presence as tables."""
    state = _shared_state()
    try:
        workers = state.runtime.presence.workers()
        channels = services.channels_info(state, None)["channels"]
        present = [name for name in channels if state.is_presence(name)]
        members = {name: services.presence_members(state, name) for name in present}
    except NexoraError as error:
        raise click.ClickException(str(error)) from None
    columns = ("host", "pid", "streams", "subscriptions", "deliveries", "lag", "draining")
    click.echo(_table(columns, [[w.get(c, "") for c in columns] for w in workers.values()]))
    rows = [[n, i["subscription_count"], i.get("user_count", "")] for n, i in channels.items()]
    click.echo("\n" + _table(("channel", "streams", "members"), rows))
    shown = [[n, m["id"], m["status"], m["lastSeen"]] for n, ms in members.items() for m in ms]
    click.echo("\n" + _table(("channel", "member", "status", "last seen"), shown))


def _shared_state() -> State:
    state = current_state()
    if state.settings.in_memory:
        raise click.ClickException(
            "memory:// lives inside the server's process: set NEXORA_RT_URL=redis://... to "
            "reach it from another one"
        )
    return state


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Lay out text columns, each as wide as its widest cell."""
    lines = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _line(entry: Entry, channel: str) -> str:
    body: dict[str, Any] = {
        "position": str(entry.position),
        "event": entry.event.name,
        "channel": channel,
        "data": json.loads(entry.event.data_for(channel)),
    }
    return json.dumps(body, ensure_ascii=False)
