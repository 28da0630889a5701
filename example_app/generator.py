"""People, guilds, bounties and 30 days of what they did, with bursts for the oracle to find.

The same number of users and the same seed give the same data, but for dates: those count from
midnight (UTC) of the day it is made, so that the oracle's seven days are in it. Ids follow those
that are there; ids of notifications are the extension's, and new each time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from random import Random
from typing import Any

from example_app import generator_data as words
from example_app.activity import MESSAGES, TRANSFERS, VOTES
from flask_nexora_rt.presets import nexora

LEAST, MOST = 30, 100_000
DAYS = 30
METRICS = (VOTES, TRANSFERS, MESSAGES)

GUILD_SIZE = 20
AWAY_EVERY = 33
# Who is away exactly so long loses ten points of trust.
FIRST_AWAY_DAYS = 40
FIRST_AWAY_TRUST = 760
# How many things somebody does on a day, and how often that is so.
A_DAY = {VOTES: (50, 32, 18), TRANSFERS: (68, 24, 8), MESSAGES: (65, 25, 10)}
BURST = (380, 480)
BURST_DAYS_AGO = 2
STATUSES = {"open": 20, "matched": 8, "accepted": 14, "submitted": 8, "completed": 50}
DISPUTE_STATUSES = ("open", "escalated", "voting", "voting")

Row = dict[str, Any]


@dataclass(frozen=True)
class Person:
    """A generated user; `days_away` more than 0 did nothing in these 30 days."""

    id: int
    login: str
    days_away: int
    guild_id: int

    @property
    def is_active(self) -> bool:
        """Whether there is anything of theirs."""
        return not self.days_away


@dataclass(frozen=True)
class FirstIds:
    """The ids that the first generated rows get."""

    user: int
    guild: int
    bounty: int
    dispute: int


class Generator:
    """The rows for so many users, all of them from `seed`; `until` is when their 30 days end.

    Each table has dice of its own, so that a change of one leaves the others as they were.
    """

    def __init__(self, users: int, seed: int, until: datetime, first: FirstIds) -> None:
        self._users = users
        self._seed = seed
        self._until = until
        self._first = first

    def _dice(self, what: str) -> Random:
        return Random(f"{self._seed}:{self._users}:{what}")  # noqa: S311 - data, no secrets

    @cached_property
    def people(self) -> list[Person]:
        """Everybody, in the order of their ids."""
        dice = self._dice("people")
        places = [number // GUILD_SIZE % self.guild_count for number in range(self._users)]
        dice.shuffle(places)
        return [
            Person(
                self._first.user + number,
                f"citizen-{number + 1}",
                _days_away(number, dice),
                self._first.guild + place,
            )
            for number, place in enumerate(places)
        ]

    @property
    def guild_count(self) -> int:
        """How many guilds there are; a last one that is too small is none."""
        return max(2, self._users // GUILD_SIZE)

    @cached_property
    def planted(self) -> dict[str, str]:
        """Who behaves unlike everybody else: metric by login. So few that they are no crowd."""
        active = [person.login for person in self.people if person.is_active]
        chosen = self._dice("planted").sample(active, max(len(METRICS), self._users // 500))
        return {login: METRICS[n % len(METRICS)] for n, login in enumerate(chosen)}

    # -- who there is ---------------------------------------------------------------------------

    def users(self) -> Iterator[Row]:
        """They have no password: the demo lets one be anybody with a click."""
        dice = self._dice("users")
        for person in self.people:
            seen = timedelta(days=person.days_away or dice.random() * 2)
            trust = min(960, max(500, round(dice.gauss(710, 80))))
            first_away = person.days_away == FIRST_AWAY_DAYS
            yield {
                "id": person.id,
                "login": person.login,
                "name": f"{dice.choice(words.FIRST_NAMES)} {dice.choice(words.LAST_NAMES)}",
                "about": dice.choice(words.TRADES),
                "password_hash": "",
                "is_admin": False,
                "trust_score": FIRST_AWAY_TRUST if first_away else trust,
                "last_active": (self._until - seen).replace(tzinfo=None),
            }

    def guilds(self) -> Iterator[Row]:
        """Names repeat with a number when there are no more."""
        dice = self._dice("guilds")
        names = [f"{one} {two}" for one in words.GUILD_ADJECTIVES for two in words.GUILD_TRADES]
        dice.shuffle(names)
        for number in range(self.guild_count):
            again, which = divmod(number, len(names))
            yield {
                "id": self._first.guild + number,
                "name": f"{names[which]} {again + 1}" if again else names[which],
                "purpose": dice.choice(words.PURPOSES),
            }

    def memberships(self) -> Iterator[Row]:
        """Everybody is in one guild; the first of each leads it."""
        led: set[int] = set()
        for person in self.people:
            role = "member" if person.guild_id in led else "leader"
            led.add(person.guild_id)
            yield {"guild_id": person.guild_id, "user_id": person.id, "role": role}

    @cached_property
    def leaders(self) -> dict[int, int]:
        """The user who leads each guild."""
        return {one["guild_id"]: one["user_id"] for one in reversed(list(self.memberships()))}

    @cached_property
    def bounties(self) -> list[Row]:
        """One for every five users, from people outside the guild that does the work."""
        dice = self._dice("bounties")
        return [self._bounty(dice, number) for number in range(self._users // 5)]

    def _bounty(self, dice: Random, number: int) -> Row:
        poster = dice.choice(self.people)
        others = [dice.randrange(self.guild_count) + self._first.guild for _ in range(8)]
        guild = next((one for one in others if one != poster.guild_id), None)
        status = dice.choices(list(STATUSES), list(STATUSES.values()))[0] if guild else "open"
        return {
            "id": self._first.bounty + number,
            "title": f"{dice.choice(words.BOUNTY_WORK)} {dice.choice(words.BOUNTY_PLACES)}",
            "brief": dice.choice(words.BRIEFS),
            "reward": 5 * dice.randint(2, 80),
            "status": status,
            "note": "",
            "poster_id": poster.id,
            "guild_id": None if status == "open" else guild,
        }

    @cached_property
    def disputes(self) -> list[Row]:
        """About some of the work that is under way, between its poster and the guild's leader."""
        dice = self._dice("disputes")
        under_way = [one for one in self.bounties if one["status"] in ("accepted", "submitted")]
        chosen = under_way[: max(1, self._users // 50)]
        return [
            {
                "id": self._first.dispute + number,
                "title": dice.choice(words.DISPUTES),
                "bounty": f"{about['title']}, {about['reward']} crowns",
                "bounty_id": about["id"],
                "status": dice.choice(DISPUTE_STATUSES),
                "outcome": "",
                "raised_by_id": about["poster_id"],
                "against_id": self.leaders[about["guild_id"]],
            }
            for number, about in enumerate(chosen)
        ]

    def jurors(self) -> Iterator[Row]:
        """Three who are no party, for the disputes that have a tribunal."""
        dice = self._dice("jurors")
        for dispute in self.disputes:
            drawn = [person.id for person in dice.sample(self.people, 5)]
            parties = (dispute["raised_by_id"], dispute["against_id"])
            if dispute["status"] != "open":
                for juror in [one for one in drawn if one not in parties][:3]:
                    yield {"dispute_id": dispute["id"], "user_id": juror}

    # -- what they did --------------------------------------------------------------------------

    def activity(self) -> Iterator[Row]:
        """Votes and transfers; the first bounties are the ones that are voted for most."""
        dice = self._dice("activity")
        bounty_ids = [one["id"] for one in self.bounties]
        for person in self.people:
            for metric in (VOTES, TRANSFERS):
                for at in self._times(person, metric, dice):
                    chosen = bounty_ids[int(len(bounty_ids) * dice.random() ** 3)]
                    yield {
                        "user_id": person.id,
                        "metric": metric,
                        "bounty_id": chosen if metric == VOTES else None,
                        "at": at,
                    }

    def messages(self) -> Iterator[Row]:
        """The chat of each guild, and the thread of each dispute."""
        dice = self._dice("messages")
        members: dict[int, list[Person]] = {}
        for person in self.people:
            members.setdefault(person.guild_id, []).append(person)
        for guild_id, people in sorted(members.items()):
            said = [
                (at, person.id, self._line(person, dice))
                for person in people
                for at in self._times(person, MESSAGES, dice)
            ]
            yield from _talk(nexora.guild(guild_id), said, dice)
        for dispute in self.disputes:
            parties = (dispute["raised_by_id"], dispute["against_id"])
            began = self._at(dice.randint(2, 10), dice.random() * 80_000)
            said = [
                (began + timedelta(hours=hour), party, line)
                for hour, (party, line) in enumerate(zip(parties, words.ARGUMENTS, strict=True))
            ]
            yield from _talk(nexora.dispute(dispute["id"]), said, dice)

    def _line(self, person: Person, dice: Random) -> str:
        is_burst = self.planted.get(person.login) == MESSAGES
        return words.BURST_LINE if is_burst else dice.choice(words.LINES)

    def _times(self, person: Person, metric: str, dice: Random) -> Iterator[datetime]:
        """When somebody did it, day by day; a burst is over within two hours."""
        if not person.is_active:
            return
        counts = dice.choices(range(3), A_DAY[metric], k=DAYS)
        for days_ago, count in enumerate(counts, 1):
            for _ in range(count):
                yield self._at(days_ago, dice.random() * 86_400)
        if self.planted.get(person.login) == metric:
            for _ in range(dice.randint(*BURST)):
                yield self._at(BURST_DAYS_AGO, 36_000 + dice.random() * 7_200)

    def _at(self, days_ago: int, seconds: float) -> datetime:
        return self._until + timedelta(days=-days_ago, seconds=int(seconds))


def _talk(channel: str, said: list[tuple[datetime, int, str]], dice: Random) -> Iterator[Row]:
    for seq, (at, sender_id, line) in enumerate(sorted(said), 1):
        yield {
            "id": f"{dice.getrandbits(128):032x}",
            "conversation_id": channel,
            "seq": seq,
            "sender_id": str(sender_id),
            "content": line,
            "revision": 1,
            "created_at": at,
        }


def _days_away(number: int, dice: Random) -> int:
    days = dice.randint(31, 90)
    if number == 0:
        return FIRST_AWAY_DAYS
    return days if number % AWAY_EVERY == 0 else 0
