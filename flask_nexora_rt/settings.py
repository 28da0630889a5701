"""The configuration: ``NEXORA_RT_*`` of ``app.config``, typed, validated once, frozen."""

from __future__ import annotations

import difflib
import re
import secrets
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)

from .errors import ConfigurationError

# RFC 6454: scheme, host and perhaps a port; a browser writes the host in lower-case ASCII.
_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?", re.ASCII)
PREFIX = "NEXORA_RT_"
SCHEMES = ("memory", "redis", "rediss", "unix", "sentinel")
# Documents, pictures, sound and video; by default no programs, archives but zip, or unknown bytes.
ATTACHMENT_TYPES = (
    "image/*",
    "audio/*",
    "video/*",
    "text/plain",
    "application/pdf",
    "application/rtf",
    "application/zip",
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.oasis.opendocument.*",
    "application/vnd.openxmlformats-officedocument.*",
)
Part = Literal[
    "auth",
    "stream",
    "presence",
    "messages",
    "notifications",
    "cron",
    "health",
    "assets",
    "metrics",
]
PARTS: tuple[Part, ...] = (
    "auth",
    "stream",
    "presence",
    "messages",
    "notifications",
    "cron",
    "health",
    "assets",
)


def key_prefix(app_id: str) -> str:
    """Return what every key of the app starts with; the braces keep them in one cluster slot."""
    return f"{{nexora_rt:{app_id}}}:"


def _split_list(value: object) -> object:
    """Let an environment variable write a list as ``a,b``."""
    if isinstance(value, str):
        return tuple(item.strip() for item in value.split(",") if item.strip())
    if isinstance(value, int):  # what from_prefixed_env makes of a secret of digits
        return (str(value),)
    return tuple(value) if isinstance(value, list | set | frozenset) else value


def _split_url(value: str) -> SplitResult:
    try:
        return urlsplit(value)
    except ValueError:
        # urlsplit would show the value, and it may hold a password.
        raise ValueError("this is not a URL") from None


def _check_url(value: str) -> str:
    if _split_url(value).scheme not in SCHEMES:
        raise ValueError(f"use one of {', '.join(s + '://' for s in SCHEMES)}")
    return value


def _check_prefix(value: str) -> str:
    if value and (not value.startswith("/") or value.endswith("/")):
        raise ValueError("start it with / and end it without, as in /api")
    return value


def _check_origin(value: str) -> str:
    if not _ORIGIN.fullmatch(value):
        raise ValueError("write an exact origin such as https://app.example.com")
    return value


def _check_type(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9*][a-z0-9.+*-]*/[a-z0-9.+*-]+", value):
        raise ValueError("write MIME types in lower case, such as image/* or application/pdf")
    return value


def _check_cron_secrets(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(value) > 2:
        raise ValueError("give one secret, or two while you change from one to the other")
    if any(secret.lower() in ("undefined", "null", "none") for secret in value):
        raise ValueError("this is what a missing variable looks like: set a secret")
    return value


Origin = Annotated[str, AfterValidator(_check_origin)]
MimePattern = Annotated[str, AfterValidator(_check_type)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class Settings(BaseModel):
    """One app's configuration; the README's table says what each key does."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    url: Annotated[str, AfterValidator(_check_url)] = "memory://"
    app_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")] = "nexora"
    key: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = "nexora"
    secret: Annotated[str, Field(min_length=16)]
    cron_secret: Annotated[
        tuple[str, ...], BeforeValidator(_split_list), AfterValidator(_check_cron_secrets)
    ] = ()
    url_prefix: Annotated[str, AfterValidator(_check_prefix)] = "/api"
    parts: Annotated[tuple[Part, ...], BeforeValidator(_split_list)] = PARTS
    transport: Literal["auto", "socket", "wsgi"] = "auto"
    allowed_origins: Annotated[tuple[Origin, ...], BeforeValidator(_split_list)] = ()

    heartbeat: Annotated[int, Field(ge=1, le=60)] = 15
    max_stream_age: Annotated[int, Field(ge=5)] = 600
    max_streams: Annotated[int, Field(ge=1)] | None = None
    max_streams_per_user: Annotated[int, Field(ge=1)] = 20
    max_channels: Annotated[int, Field(ge=1, le=1000)] = 100
    max_members: Annotated[int, Field(ge=1)] = 100
    max_event_bytes: Annotated[int, Field(ge=64, le=1_048_576)] = 10_240
    stream_buffer_bytes: Annotated[int, Field(ge=16_384)] = 1_048_576
    ticket_seconds: Seconds = 60

    max_message_length: Annotated[int, Field(ge=1, le=100_000)] = 4000
    message_edit_seconds: Annotated[float, Field(ge=0)] = 86_400
    message_rate: Annotated[int, Field(ge=1)] = 5
    # In RETENTION_SECONDS one member alone must not push everybody's history out of the log.
    change_rate: Annotated[int, Field(ge=1)] = 100
    public_receipts: bool = True

    attachment_folder: Annotated[str, Field(min_length=1)] | None = None
    attachment_types: Annotated[tuple[MimePattern, ...], BeforeValidator(_split_list)] = (
        ATTACHMENT_TYPES
    )
    max_attachment_bytes: Annotated[int, Field(ge=1)] = 10_485_760
    max_attachments: Annotated[int, Field(ge=0, le=100)] = 10
    # An upload that is still being stored must not look like one that nobody wants.
    attachment_orphan_seconds: Annotated[float, Field(ge=3600)] = 86_400
    scheduler: Literal["auto", "off"] = "auto"
    job_tick_seconds: Seconds = 5
    job_lease_seconds: Annotated[float, Field(ge=1, le=3600)] = 30
    job_wait_seconds: Annotated[float, Field(ge=0, le=600)] = 25
    job_run_days: Annotated[int, Field(ge=1)] = 90

    retention_events: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    retention_seconds: Seconds = 300
    window_bytes: Annotated[int, Field(ge=65_536)] = 33_554_432
    publish_timeout: Seconds = 5

    cache_lock_seconds: Annotated[float, Field(gt=0, le=3600)] = 10
    cache_max_bytes: Annotated[int, Field(ge=1024)] = 4_194_304

    @property
    def in_memory(self) -> bool:
        return self.url.startswith("memory:")

    @classmethod
    def from_config(cls, config: Mapping[str, Any], debug: bool) -> Settings:
        """Read ``app.config``. Raises one `ConfigurationError` that names every bad key."""
        given = {
            key.removeprefix(PREFIX).lower(): value
            for key, value in config.items()
            if key.startswith(PREFIX) and value is not None
        }
        if "cron_secret" not in given and config.get("CRON_SECRET"):
            given["cron_secret"] = config["CRON_SECRET"]
        if debug and "secret" not in given:
            # Debug servers reload: what was signed before a reload may as well expire with it.
            given["secret"] = secrets.token_urlsafe(32)
        try:
            return cls(**given)
        except ValidationError as error:
            problems = [_explain(problem["loc"], problem) for problem in error.errors()]
            raise ConfigurationError(sorted(problems)) from None


def _explain(location: tuple[int | str, ...], problem: Any) -> str:
    """Say which key is wrong and what to do; never repeats a value, it may be a secret."""
    key = PREFIX + str(location[0]).upper()
    if problem["type"] == "missing":
        return (
            f"{key} is missing: set it to the output of 'flask nexora-rt secret' (it needs no app)"
        )
    if problem["type"] == "extra_forbidden":
        known = [PREFIX + name.upper() for name in Settings.model_fields]
        close = difflib.get_close_matches(key, known, 1)
        return f"{key} is not a setting" + (f": did you mean {close[0]}?" if close else "")
    return f"{key}: {problem['msg']}"
