"""What can go wrong: whose fault it is, and whether a retry helps.

Every error carries the HTTP ``status`` and the short ``error`` text that the contract
promises; ``str(error)`` is the instruction that goes into ``detail``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar


class NexoraError(Exception):
    """Base of everything this package raises on purpose.

    ``status`` is the HTTP answer, ``retryable`` says whether the same call may succeed later.
    """

    status: ClassVar[int] = 500
    error: ClassVar[str] = "Internal Server Error"
    retryable: ClassVar[bool] = False


class ConfigurationError(NexoraError):
    """The host's fault, found at start: lists every bad key with its fix."""

    status = 503
    error = "Not configured"

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(("Flask-Nexora-RT cannot start:", *problems)))


class PatternError(NexoraError, ValueError):
    """The host's fault, found at registration: a channel pattern that cannot be used."""


class BadRequest(NexoraError, ValueError):
    """The caller's fault: the request or argument is malformed. A retry does not help."""

    status = 400
    error = "Bad Request"


class InvalidName(BadRequest):
    """A channel or event name outside the grammar."""

    error = "Invalid name"


class Unauthorized(NexoraError):
    """Nobody is signed in, and this needs somebody."""

    status = 401
    error = "Unauthorized"


class Forbidden(NexoraError):
    """The caller may not do this. It never says why in terms of what exists."""

    status = 403
    error = "Forbidden"


class NotFound(NexoraError):
    """There is nothing here for the caller."""

    status = 404
    error = "Not Found"


class MethodNotAllowed(NexoraError):
    """The route exists, the method does not."""

    status = 405
    error = "Method Not Allowed"


class Conflict(NexoraError):
    """The caller's picture is out of date: read again, then decide."""

    status = 409
    error = "Conflict"


class EventTooLarge(NexoraError, ValueError):
    """The event is over ``MAX_EVENT_BYTES``: nothing was published."""

    status = 413
    error = "Payload Too Large"


class AttachmentTooLarge(NexoraError, ValueError):
    """The file is over ``MAX_ATTACHMENT_BYTES``: nothing was stored."""

    status = 413
    error = "Payload Too Large"


class ValueTooLarge(NexoraError, ValueError):
    """A value is over ``CACHE_MAX_BYTES``: it was not cached. A retry does not help."""

    status = 413
    error = "Payload Too Large"


class Uncacheable(NexoraError, TypeError):
    """The host's fault: a value that cannot be serialized. Nothing was cached."""


class InvalidFields(NexoraError, ValueError):
    """A body of the right form with wrong fields; ``fields`` maps a field to its message."""

    status = 422
    error = "Unprocessable Entity"

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields = dict(fields)
        super().__init__("correct the fields named in 'fields' and send again")


class TooManyRequests(NexoraError):
    """The caller is too fast. A retry after ``retry_after`` seconds helps."""

    status = 429
    error = "Too Many Requests"
    retryable = True

    def __init__(self, detail: str, retry_after: float) -> None:
        self.retry_after = retry_after
        super().__init__(detail)


class BrokerUnavailable(NexoraError):
    """The log cannot be reached at the moment. A retry helps and is safe."""

    status = 503
    error = "Broker unavailable"
    retryable = True


class Overloaded(NexoraError):
    """This worker takes no more streams right now. A retry helps, here or at another worker."""

    status = 503
    error = "Overloaded"
    retryable = True


class FactoryFailed(NexoraError):
    """The factory of a cached value has failed a moment ago. A retry helps, in seconds."""

    status = 503
    error = "Temporarily unavailable"
    retryable = True


class DatabaseBusy(NexoraError):
    """The database has ended one of several transactions in each other's way: all undone.

    A retry helps and is safe.
    """

    status = 503
    error = "Temporarily unavailable"
    retryable = True


class NotServable(NexoraError):
    """This worker can never serve the call: the deployment has to change, not the caller."""

    status = 503
    error = "Not configured"


class JobFailed(NexoraError):
    """A job has raised or has taken too long; the server's log has the reason."""

    error = "Job failed"


class JobStopped(NexoraError):
    """Told to a job that still runs: its time is over, or another process has taken it over."""

    error = "Job stopped"
