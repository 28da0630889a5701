"""What a host declares on the extension object; may come before `NexoraRT.init_app`, or after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from .aliases import Alias, Shape
from .cache.envelope import Seconds, seconds
from .cache.warmup import WarmUp
from .channels import Pattern, Rule
from .declarations import Declarations
from .errors import BadRequest, ConfigurationError
from .mirrors import Mirror
from .scheduling.job import Job, check_name
from .scheduling.schedules import Schedule
from .trust_statements import TrustColumns

F = TypeVar("F", bound=Callable[..., Any])


class Declaring:
    """The decorators and declarations of `NexoraRT`."""

    _declared: Declarations

    def channel(
        self,
        pattern: str,
        *,
        public: bool = False,
        presence: bool = False,
        conversation: bool | None = None,
    ) -> Callable[[F], F]:
        """Declare who may hold the channels of a pattern such as ``guild-{guild_id}``.

        The decorated authorizer is called with the host's user object and the ids in the name;
        ``True`` or a dict (the presence user_info, also ``{}``) allows, anything else denies.
        It is asked at every subscribe and every resume, for signed-in users only. With
        ``public=True`` everybody may hold the channel and nobody is asked; it needs no function.
        Who may hold a channel may also read and write messages there, unless ``conversation``
        is false, as it is for public channels: for a channel to look at, such as an order's.
        Raises `PatternError` when the pattern is malformed or as specific as another one.
        """
        parsed = Pattern(pattern)
        talks = not public if conversation is None else conversation
        rule = Rule(parsed, public=public, presence=presence, conversation=talks)
        if public:
            self._declared.channels.add(rule)

        def declare(authorizer: F) -> F:
            if not public:
                self._declared.channels.add(replace(rule, authorizer=authorizer))
            return authorizer

        return declare

    def alias(self, pattern: str, event_name: str, alias: str, shape: Shape | None = None) -> None:
        """Let the channels of a pattern tell an event under a second name as well.

        For clients that listen for another name: ``rt.alias("private-conversation-{id}",
        "message:new", "new-message")``. ``shape(data, **ids)`` gives the data that goes with that
        name (default: the same), or None when this event has no such name; it must be quick and do
        nothing else, for it is called while streams are written to. Replay has both names.
        Raises `PatternError`, `InvalidName`.
        """
        self._declared.aliases.add(Alias(Pattern(pattern), event_name, alias, shape))

    def mirror(self, pattern: str, find: Callable[..., str | None]) -> None:
        """Let what is published on the channels of a pattern be published on another one, too.

        ``find(**ids)`` names the other channel, or None. It is one event with one position.
        Typing, presence and client events are not mirrored. Raises `PatternError`.
        """
        self._declared.mirrors.add(Mirror(Pattern(pattern), find))

    def user_id(self, function: F) -> F:
        """Declare how a user object becomes its public id (default: Flask-Login's ``get_id``)."""
        self._declared.user_id = function
        return function

    def user_info(self, function: F) -> F:
        """Declare what others see of a user id: ``{"name", "image"}``, or None when unknown."""
        self._declared.user_info = function
        return function

    def conversation_members(self, function: F) -> F:
        """Declare who is in a conversation: its id -> user ids. For unread counts and mentions."""
        self._declared.members = function
        return function

    def mentioned_users(self, function: F) -> F:
        """Declare whom ``@names`` mean: (conversation id, names) -> user ids."""
        self._declared.mentions = function
        return function

    def message_moderator(self, function: F) -> F:
        """Declare who may change others' messages: (user id, conversation id) -> bool."""
        self._declared.moderator = function
        return function

    def message_sent(self, function: F) -> F:
        """Declare what else a new message causes: ``function(message)``, in its transaction.

        It is called once for each message, whoever sends it by whichever way, with the message as
        JSON writes it. It may write rows and call services with ``commit=False``; what it raises
        takes the message back and reaches who sent it. There may be several such functions.
        """
        self._declared.message_sent.append(function)
        return function

    def warm_up(self, name: str, *, every: Seconds | None = None) -> Callable[[F], F]:
        """Declare a function that fills the cache before anybody asks.

        It is called without arguments in an application context: every so many seconds, once for
        all who share the cache, and by ``flask nexora-rt cache warm``. The clock is the job
        scheduler's, so it needs ``db``. Raises ValueError for a bad name, `BadRequest` when
        ``every`` is no time or below a second, and `ConfigurationError` when the name is taken.
        """
        if check_name(name) in self._declared.warm_ups:
            raise ConfigurationError([f"two cache warm-ups are named {name!r}: rename one"])
        interval = None if every is None else seconds("every", every)
        if interval is not None and interval < 1:
            raise BadRequest(f"the cache warm-up {name}: every is a second or more, or left out")

        def declare(function: F) -> F:
            self._declared.warm_ups[name] = WarmUp(function, interval)
            return function

        return declare

    # -- jobs ---------------------------------------------------------------------------------

    def job(
        self,
        name: str,
        *,
        cron: str,
        timezone: str = "UTC",
        timeout: float = 300.0,
        grace: float | None = None,
    ) -> Callable[[F], F]:
        """Declare a job, which runs once per slot of its crontab line, in an app context.

        The function needs no argument, or one: the `jobs.Task` of the run. What it returns (JSON)
        is kept and answers duplicate calls. After ``timeout`` seconds it counts as failed. A
        missed slot may begin up to ``grace`` seconds late (at least 30; default: half the time to
        the next slot, at most a day). One of the name of a built-in job replaces it. Raises
        ValueError for a bad name, line or zone, a coroutine function, and a name that was declared.
        """
        schedule = Schedule(cron, timezone)

        def declare(function: F) -> F:
            if name in self._declared.jobs:
                raise ValueError(f"the job {name!r} was declared before")
            self._declared.jobs[name] = Job(name, function, schedule, timeout, grace)
            return function

        return declare

    def admins(self, function: F) -> F:
        """Declare who is told of critical anomalies: () -> user ids."""
        self._declared.admins = function
        return function

    def activity(self, function: F) -> F:
        """Declare what users do, for the oracle: () -> a SQLAlchemy selectable.

        Its columns ``user_id``, ``metric`` (text, at most 50 different) and ``at`` (time): a row
        for each thing done. Default: the messages of this package.
        """
        self._declared.activity = function
        return function

    def detector(self, function: F) -> F:
        """Declare another detector for the oracle; see `oracle.detector.detect`."""
        self._declared.detector = function
        return function

    def trust_columns(self, user_id: Any, trust: Any, last_active: Any, **options: Any) -> None:
        """Declare the columns of the host's users that trust decay works on.

        ``rt.trust_columns(User.id, User.trust_score, User.last_active)``. ``anchor=`` and
        ``applied=`` (a time and a number, both nullable) let the host's table remember what was
        taken, instead of a table of this package; ``notify=False`` tells nobody. Raises
        ValueError when the columns are not of one table.
        """
        self._declared.trust = TrustColumns(user_id, trust, last_active, **options)
