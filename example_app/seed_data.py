"""Who is in the demo, what they have said, and what they have going on."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

PASSWORD = "demo"  # noqa: S105 - it is printed on the sign-in page


class Line(NamedTuple):
    """Something a user said, and who reacted to it with what."""

    login: str
    text: str
    reactions: Mapping[str, list[str]] = MappingProxyType({})


class Person(NamedTuple):
    """A user; `days_away` is what trust decay looks at: more than 30 cost trust."""

    name: str
    about: str
    trust: int = 700
    days_away: int = 0
    is_admin: bool = False


class Work(NamedTuple):
    """A bounty, and how far it is."""

    title: str
    brief: str
    reward: int
    poster: str
    status: str = "open"
    guild: str | None = None
    note: str = ""


USERS = {
    "alice": Person("Alice Moreau", "Leads the Mapmakers", 880),
    "bob": Person("Bob Okafor", "Mapmaker, draws coastlines", 760),
    "carol": Person("Carol Lindqvist", "Leads the Night Watch", 840),
    "dan": Person("Dan Ferreira", "Mapmaker on probation", 610),
    "erin": Person("Erin Takeda", "Sits on the tribunal", 930),
    "frank": Person("Frank Osei", "Lamplighter, away at sea", 820, days_away=60),
    "grace": Person("Grace Adeyemi", "Keeps the hall, speaks to everybody", 900, is_admin=True),
}
BOUNTIES = [
    Work(
        "Lantern for the east pier",
        "The old one is out since the storm. Glass and oil are in the harbour office.",
        40,
        "carol",
    ),
    Work(
        "Night patrol of the salt road",
        "From dusk to dawn for a week, with a line of report each morning.",
        180,
        "bob",
        "matched",
        "Night Watch",
    ),
    Work(
        "Chart of the northern coast",
        "Soundings every half mile, buoys as they lie now.",
        320,
        "grace",
        "accepted",
        "Mapmakers",
    ),
    Work(
        "Plan of the old granary",
        "All three floors, and where the walls are wet.",
        90,
        "carol",
        "submitted",
        "Mapmakers",
        "Three sheets, one for each floor. The cellar door was locked.",
    ),
    Work(
        "Guard for the spring fair",
        "Two people at the gate, one among the stalls.",
        150,
        "dan",
        "completed",
        "Night Watch",
        "Not a purse was lost.",
    ),
]
APPLICATIONS = [("erin", "Mapmakers"), ("frank", "Night Watch")]
GUILDS: dict[str, dict[str, Any]] = {
    "Mapmakers": {
        "purpose": "Charts for hire, from harbour to ridge",
        "members": {"alice": "leader", "bob": "member", "dan": "member"},
        "talk": [
            Line("alice", "Morning! The bounty for the northern coast chart is ours."),
            Line(
                "bob",
                "Lovely. I have the soundings from last week.",
                {"👍": ["alice"]},
            ),
            Line("bob", "Two of the buoys have moved, so I will redraw the approach first."),
            Line("dan", "I can ink the depth lines tonight if somebody checks them after me."),
            Line("alice", "Good catch. @bob will you check them? The deadline is Friday."),
            Line("bob", "Gladly.", {"🎉": ["alice", "dan"]}),
        ],
    },
    "Night Watch": {
        "purpose": "Who is awake, and what they saw",
        "members": {"carol": "leader", "alice": "member", "erin": "member"},
        "talk": [
            Line("carol", "Quiet so far. One lantern on the east pier is out."),
            Line("alice", "Thanks, I will tell the harbour office in the morning."),
            Line("carol", "@alice and please ask them about the gate as well."),
        ],
    },
}
DISPUTES: dict[str, dict[str, Any]] = {
    "Chart handed in without depth lines": {
        "bounty": "Harbour chart, 120 crowns",
        "status": "open",
        "raised_by": "carol",
        "against": "bob",
        "tribunal": ["erin"],
        "talk": [
            Line("carol", "The chart we paid for shows no depth below the old mole."),
            Line("bob", "That stretch was closed for dredging. It says so in the legend."),
            Line("erin", "Please add the dates of the closure here, @bob.", {"👍": ["carol"]}),
        ],
    },
    "Who found the wreck first": {
        "bounty": "Wreck off Gull Point, 300 crowns",
        "status": "escalated",
        "raised_by": "dan",
        "against": "carol",
        "tribunal": ["erin", "alice", "grace"],
        "talk": [
            Line("dan", "My sketch of the site is dated two days before the watch reported it."),
            Line("carol", "A sketch is no report. The lookout saw the mast on the 4th."),
        ],
    },
    "Half a fence is no fence": {
        "bounty": "Fence for the upper meadow, 75 crowns",
        "status": "voting",
        "raised_by": "frank",
        "against": "alice",
        "tribunal": ["erin", "carol", "grace"],
        "talk": [
            Line("frank", "Thirty posts were ordered. I count sixteen."),
            Line("alice", "The other half is rock. We said so before we began."),
        ],
    },
}
DIRECT = {
    ("alice", "bob"): [
        Line("bob", "Do you have a minute before the guild meets?"),
        Line("alice", "Of course. What is it?"),
        Line("bob", "I would like Dan to do the eastern sheet. He is ready.", {"❤️": ["alice"]}),
    ],
    ("alice", "carol"): [Line("carol", "Tea after the watch?")],
}
