"""Channel names, patterns, and who may hold what."""

import itertools
import logging
import uuid

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flask_nexora_rt import InvalidName, PatternError
from flask_nexora_rt.channels import (
    ChannelRegistry,
    Grant,
    Pattern,
    Refusal,
    Rule,
    check_channel,
    escape_part,
    unescape_part,
)

GRAMMAR = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-=@,.;"


def registry(*rules: Rule) -> ChannelRegistry:
    made = ChannelRegistry()
    for rule in rules:
        made.add(rule)
    return made


def allowing(pattern: str, answer: object = True, **options: bool) -> Rule:
    parsed = Pattern(pattern)
    return Rule(parsed, lambda user, **ids: answer, **options)


# -- names -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a", GRAMMAR, "x" * 164, "private-user-1", "a,b"])
def test_a_name_in_the_grammar_is_returned(name):
    assert check_channel(name) == name


@pytest.mark.parametrize(
    "name", ["", "x" * 165, "a b", "a\n", "\na", "a:b", "a/b", "ä", "a\0", "#"]
)
def test_a_name_outside_the_grammar_is_refused(name):
    with pytest.raises(InvalidName, match="164"):
        check_channel(name)


@pytest.mark.parametrize("name", [None, 5, b"room-1", ["room-1"]])
def test_what_is_no_text_is_no_name(name):
    with pytest.raises(InvalidName):
        check_channel(name)


@given(st.characters())
def test_exactly_the_grammar_is_allowed(char):
    if char in GRAMMAR:
        assert check_channel(char) == char
    else:
        with pytest.raises(InvalidName):
            check_channel(char)


def test_a_refusal_of_a_huge_name_stays_short():
    with pytest.raises(InvalidName) as refused:
        check_channel("x" * 100_000)

    assert len(str(refused.value)) < 300


# -- ids inside names --------------------------------------------------------------------------


@given(st.text(min_size=1), st.booleans())
@example("=2d", True)
@example("-", False)
@example("é=", True)
def test_an_escaped_id_comes_back(text, keep_dash):
    assert unescape_part(escape_part(text, keep_dash)) == text


@given(st.text(min_size=1), st.booleans())
def test_an_escaped_id_is_in_the_grammar(text, keep_dash):
    escaped = escape_part(text, keep_dash)

    assert set(escaped) <= set(GRAMMAR)
    assert keep_dash or "-" not in escaped


@given(st.text(min_size=1), st.text(min_size=1), st.booleans())
def test_two_ids_never_share_an_escaped_form(one, other, keep_dash):
    assert (escape_part(one, keep_dash) == escape_part(other, keep_dash)) == (one == other)


@pytest.mark.parametrize(
    "text, escaped",
    [
        ("a b", "a=20b"),
        ("ü", "=c3=bc"),
        ("=", "=3d"),
        ("a/b:c", "a=2fb=3ac"),
        ("_@,.;-Z9", "_@,.;-Z9"),
    ],
)
def test_what_is_outside_the_grammar_is_written_in_hex(text, escaped):
    assert escape_part(text) == escaped


def test_a_dash_is_escaped_only_on_request():
    assert escape_part("a-b") == "a-b"
    assert escape_part("a-b", keep_dash=False) == "a=2db"


@pytest.mark.parametrize("value, escaped", [(7, "7"), (uuid.UUID(int=1), str(uuid.UUID(int=1)))])
def test_an_id_of_another_type_is_written_as_text(value, escaped):
    assert escape_part(value) == escaped


@pytest.mark.parametrize("value", ["", "\ud800"])
def test_an_id_that_cannot_be_written_is_refused(value):
    with pytest.raises(InvalidName):
        escape_part(value)


@pytest.mark.parametrize(
    "text",
    ["=41", "=zz", "=", "a=2", "=2F", "=c3", "=ff", "a-b=2d", "x=0g", "=ed=a0=80", ""],
    ids=repr,
)
def test_an_escape_that_we_never_write_stays_as_it_is(text):
    assert unescape_part(text) == text


@given(st.text(alphabet="=-ab0123456789cdefCF"))
def test_no_two_texts_unescape_to_one_id_unless_they_differ_in_their_dashes(text):
    value = unescape_part(text)

    assert value == text or text in (escape_part(value), escape_part(value, keep_dash=False))


# -- patterns ----------------------------------------------------------------------------------


def test_a_pattern_gives_the_ids_in_the_name():
    assert Pattern("guild-{guild_id}-{room}").match("guild-7-lobby") == {
        "guild_id": "7",
        "room": "lobby",
    }


def test_a_pattern_without_placeholders_matches_its_own_text_only():
    pattern = Pattern("platform-global")

    assert pattern.match("platform-global") == {}
    assert pattern.match("platform-global2") is None
    assert pattern.match("xplatform-global") is None


def test_a_placeholder_takes_at_least_one_character():
    assert Pattern("guild-{id}").match("guild-") is None


def test_literal_text_is_no_regular_expression():
    pattern = Pattern("v1.0;{id}")

    assert pattern.match("v1.0;a") == {"id": "a"}
    assert pattern.match("v1x0;a") is None


@given(st.text(min_size=1))
def test_a_pattern_gives_the_id_that_was_escaped(text):
    assert Pattern("guild-{id}").match(f"guild-{escape_part(text)}") == {"id": text}


@given(st.text(min_size=1), st.text(min_size=1))
def test_two_parts_are_told_apart_whatever_the_ids_hold(one, other):
    name = f"dm-{escape_part(one, keep_dash=False)}-{escape_part(other, keep_dash=False)}"

    assert Pattern("dm-{a:part}-{b:part}").match(name) == {"a": one, "b": other}


@pytest.mark.parametrize(
    "converter, good, bad",
    [
        ("str", ["a", "a-b", "=", "@,.;_"], []),
        ("part", ["a", "@,.;_9"], ["a-b", "-"]),
        ("int", ["0", "7", "1234567890123"], ["01", "-1", "a", "1a", "1.0"]),
        (
            "uuid",
            ["0189f7a2-0000-7000-8000-00000000000f"],
            [
                "0189F7A2-0000-7000-8000-00000000000F",
                "0189f7a200007000800000000000000f",
                "0189f7a2-0000-7000-8000-00000000000",
                "0189f7a2-0000-7000-8000-00000000000g",
            ],
        ),
    ],
)
def test_a_converter_takes_its_own_kind_of_id(converter, good, bad):
    pattern = Pattern(f"x-{{id:{converter}}}")

    assert [text for text in good if pattern.match(f"x-{text}") is None] == []
    assert [text for text in bad if pattern.match(f"x-{text}") is not None] == []


@pytest.mark.parametrize(
    "text",
    ["guild {id}", "guild-{", "guild-}", "{}", "{1}", "{id:float}", "{id:}", "{a-b}", "a\n", "ä"],
)
def test_a_malformed_pattern_is_refused(text):
    with pytest.raises(PatternError):
        Pattern(text)


def test_an_unknown_converter_is_answered_with_those_that_exist():
    with pytest.raises(PatternError, match="int, part, str, uuid"):
        Pattern("{id:float}")


def test_a_placeholder_named_twice_is_refused():
    with pytest.raises(PatternError, match="twice"):
        Pattern("dm-{id}-{id}")


# -- the most specific pattern decides ---------------------------------------------------------


@pytest.mark.parametrize(
    "wide, narrow, name",
    [
        ("{name}", "guild-{id}", "guild-1"),
        ("guild-{id}", "guild-lobby", "guild-lobby"),
        ("guild-{id}", "guild-{id}-admins", "guild-1-admins"),
        ("guild-{id}", "guild-{id:int}", "guild-1"),
        ("guild-{id}", "guild-{id:part}", "guild-a"),
        ("guild-{id}", "guild-{id:uuid}", f"guild-{uuid.UUID(int=5)}"),
        ("guild-{a}", "guild-{a:part}", "guild-1"),
    ],
)
@pytest.mark.parametrize("turn", [1, -1], ids=["wide first", "narrow first"])
def test_the_most_specific_pattern_wins_in_any_order_of_registration(wide, narrow, name, turn):
    rules = registry(*[allowing(pattern) for pattern in (wide, narrow)][::turn])

    found = rules.find(name)

    assert found is not None
    assert found[0].pattern.text == narrow


def test_a_less_specific_pattern_decides_where_the_other_does_not_match():
    rules = registry(allowing("guild-{id}", answer=False), allowing("guild-{id:int}"))

    assert rules.authorize("guild-7", "alice") == Grant("guild-7")
    assert rules.authorize("guild-x", "alice") == Refusal("guild-x", 403)


@pytest.mark.parametrize(
    "one, other",
    [
        ("guild-{id}", "guild-{id}"),
        ("guild-{id}", "guild-{name}"),
        ("guild-lobby", "guild-lobby"),
        ("a{id}", "{id}a"),
        ("x-{a}-{b}", "x-{a}-{b}"),
        ("a{x}", "{x}1"),
    ],
)
def test_a_tie_is_refused_at_registration(one, other):
    rules = registry(allowing(one))

    with pytest.raises(PatternError, match="equally specific"):
        rules.add(allowing(other))


@pytest.mark.parametrize(
    "one, other", [("guild-{id}", "other-{id}"), ("a{x:int}", "{x:int}a"), ("ab", "ba")]
)
def test_patterns_that_share_no_name_live_side_by_side(one, other):
    registry(allowing(one), allowing(other))


def test_a_refused_registration_changes_nothing():
    rules = registry(allowing("guild-{id}"))

    with pytest.raises(PatternError):
        rules.add(allowing("guild-{name}", answer=False))
    with pytest.raises(PatternError):
        rules.add(Rule(Pattern("other-{id}"), lambda user: True))

    assert rules.authorize("guild-1", "alice") == Grant("guild-1")
    assert rules.find("other-1") is None


PIECES = ["a", "1", "-", "{:str}", "{:part}", "{:int}"]
# No zero: an `int` of several digits does not begin with one, which `overlaps` may overlook.
NAMES = ["".join(chars) for size in range(1, 7) for chars in itertools.product("a1-", repeat=size)]


@st.composite
def patterns(draw):
    """A pattern of up to three pieces; two of them meet in a name of up to six characters."""
    pieces = draw(st.lists(st.sampled_from(PIECES), min_size=1, max_size=3))
    return Pattern("".join(p.replace("{", "{" + f"p{i}") for i, p in enumerate(pieces)))


@given(patterns(), patterns())
@settings(max_examples=150)
def test_patterns_overlap_exactly_when_some_name_matches_both(one, other):
    shared = (name for name in NAMES if None not in (one.match(name), other.match(name)))

    assert one.overlaps(other) == (next(shared, None) is not None)
    assert one.overlaps(other) == other.overlaps(one)


def test_patterns_overlap_where_a_zero_leads():
    assert Pattern("0{a:int}").overlaps(Pattern("{a:int}0"))


@given(st.lists(patterns(), max_size=6), st.sampled_from(NAMES))
def test_no_name_is_ever_decided_by_two_equally_specific_rules(candidates, name):
    rules, kept = ChannelRegistry(), []
    for pattern in candidates:
        try:
            rules.add(Rule(pattern, lambda user, **ids: True))
        except PatternError:
            continue
        kept.append(pattern)
    matching = [pattern for pattern in kept if pattern.match(name) is not None]

    best = [p for p in matching if p.specificity == max(q.specificity for q in matching)]

    assert len(best) == min(len(matching), 1)
    assert [found[0].pattern for found in [rules.find(name)] if found] == best


# -- who may -----------------------------------------------------------------------------------


def test_a_channel_that_nobody_registered_is_denied():
    rules = registry(allowing("guild-{id}"))

    assert rules.authorize("other-1", "alice") == Refusal("other-1", 403)
    assert ChannelRegistry().authorize("guild-1", "alice") == Refusal("guild-1", 403)


def test_who_is_not_signed_in_is_told_so_and_nobody_is_asked():
    asked = []
    rules = registry(Rule(Pattern("guild-{id}"), lambda user, id: asked.append(id) or True))

    assert rules.authorize("guild-1", None) == Refusal("guild-1", 401)
    assert rules.authorize("unknown", None) == Refusal("unknown", 401)
    assert asked == []


@pytest.mark.parametrize("user", [None, "alice"])
def test_a_public_channel_is_for_everybody(user):
    rules = registry(Rule(Pattern("news-{id}"), public=True))

    assert rules.authorize("news-1", user) == Grant("news-1", public=True)


def test_a_public_channel_does_not_open_a_more_specific_one():
    rules = registry(
        Rule(Pattern("news-{id}"), public=True), allowing("news-{id}-drafts", answer=False)
    )

    assert rules.authorize("news-1-drafts", "alice") == Refusal("news-1-drafts", 403)


@pytest.mark.parametrize("answer, info", [(True, None), ({}, {}), ({"name": "A"}, {"name": "A"})])
def test_true_or_a_dict_allows(answer, info):
    rules = registry(allowing("guild-{id}", answer=answer))

    assert rules.authorize("guild-1", "alice") == Grant("guild-1", user_info=info)


class Truthy:
    """Not True and not a dict, whatever `if` makes of it."""

    def __bool__(self):
        return True

    def __eq__(self, other):
        return True

    __hash__ = object.__hash__


@pytest.mark.parametrize(
    "answer",
    [False, None, 0, 1, 1.0, "yes", "", [], [1], (), (True,), {"a"}, b"1", Truthy(), object()],
    ids=lambda answer: answer.__class__.__name__,
)
def test_anything_else_denies(answer):
    rules = registry(allowing("guild-{id}", answer=answer))

    assert rules.authorize("guild-1", "alice") == Refusal("guild-1", 403)


def test_an_authorizer_that_raises_denies_and_is_logged(caplog):
    def fail(user, id):
        raise ZeroDivisionError("no database")

    with caplog.at_level(logging.ERROR):
        decision = registry(Rule(Pattern("guild-{id}"), fail)).authorize("guild-7", "alice")

    assert decision == Refusal("guild-7", 500)
    assert "guild-7" in caplog.text
    assert "ZeroDivisionError: no database" in caplog.text


def test_an_authorizer_gets_the_user_and_the_unescaped_ids():
    seen = []
    rule = Rule(
        Pattern("dm-{a:part}-{b:part}"), lambda user, a, b: seen.append((user, a, b)) or True
    )
    user = object()

    registry(rule).authorize("dm-a=2d1-=c3=bc", user)

    assert seen == [(user, "a-1", "ü")]


@pytest.mark.parametrize(
    "authorizer",
    [
        lambda user: True,
        lambda user, other: True,
        lambda user, id, more: True,
        lambda id: True,
        lambda: True,
    ],
    ids=["no id", "another id", "one too many", "no user", "nothing"],
)
def test_an_authorizer_that_cannot_take_the_ids_is_refused_at_registration(authorizer):
    with pytest.raises(PatternError, match=r"must take \(user, id\)"):
        registry(Rule(Pattern("guild-{id}"), authorizer))


@pytest.mark.parametrize(
    "authorizer",
    [
        lambda user, id: True,
        lambda user, **ids: True,
        lambda anybody, id=None, more=1: True,
        lambda *args, id: True,
    ],
)
def test_an_authorizer_that_can_take_the_ids_is_taken(authorizer):
    rules = registry(Rule(Pattern("guild-{id}"), authorizer))

    assert rules.authorize("guild-1", "alice") == Grant("guild-1")


def test_a_placeholder_that_would_hide_the_user_is_refused():
    with pytest.raises(PatternError, match="user"):
        registry(Rule(Pattern("inbox-{user}"), lambda user: True))


@pytest.mark.parametrize(
    "channel, shown",
    [("presence-x", True), ("team-1", True), ("guild-1", False), ("my-presence-x", False)],
)
def test_presence_comes_by_prefix_or_by_pattern(channel, shown):
    rules = registry(allowing("team-{id}", presence=True), allowing("guild-{id}"))

    assert rules.is_presence(channel) is shown


def test_the_deciding_pattern_says_whether_there_is_presence():
    rules = registry(allowing("team-{id}", presence=True), allowing("team-{id:int}"))

    assert rules.is_presence("team-a")
    assert not rules.is_presence("team-7")


@pytest.mark.parametrize(
    "status, error", [(401, "Unauthorized"), (403, "Forbidden"), (500, "Internal Server Error")]
)
def test_a_refusal_has_the_short_text_of_the_contract(status, error):
    assert Refusal("guild-1", status).error == error
