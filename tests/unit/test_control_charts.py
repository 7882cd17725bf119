"""Process limits: the vector of the reference, the rules, the words."""

import pytest

from dashboard.domain.control_charts import signals, verdict, xmr

VECTOR = [52, 47, 55, 50, 49, 61, 53, 48, 51, 54, 46, 50]


def test_the_vector_of_the_reference():
    limits = xmr(VECTOR)
    assert limits.mean == pytest.approx(51.3333, abs=1e-4)
    assert limits.moving_range == pytest.approx(5.63636, abs=1e-5)
    assert (limits.low, limits.high) == pytest.approx((36.3406, 66.3261), abs=1e-4)
    assert limits.range_limit == pytest.approx(18.41, abs=5e-3)
    assert not limits.is_indicative
    assert not any(rule.any() for rule in signals(VECTOR, limits).values())


def test_limits_stay_where_the_measure_can_go():
    limits = xmr([0.97, 0.99, 0.95, 1.0, 0.96, 0.99, 0.98], floor=0, ceiling=1)
    assert limits.high == 1
    assert limits.is_indicative


def test_each_rule_marks_the_point_that_completes_it():
    limits = xmr(VECTOR)
    assert signals([51, 80], limits)["outside"].tolist() == [False, True]
    assert signals([53] * 9, limits)["run"].tolist() == [False] * 7 + [True] * 2
    assert signals([62, 50, 62, 62], limits)["near_limit"].tolist() == [False, False, False, True]


@pytest.mark.parametrize(
    ("value", "better", "status", "words"),
    [
        (60, "higher", "same", "No real change"),
        (70, "higher", "meets", "Better than usual"),
        (70, "lower", "misses", "Worse than usual"),
        (30, "higher", "misses", "Worse than usual"),
        (70, None, "near", "More than usual"),
        (30, None, "near", "Fewer than usual"),
        (None, None, "unknown", "Not enough data"),
    ],
)
def test_the_verdict_in_words(value, better, status, words):
    found = verdict(value, xmr(VECTOR), better)
    assert (found.status, found.words) == (status, words)


def test_few_points_say_nothing():
    assert xmr([1, 2, 3, 4, 5]) is None
    assert verdict(3, None).status == "unknown"
