"""What a late tab is given of the stream it joins: all of what it missed, or word of a gap."""

import json
import shutil
import subprocess

import pytest

from flask_nexora_rt.blueprints.assets import STATIC

RUN = """
import { readFileSync } from "node:fs";
import { Ring } from "./nexora/ring.js";
import { compare, isKnown } from "./nexora/position.js";
const scope = { Ring, isKnown, compare };
const [names, values] = [Object.keys(scope), Object.values(scope)];
const scripts = JSON.parse(readFileSync(0, "utf8"));
const results = scripts.map((script) => new Function(...names, script)(...values));
console.log(JSON.stringify(results, (_, value) => (value === undefined ? "undefined" : value)));
"""
TICK = (
    'const tick = (position, data = position) => ({event: "tick", channel: "a", position, data});'
)
SHOWN = """{
  const told = ring.after("a", since);
  return told && told.map(({ position }) => position);
}"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Runs a script in node with the client's modules and returns its result."""
    folder = tmp_path_factory.mktemp("client") / "static"
    shutil.copytree(STATIC, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "run.js").write_text(RUN)

    def call(script: str) -> object:
        done = subprocess.run(
            ["node", "run.js"],
            input=json.dumps([TICK + script]),
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)[0]

    return call


def after(run, story, since):
    """What a tab that has seen ``since`` is told after that story."""
    begin = 'const ring = new Ring(); ring.restart(["a"], {from: "5-0", position: "5-0", replayed: '
    return run(f"{begin}{story} const since = {since!r}; {SHOWN}")


LIVE = "0}); for (const n of [6, 7, 8]) ring.add(tick(`${n}-0`), `${n}-0`);"
REPLAYED = "2}); for (const n of [6, 9, 10]) ring.add(tick(`${n}-0`), `${n}-0`);"


@pytest.mark.parametrize(
    "story, since, told",
    [
        (LIVE, "5-0", ["6-0", "7-0", "8-0"]),
        (LIVE, "6-5", ["7-0", "8-0"]),
        (LIVE, "10-0", []),
        # Before the stream began: nobody here knows what came then.
        (LIVE, "4-0", None),
        # A replay shows an edited message once, as it is at its end, in its old place.
        (REPLAYED, "5-0", ["6-0", "9-0", "10-0"]),
        (REPLAYED, "7-0", None),
        (REPLAYED, "9-0", ["10-0"]),
        # The replay is not complete yet.
        ('2}); ring.add(tick("6-0"), "6-0");', "5-5", "undefined"),
        ('2}); ring.add({event: "nexora:ping"}, "9-0");', "9-0", []),
        # The server has told of a gap itself.
        (LIVE + 'ring.gap(["a"], "8-5");', "8-0", None),
        (LIVE + 'ring.gap(["a"], "8-5"); ring.add(tick("9-0"), "9-0");', "8-5", ["9-0"]),
    ],
)  # fmt: skip
def test_a_late_tab_is_told_everything_or_of_a_gap(run, story, since, told):
    assert after(run, story, since) == told


def test_a_ring_is_bounded_and_knows_what_it_has_dropped(run):
    many = "0}); for (let n = 6; n < 1000; n++) ring.add(tick(`${n}-0`), `${n}-0`);"
    assert after(run, many, "5-0") is None
    assert len(after(run, many, "499-0")) == 500


def test_a_reconnect_that_missed_nothing_keeps_what_came_before(run):
    again = (
        LIVE + 'ring.restart(["a"], {from: "8-0", position: "8-0", replayed: 0, recovered: true});'
    )
    assert after(run, again, "6-0") == ["7-0", "8-0"]
    lost = again.replace("recovered: true", "recovered: false")
    assert after(run, lost, "6-0") is None


def test_an_event_that_is_shown_again_after_a_cut_is_known(run):
    cut = 'const sub = {last: "5-0"}; return [tick("6-0"), tick("6-0"), tick("5-0"), tick("7-0")]'
    assert run(cut + ".map((block) => isKnown(sub, block));") == [False, True, True, False]


def test_another_name_or_other_data_at_one_position_are_not_known(run):
    story = """const sub = {last: null}, edited = tick("6-0", "edited");
      const alias = {...tick("6-0"), event: "tock"};
      return [tick("6-0"), alias, alias, edited, {event: "typing"}, {event: "typing"}]"""
    told = [False, False, True, False, False, False]
    assert run(story + ".map((block) => isKnown(sub, block));") == told


@pytest.mark.parametrize(
    "earlier, later",
    [
        (None, "1-0"),
        ("9-0", "10-0"),
        ("1-9", "1-10"),
        ("1-18446744073709551614", "1-18446744073709551615"),
    ],
)
def test_positions_are_in_the_order_of_the_log(run, earlier, later):
    a, b = json.dumps(earlier), json.dumps(later)
    signs = f"return [compare({a}, {b}), compare({b}, {a}), compare({b}, {b})].map(Math.sign);"
    assert run(signs) == [-1, 1, 0]
