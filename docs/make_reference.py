"""Writes ``reference.md`` from the docstrings: ``make reference``; a test says when to."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

import flask_nexora_rt
from flask_nexora_rt import CacheKeys, CacheTTL, NexoraError, NexoraRT, errors, signals, testing
from flask_nexora_rt.attachments import AttachmentService, AttachmentStorage
from flask_nexora_rt.cache.service import CacheService
from flask_nexora_rt.cli import commands
from flask_nexora_rt.jobs import JobService
from flask_nexora_rt.messages import MessageService
from flask_nexora_rt.notifications import NotificationService
from flask_nexora_rt.presets.collaboration import Collaboration
from flask_nexora_rt.presets.marketplace import Marketplace
from flask_nexora_rt.presets.nexora import Nexora
from flask_nexora_rt.scheduling.job import Task
from flask_nexora_rt.services import PresenceService, TypingService
from flask_nexora_rt.settings import PARTS

PAGE = Path(__file__).with_name("reference.md")
SERVICES = {
    "rt.messages": MessageService,
    "rt.attachments": AttachmentService,
    "rt.notifications": NotificationService,
    "rt.presence": PresenceService,
    "rt.typing": TypingService,
    "rt.cache": CacheService,
    "rt.jobs": JobService,
}
# What our own routes and jobs call; a host has no use for it.
INTERNAL = {
    AttachmentService: {"attach", "check_ids", "discard", "erase", "of"},
    CacheService: {"close", "counters"},
    JobService: {"find", "outcome"},
    NotificationService: {"may_send"},
}
HEAD = """# Reference

Written by `make reference` from the docstrings; do not edit. The [index](index.md) has guides.
Parameters after `*` are given by name. `commit=False` joins your transaction.
"""


def reference() -> str:
    """The page, from the code as it is."""
    parts = [HEAD, *_classes(), *_errors(), *_routes(), *_commands(), *_templates(), *_signals()]
    return "\n".join(parts) + "\n"


def public_methods(kind: type) -> dict[str, Any]:
    """The methods and properties of a class that are for hosts, by name."""
    hidden = INTERNAL.get(kind, set())
    named = inspect.getmembers(kind)
    return {name: one for name, one in named if not name.startswith("_") and name not in hidden}


def _classes() -> Iterator[str]:
    yield from _class("NexoraRT", NexoraRT, "rt")
    for name, kind in SERVICES.items():
        yield from _class(name, kind, name)
    yield from _class("Task", Task, "task")
    yield from _class("AttachmentStorage", AttachmentStorage, "storage")
    yield from _class("CacheKeys", CacheKeys, "CacheKeys")
    times = {name: value for name, value in vars(CacheTTL).items() if not name.startswith("_")}
    yield "## CacheTTL\n\nSeconds.\n\n| name | value |\n| --- | --- |"
    yield "\n".join(f"| `CacheTTL.{name}` | {value} |" for name, value in times.items()) + "\n"
    for kind in (Nexora, Marketplace, Collaboration):
        yield from _class(
            f"{kind.__module__.removeprefix('flask_nexora_rt.')}.{kind.__name__}", kind
        )
    yield "## flask_nexora_rt.testing\n"
    yield _text(testing) + "\n"
    yield from _method(testing.make_app, "make_app")
    yield from _method(testing.sign_in, "sign_in")
    for kind in (testing.Kit, testing.StreamReader, testing.Clock):
        yield from _class(f"testing.{kind.__name__}", kind)


def _class(title: str, kind: type, prefix: str | None = None) -> Iterator[str]:
    yield f"## {title}\n\n{_text(kind)}\n"
    if prefix is None and "__init__" in vars(kind):
        yield f"`{kind.__name__}{_signature(kind)}`\n"
    for name, one in public_methods(kind).items():
        yield from _method(one, f"{prefix or kind.__name__.lower()}.{name}")


def _method(one: Any, name: str) -> Iterator[str]:
    called = "" if isinstance(one, property) else _signature(one)
    yield f"### `{name}{called}`\n\n{_text(one)}\n"


def _signature(one: Any) -> str:
    signature = inspect.signature(one)
    kept = [
        parameter.replace(annotation=parameter.empty)
        for name, parameter in signature.parameters.items()
        if name != "self"
    ]
    plain = signature.replace(parameters=kept, return_annotation=signature.empty)
    return str(plain)


def _text(one: Any) -> str:
    """A docstring in Markdown: code in one pair of backticks, indented blocks stay code."""
    text = (inspect.getdoc(one) or "").replace("``", "`")
    return re.sub(r"::$", ":", text, flags=re.MULTILINE)


def _errors() -> Iterator[str]:
    yield "## Errors\n\nAll are `NexoraError`. The first ones are exported by `flask_nexora_rt`,"
    yield "the others are in `flask_nexora_rt.errors`.\n"
    yield "| error | status | retry | when |\n| --- | --- | --- | --- |"
    found = [
        e for _, e in inspect.getmembers(errors, inspect.isclass) if issubclass(e, NexoraError)
    ]
    exported = set(flask_nexora_rt.__all__)
    for error in sorted(found, key=lambda e: (e.__name__ not in exported, e.__name__)):
        retry = "yes" if error.retryable else ""
        when = " ".join(_text(error).split())
        yield f"| `{error.__name__}` | {error.status} | {retry} | {when} |"
    yield ""


def _routes() -> Iterator[str]:
    yield "## Routes\n\n| route | methods | answers |\n| --- | --- | --- |"
    app = _app()
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("nexora_rt_")]
    for rule in sorted(rules, key=lambda rule: (rule.rule, sorted(rule.methods or ()))):
        methods = ", ".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        first = _text(app.view_functions[rule.endpoint]).partition("\n\n")[0]
        route = re.sub(r"<\w+:", "<", rule.rule)
        yield f"| `{route}` | {methods} | {' '.join(first.split())} |"
    yield ""


def _app() -> Flask:
    app = Flask("reference")
    parts = [*PARTS, "metrics"]
    app.config.update(NEXORA_RT_SECRET="x" * 16, NEXORA_RT_PARTS=parts)
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    NexoraRT().init_app(app, db=SQLAlchemy(app))
    return app


def _commands() -> Iterator[str]:
    yield "## Commands\n\n| command | what |\n| --- | --- |"
    for name, command in command_tree("flask nexora-rt", commands):
        words = [part for parameter in command.params for part in _parameter(parameter)]
        usage = " ".join([name, *words])
        yield f"| `{usage}` | {' '.join((command.help or '').split())} |"
    yield ""


def command_tree(name: str, group: click.Group) -> Iterator[tuple[str, click.Command]]:
    """Every command of a group that does something, with all of its words."""
    for word, command in sorted(group.commands.items()):
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield f"{name} {word}", command
        if isinstance(command, click.Group):
            yield from command_tree(f"{name} {word}", command)


def _parameter(parameter: click.Parameter) -> list[str]:
    if isinstance(parameter, click.Option):
        value = "" if parameter.is_flag else f" {(parameter.name or '').upper()}"
        return [f"[{parameter.opts[0]}{value}]"]
    shown = (parameter.metavar or parameter.name or "").upper()
    return [shown if parameter.required else f"[{shown}]"]


def _templates() -> Iterator[str]:
    yield "## Templates\n"
    for name in ("nexora_rt_script", "nexora_rt_asset"):
        yield from _method(_app().jinja_env.globals[name], name)


def _signals() -> Iterator[str]:
    yield f"## flask_nexora_rt.signals\n\n{_text(signals)}\n\n| signal | sent with |\n| --- | --- |"
    for name, signal in signals.BY_KIND.items():
        sent = "`channel`, `user_id`" if name.startswith("member") else "`channel`"
        yield f"| `{name}` ({signal.name}) | {sent} |"


if __name__ == "__main__":
    PAGE.write_text(reference())
