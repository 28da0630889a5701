"""Who stands out, and how well the platform is: pure figures."""

import math
import random
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_nexora_rt.oracle import health
from flask_nexora_rt.oracle.detector import (
    MetricActivity,
    Scale,
    UserActivity,
    detect,
    is_sudden,
    level_of,
    risk_of,
)
from flask_nexora_rt.oracle.health import Check, measure


def metric(counts, name="votes"):
    """A metric whose users did so much, on the last day but one."""
    users = [UserActivity(f"u{n}", (0, 0, 0, 0, 0, c, 0)) for n, c in enumerate(counts)]
    return MetricActivity(name, users)


def found(*activity):
    return {anomaly.user_id: anomaly for anomaly in detect(activity)}


@pytest.mark.parametrize("z, risk", [(3.5, 70), (7, 80), (14, 90), (28, 100), (1e9, 100), (0, 0)])
def test_risk_is_seventy_at_the_cut_and_ten_more_for_each_doubling(z, risk):
    assert risk_of(z) == risk


@pytest.mark.parametrize(
    "risk, level",
    [(0, "Low"), (50, "Medium"), (69.9, "Medium"), (70, "High"), (79.9, "High"), (80, "Critical")],
)
def test_levels(risk, level):
    assert level_of(risk) == level


def test_the_score_is_iglewicz_and_hoaglins():
    scale = Scale.of([1, 2, 3, 4, 5, 6, 7])

    expected = 0.6745 * (math.log1p(100) - scale.median) / scale.mad
    assert scale.score(100) == pytest.approx(expected, rel=1e-3)
    assert scale.median == pytest.approx(math.log1p(4))


POPULATIONS = {
    "log-normal": lambda dice: int(dice.lognormvariate(2.5, 1)),
    "wide log-normal": lambda dice: int(dice.lognormvariate(1, 2)),
    "Pareto": lambda dice: int(3 * dice.paretovariate(1.2)),
    "uniform": lambda dice: dice.randint(1, 200),
    "geometric": lambda dice: int(dice.expovariate(0.1)) + 1,
    "mostly one": lambda dice: 1 if dice.random() < 0.7 else dice.randint(2, 5),
    "all the same": lambda dice: 12,
}


@pytest.mark.parametrize("name", POPULATIONS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_clean_population_has_hardly_an_anomaly_whatever_its_shape(name, seed):
    dice = random.Random(seed)
    population = [POPULATIONS[name](dice) for _ in range(20_000)]

    assert len(found(metric(population))) < 0.005 * len(population)


@pytest.mark.parametrize(
    "name", ["log-normal", "uniform", "geometric", "mostly one", "all the same"]
)
@pytest.mark.parametrize("size", [50, 300, 20_000])
def test_who_was_planted_is_found(name, size):
    dice = random.Random(size)
    population = [POPULATIONS[name](dice) for _ in range(size)]
    planted = 40 * max(50, round(mean(population)))

    assert "u0" in found(metric([planted, *population]))


def test_a_planted_crowd_of_two_percent_is_found_as_well():
    dice = random.Random(5)
    clean = [int(dice.lognormvariate(2.5, 1)) for _ in range(20_000)]

    anomalies = found(metric([50_000] * 400 + clean))
    assert {f"u{n}" for n in range(400)} <= set(anomalies)


def test_few_users_are_no_population_and_few_deeds_no_anomaly():
    assert not found(metric([1] * 10 + [1000]))
    assert not found(metric([1] * 100 + [9]))
    assert found(metric([1] * 100 + [1000]))


def test_one_who_differs_by_one_among_equals_is_no_anomaly():
    assert not found(metric([20] * 1000 + [21]))
    assert found(metric([20] * 1000 + [80]))


def test_who_does_little_is_no_anomaly():
    dice = random.Random(1)
    assert "u0" not in found(metric([0] + [int(dice.gauss(10_000, 100)) for _ in range(500)]))


@pytest.mark.parametrize(
    "days, sudden",
    [
        ((4, 4, 4, 4, 4, 4, 60), True),
        ((0, 0, 0, 0, 0, 0, 25), True),
        ((0, 0, 0, 0, 0, 0, 19), False),
        ((50, 60, 55, 48, 52, 61, 70), False),
        ((10, 10, 10, 10, 10, 10, 40), False),
        ((9,), False),
    ],
)
def test_a_burst_on_the_last_day_is_seen_in_a_users_own_days(days, sudden):
    assert is_sudden(days) is sudden


def test_near_the_cut_only_who_is_sudden_is_reported():
    dice = random.Random(4)
    crowd = [
        UserActivity(f"u{n}", (0,) * 6 + (int(dice.lognormvariate(2, 0.8)),)) for n in range(150)
    ]
    scale = Scale.of([sum(user.days) for user in crowd])
    near = next(n for n in range(1, 10_000) if scale.score(n) > 3)
    steady = UserActivity("steady", (near // 7 + 1,) * 7)
    burst = UserActivity("burst", (0, 0, 0, 0, 0, 0, near + 3))

    anomalies = found(MetricActivity("votes", [*crowd, steady, burst]))
    assert "steady" not in anomalies
    assert anomalies["burst"].risk == 70


def test_the_worst_metric_counts_and_five_points_for_each_further_one():
    dice = random.Random(2)
    crowd = [dice.randint(3, 9) for _ in range(150)]
    one = found(metric([60, *crowd], "votes"))["u0"]
    both = found(metric([60, *crowd], "votes"), metric([50, *crowd], "reviews"))["u0"]

    assert both.risk == pytest.approx(one.risk + 5)
    assert both.metric == "votes"
    assert [item["metric"] for item in both.evidence] == ["votes", "reviews"]


@given(st.lists(st.integers(0, 10_000), min_size=20, max_size=60), st.randoms())
def test_the_order_of_users_does_not_matter(counts, dice):
    users = metric(counts).users
    shuffled = list(users)
    dice.shuffle(shuffled)

    assert detect([MetricActivity("m", users)]) == detect([MetricActivity("m", shuffled)])


# -- health -------------------------------------------------------------------------------------

CHECKS = st.lists(
    st.builds(
        Check,
        st.sampled_from(sorted(health.WEIGHTS)),
        st.text("abc", max_size=3),
        st.sampled_from(sorted(health.SEVERITIES)),
        st.integers(0, 10_000),
        st.floats(0, 10_000),
    ),
    min_size=1,
    max_size=12,
)


@given(CHECKS)
def test_health_is_bounded_and_the_sum_of_its_parts(checks):
    found = measure(checks)

    assert 0 <= found.score <= 100
    assert found.score == pytest.approx(sum(part["points"] for part in found.breakdown), abs=0.01)
    assert sum(part["of"] for part in found.breakdown) == pytest.approx(100, abs=0.02)
    assert all(0 <= part["points"] <= part["of"] for part in found.breakdown)


@given(CHECKS)
def test_health_is_whole_only_without_a_finding(checks):
    clean = all(check.count == 0 for check in checks)

    assert (measure(checks).score >= 99.99) == clean


@given(CHECKS, st.data(), st.integers(1, 5000))
def test_more_findings_never_raise_it(checks, data, more):
    at = data.draw(st.integers(0, len(checks) - 1))
    one = checks[at]
    worse = list(checks)
    worse[at] = Check(one.category, one.name, one.severity, one.count + more, one.reference)

    assert measure(worse).score <= measure(checks).score


@given(CHECKS, st.randoms())
def test_the_order_of_checks_does_not_matter(checks, dice):
    shuffled = list(checks)
    dice.shuffle(shuffled)

    assert measure(shuffled).score == measure(checks).score


@pytest.mark.parametrize(
    "users, events, enough", [(19, 1000, False), (20, 99, False), (20, 100, True)]
)
def test_too_little_activity_says_nothing(users, events, enough):
    assert health.is_enough(users, events) is enough
    assert measure([]).score is None
