"""Nexora's names: the same in Python and in the browser, and never two things under one name."""

import json
import shutil
import subprocess
import uuid
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import flask_nexora_rt
from flask_nexora_rt import InvalidName
from flask_nexora_rt.channels import Pattern, check_channel
from flask_nexora_rt.events import check_publishable
from flask_nexora_rt.presets import nexora

SCRIPT = Path(flask_nexora_rt.__file__).parent / "static" / "nexora-channels.js"

EVENTS = [
    "message:new", "message:edit", "message:delete", "typing:start", "typing:stop",
    "notification:new", "notification:read", "notification:clear", "bounty:new", "bounty:accepted",
    "bounty:submitted", "bounty:reviewed", "guild:member-join", "guild:updated", "dispute:raised",
    "dispute:escalated", "dispute:resolved", "user:rank-changed", "user:trust-changed",
]  # fmt: skip

IDS = [
    "1", "9", "10", "alice", "a-b", "a-", "-a", "-", "--", "=", "=2d", "a=2db", "a b", " ", "ü",
    "日本", "🎉", "a/b:c", "\t\n", "\0", "@,.;_", "A", "a", "_", ".", "0", "é", "\u0301", "%41",
    "+", str(uuid.UUID(int=1)), str(uuid.UUID(int=2**128 - 1)), "x" * 60, 'quote"\\', "\u2028",
    "\ufeff",
]  # fmt: skip
ids = st.text(min_size=1, max_size=8) | st.sampled_from(IDS[:-6])


def test_there_are_nineteen_events():
    assert [event.value for event in nexora.Events] == EVENTS
    assert len(EVENTS) == 19


@pytest.mark.parametrize("event", nexora.Events)
def test_an_events_constant_is_its_name_and_may_be_published(event):
    assert event == event.name.lower().replace("_", ":", 1).replace("_", "-")
    assert check_publishable(event) == event.value
    assert f"{event}" == event.value


@pytest.mark.parametrize(
    "name, built",
    [
        ("guild-7", nexora.guild(7)),
        ("guild-a-b", nexora.guild("a-b")),
        ("dispute-7", nexora.dispute(7)),
        ("private-user-7", nexora.user(7)),
        ("platform-global", nexora.global_channel()),
        ("dm-alice-bob", nexora.dm("bob", "alice")),
        # As text, as JavaScript sorts.
        ("dm-10-9", nexora.dm(9, 10)),
        ("dm-a=2db-c", nexora.dm("c", "a-b")),
        ("guild-a=20b=3d", nexora.guild("a b=")),
    ],
)
def test_a_channel_is_built_as_the_seeds_write_it(name, built):
    assert built == name


@given(ids, ids)
@example("a", "a")
@example("=2d", "-")
def test_a_dm_is_the_same_channel_whoever_asks(one, other):
    assert nexora.dm(one, other) == nexora.dm(other, one)


@given(ids, ids, ids, ids)
@example("a-b", "c", "a", "b-c")
@example("1", "11", "11", "1")
def test_a_dm_is_of_two_users_and_of_no_others(a, b, c, d):
    assert (nexora.dm(a, b) == nexora.dm(c, d)) == (sorted([a, b]) == sorted([c, d]))


@given(ids, ids)
def test_the_authorizer_of_a_dm_gets_both_users(one, other):
    found = Pattern("dm-{a:part}-{b:part}").match(nexora.dm(one, other))

    assert sorted(found.values()) == sorted([one, other])


@pytest.mark.parametrize("build", [nexora.guild, nexora.dispute, nexora.user])
@given(ids, ids)
def test_an_id_has_a_channel_of_its_own(build, one, other):
    assert check_channel(build(one))
    assert (build(one) == build(other)) == (one == other)


@pytest.mark.parametrize("build", [nexora.guild, nexora.dispute, nexora.user])
@pytest.mark.parametrize("bad", ["", "x" * 164, "ü" * 60])
def test_an_id_that_does_not_fit_is_refused(build, bad):
    with pytest.raises(InvalidName):
        build(bad)


@pytest.mark.parametrize("pair", [("", "a"), ("a", ""), ("x" * 80, "y" * 82)])
def test_a_dm_that_does_not_fit_is_refused(pair):
    with pytest.raises(InvalidName):
        nexora.dm(*pair)


# -- the browser's names -----------------------------------------------------------------------

RUN = """
import * as channels from "./channels.mjs";
import { readFileSync } from "node:fs";
const call = ([name, ...ids]) => {
  try { return channels[name](...ids); } catch (error) { return error.name; }
};
console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(call)));
"""


@pytest.fixture(scope="module")
def in_browser(tmp_path_factory):
    """Builds names with the script that browsers load, many in one call of node."""
    folder = tmp_path_factory.mktemp("browser")
    shutil.copy(SCRIPT, folder / "channels.mjs")
    (folder / "run.mjs").write_text(RUN)

    def build(calls: list) -> list[str]:
        done = subprocess.run(
            ["node", "run.mjs"],
            input=json.dumps(calls),
            cwd=folder,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=30,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return build


BUILDERS = {"guild": nexora.guild, "dispute": nexora.dispute, "user": nexora.user}


def test_the_browser_builds_the_same_name_for_every_id(in_browser):
    calls = [(name, i) for name in BUILDERS for i in [*IDS, 7, 9, 10, 0]]

    assert in_browser(calls) == [BUILDERS[name](i) for name, i in calls]


def test_the_browser_builds_the_same_name_for_every_two_users(in_browser):
    everybody = [*IDS, 9, 10]
    calls = [("dm", a, b) for a in everybody for b in everybody]

    assert in_browser(calls) == [nexora.dm(a, b) for _, a, b in calls]


def test_the_browser_has_the_global_channel(in_browser):
    assert in_browser([("globalChannel",)]) == [nexora.global_channel()]


def test_the_browser_refuses_what_python_refuses(in_browser):
    calls = [("guild", ""), ("dm", "a", ""), ("guild", "x" * 164), ("user", "ü" * 60),
             ("guild", "\ud800"), ("dm", "a", "\udfff")]  # fmt: skip

    assert in_browser(calls) == ["RangeError"] * len(calls)
