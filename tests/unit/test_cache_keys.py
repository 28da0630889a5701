"""The cache's keys, without any store."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_nexora_rt import BadRequest, CacheKeys, CacheTTL
from flask_nexora_rt.cache.keys import cache_key

PARTS = st.lists(st.text(":%ab/", max_size=3) | st.text(), min_size=1, max_size=3)


def test_the_keys_have_the_seeds_patterns():
    assert CacheKeys.ai_insights("7") == "ai:insights:7"
    assert CacheKeys.trending_categories() == "ai:trending:categories"
    assert CacheKeys.user_profile(7) == "user:profile:7"
    assert CacheKeys.guild_profile("g-1") == "guild:profile:g-1"
    assert CacheKeys.bounty_list("abc123") == "bounty:list:abc123"
    assert CacheKeys.leaderboard("weekly") == "leaderboard:weekly"


def test_the_ttls_are_the_seeds_seconds():
    assert (CacheTTL.SHORT, CacheTTL.MEDIUM, CacheTTL.LONG, CacheTTL.DAY) == (
        300,
        1800,
        3600,
        86_400,
    )
    assert CacheTTL.AI_INSIGHTS == 86_400
    assert CacheTTL.TRENDING_CATEGORIES == 3600
    assert CacheTTL.USER_PROFILE == CacheTTL.GUILD_PROFILE == CacheTTL.BOUNTY_LIST == 300
    assert CacheTTL.LEADERBOARD == 1800


def test_filters_hash_to_the_same_key_in_any_order():
    one = CacheKeys.bounty_list({"status": "open", "tags": ["a", "b"]})
    same = CacheKeys.bounty_list({"tags": ["a", "b"], "status": "open"})
    other = CacheKeys.bounty_list({"status": "open", "tags": ["b", "a"]})

    assert one == same != other
    assert one.startswith("bounty:list:")


@pytest.mark.parametrize(
    "one, other", [*combinations(["a:b", "a%3Ab", "a b", "a/b", "a", "A", "ä", ""], 2)]
)
def test_different_ids_have_different_keys(one, other):
    assert CacheKeys.user_profile(one) != CacheKeys.user_profile(other)


@settings(max_examples=50, deadline=None)
@given(PARTS, PARTS)
def test_no_parts_collide_with_others(one, other):
    if one != other:
        assert cache_key(*one) != cache_key(*other)


def test_an_id_that_is_no_text_is_refused():
    with pytest.raises(BadRequest, match="Unicode"):
        CacheKeys.user_profile("\ud800")
