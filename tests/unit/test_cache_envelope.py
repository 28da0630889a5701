"""Envelopes and lifetimes, without any store."""

import json
import pickle
from datetime import timedelta

import pytest

from flask_nexora_rt.cache.envelope import Lifetime, pack, renew, seal_failure, tombstone, unpack
from flask_nexora_rt.errors import BadRequest


def test_an_envelope_survives_pickle_and_json():
    envelope = Lifetime.of(60, 30, 10).seal("key", {"a": [1, None]}, 1000.0, 0.25)

    assert unpack(pickle.loads(pickle.dumps(pack(envelope)))) == envelope
    assert unpack(json.loads(json.dumps(pack(envelope)))) == envelope


@pytest.mark.parametrize(
    "stored", [None, 0, "", "nexora-rt-1", (), ("nexora-rt-1",), ["x"] * 10, {"value": 1}]
)
def test_anything_else_is_not_ours(stored):
    assert unpack(stored) is None


def test_a_lifetime_is_fresh_then_stale_then_kept():
    envelope = Lifetime.of(timedelta(minutes=1), 30, 10).seal("key", 1, 1000.0)

    ends = (envelope.fresh_until, envelope.stale_until, envelope.keep_until)
    assert ends == (1060, 1090, 1100)
    assert envelope.seconds_to_keep(1000.0) == 101


def test_every_write_has_a_version_of_its_own():
    lifetime = Lifetime.of(60)
    versions = {lifetime.seal("key", 1, 1000.0).version for _ in range(100)}
    versions |= {tombstone("key").version for _ in range(100)}

    assert len(versions) == 200


def test_a_ttl_of_zero_never_ends():
    envelope = Lifetime.of(0).seal("key", 1, 1000.0)

    assert envelope.fresh_until > 1e300
    assert envelope.seconds_to_keep(1000.0) == 0


def test_a_failure_holds_no_value_and_ends():
    envelope = seal_failure("key", "ValueError: broken", 1005.0)

    assert (envelope.failure, envelope.fresh_until) == ("ValueError: broken", 1005.0)


def test_a_renewed_value_is_never_kept_longer():
    kept = Lifetime.of(60, 0, 10).seal("key", 1, 1000.0)

    renewed = renew(kept, 1100.0)

    assert renewed.fresh_until == renewed.keep_until == kept.keep_until
    assert renewed.version != kept.version


def test_refreshing_early_gets_likelier_towards_the_end():
    envelope = Lifetime.of(60).seal("key", 1, 1000.0, delta=1.0)

    def share(now):
        return sum(envelope.is_early(now, 1.0) for _ in range(2000)) / 2000

    assert share(1000.0) == 0
    assert 0.2 < share(1059.0) < 0.55  # e ** -1
    assert share(1060.0) == 1


@pytest.mark.parametrize("bad", [-1, float("nan"), True, None, "1", timedelta(seconds=-1)])
@pytest.mark.parametrize("name", ["ttl", "stale", "keep"])
def test_a_time_that_is_none_is_named(name, bad):
    with pytest.raises(BadRequest, match="stale_if_error" if name == "keep" else name):
        Lifetime.of(**{"ttl": 1, name: bad})


@pytest.mark.parametrize("jitter", [-0.1, 1, 2])
def test_jitter_is_a_share(jitter):
    with pytest.raises(BadRequest, match="jitter"):
        Lifetime.of(60, jitter=jitter)
