"""``flask nexora-rt``: secrets, publishing, watching and the cache from the shell."""

from __future__ import annotations

import json
import secrets
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click
from flask.cli import AppGroup, with_appcontext
from sqlalchemy.exc import SQLAlchemyError

from . import publishing, services
from .cache.service import CacheService
from .channels import check_channel
from .errors import NexoraError
from .events import Entry
from .jobs import answer
from .log import EntriesLost
from .scheduling.runner import CLI
from .state import State, current_state

commands = AppGroup("nexora-rt", help="Realtime: secrets, publishing, watching, the cache, jobs.")

# A signal's handler runs in the main thread, which must not sleep for ever.
_STOP_POLL = 0.5


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


@commands.command("purge-attachments")
def purge_attachments() -> None:
    """Erase uploads that no message took, and what a crash has left of others."""
    try:
        click.echo(f"{current_state().attachments.purge_orphans()} erased")
    except NexoraError as error:
        raise click.ClickException(str(error)) from None


@commands.group("outbox", invoke_without_command=True)
@click.pass_context
@with_appcontext
def outbox(context: click.Context) -> None:
    """Show what is committed and waits to be published, by app id."""
    if context.invoked_subcommand is None:
        with _clear_errors():
            waiting = current_state().outbox.waiting()
        click.echo(_table(("app id", "events"), list(waiting.items())))


@outbox.command("adopt")
@click.argument("app_id")
def adopt_outbox(app_id: str) -> None:
    """Publish as this app's what waits for an APP_ID that the app had before."""
    with _clear_errors():
        click.echo(f"{current_state().outbox.adopt(app_id)} adopted")


@commands.group("cache")
def cache() -> None:
    """What the cache holds, clearing it, warming it up."""


@cache.command("stats")
def cache_stats() -> None:
    """Print what the cache holds and has done, over all processes, as JSON."""
    found = _shared_cache().stats()
    del found["process"]  # this command's own
    click.echo(json.dumps(found, indent=2))


@cache.command("clear")
@click.argument("prefix", default="")
def cache_clear(prefix: str) -> None:
    """Remove our values, or those whose keys begin with PREFIX: user:profile:"""
    try:
        cleared = _shared_cache().clear(prefix)
    except NexoraError as error:
        raise click.ClickException(str(error)) from None
    if not cleared:
        raise click.ClickException("the cache's store is away: nothing is certain, try again")


@cache.command("warm")
@click.argument("names", nargs=-1)
def cache_warm(names: Sequence[str]) -> None:
    """Run the warm-up functions, or those named."""
    _shared_cache()
    try:
        ran = current_state().warm(names or None)
    except NexoraError as error:
        raise click.ClickException(str(error)) from None
    rows = [[run["name"], run["seconds"], run["error"] or "done"] for run in ran]
    click.echo(_table(("warm-up", "seconds", "result"), rows))
    if any(run["error"] for run in ran):
        raise click.exceptions.Exit(1)


def _shared_cache() -> CacheService:
    found = current_state().cache
    if not found.shared:
        raise click.ClickException(
            "this cache lives inside the server's process: give rt.init_app a shared one "
            "(CACHE_TYPE RedisCache or FileSystemCache) to reach it from another one"
        )
    return found


@commands.command("scheduler")
def scheduler() -> None:
    """Run the job scheduler alone, until it is told to stop (Ctrl-C, SIGTERM)."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    running = _jobs_state().jobs.start_alone()
    click.echo("The job scheduler runs.", err=True)
    while not stop.wait(_STOP_POLL):
        pass
    running.stop()


@commands.group("jobs", invoke_without_command=True)
@click.pass_context
@with_appcontext
def jobs(context: click.Context) -> None:
    """Show the jobs; run one; show its runs."""
    if context.invoked_subcommand is not None:
        return
    columns = ("name", "schedule", "timezone", "nextDue", "overdue")
    rows = [[*(job[c] for c in columns), *_last(job["lastRun"])] for job in _overview()]
    click.echo(_table((*columns, "last run", "status"), rows))


@jobs.command("run")
@click.argument("name")
@click.option("--force", is_flag=True, help="Run it now, also when its slot has a run.")
def run_job(name: str, force: bool) -> None:
    """Run a job for its latest slot, or wait for who does; print its result as JSON."""
    with _clear_errors():
        result = answer(_jobs_state().jobs.service.outcome(name, CLI, force, wait=None))
    click.echo(json.dumps(result, ensure_ascii=False))
    if not result["success"]:
        raise SystemExit(1)


@jobs.command("runs")
@click.argument("name")
@click.option("--count", type=click.IntRange(1, 100), default=20, help="How many.")
def job_runs(name: str, count: int) -> None:
    """Show the newest runs of a job."""
    columns = ("scheduledFor", "status", "attempt", "trigger", "durationMs", "owner", "error")
    with _clear_errors():
        found = _jobs_state().jobs.service.runs(name, count)
    click.echo(_table(columns, [["" if r[c] is None else r[c] for c in columns] for r in found]))


def _overview() -> list[dict[str, Any]]:
    with _clear_errors():
        return _jobs_state().jobs.service.overview()


def _last(run: dict[str, Any] | None) -> tuple[str, str]:
    return ("never", "") if run is None else (run["startedAt"], run["status"])


def _jobs_state() -> State:
    state = current_state()
    if state.db is None:
        raise click.ClickException("jobs need the database: call rt.init_app(app, db=db)")
    return state


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Say what is wrong in one line: a trace helps nobody at a shell."""
    try:
        yield
    except NexoraError as error:
        raise click.ClickException(str(error)) from None
    except SQLAlchemyError as error:
        raise click.ClickException(f"the database does not answer: {error}") from None


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
