"""A share of ten is less certain than the same share of a thousand, and none is not certainly none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest, poisson

from dashboard.domain.intervals import difference, poisson_rate, wilson


def test_wilson_intervals_of_the_reference():
    share, lower, upper = wilson([0, 45, 180], [10, 50, 200])
    assert share.tolist() == [0, 0.9, 0.9]
    np.testing.assert_allclose(lower, [0, 0.78640, 0.85059], atol=5e-6)
    np.testing.assert_allclose(upper, [0.27753, 0.95652, 0.93433], atol=5e-6)


def test_poisson_intervals_of_the_reference():
    rate, lower, upper = poisson_rate([7, 0], [41_200, 20_000], per=10_000)
    np.testing.assert_allclose(rate, [1.699, 0], atol=5e-4)
    np.testing.assert_allclose(lower, [0.683, 0], atol=5e-4)
    np.testing.assert_allclose(upper, [3.501, 1.844], atol=5e-4)


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (3, 17), (999, 1000), (50_000, 100_000)])
def test_wilson_agrees_with_scipy(k, n):
    theirs = binomtest(k, n).proportion_ci(method="wilson")
    np.testing.assert_allclose(wilson(k, n)[1:], theirs, atol=1e-12)


@pytest.mark.parametrize("k", [1, 2, 30, 4000])
def test_the_ends_of_a_poisson_interval_leave_one_in_forty_outside(k):
    _, lower, upper = poisson_rate(k, 1)
    assert poisson.sf(k - 1, lower) == pytest.approx(0.025)
    assert poisson.cdf(k, upper) == pytest.approx(0.025)


def test_none_and_all_are_exact_ends():
    assert wilson([0, 7, 41], [3, 7, 41]).lower[0] == 0
    assert wilson([0, 7, 41], [3, 7, 41]).upper.tolist()[1:] == [1, 1]


def test_nothing_to_divide_by_gives_nothing():
    assert np.isnan(wilson(0, 0)).all()
    assert np.isnan(poisson_rate([0, 3], [0, 0])).all()
    assert np.isnan(wilson([np.nan, 1], [5, np.nan])).all()


def test_impossible_counts_are_refused():
    with pytest.raises(ValueError, match="between 0 and n"):
        wilson(6, 5)
    with pytest.raises(ValueError, match="zero or more"):
        poisson_rate(-1, 5)


def test_the_difference_of_two_shares_as_published():
    # Newcombe (1998), table II, method 10: 56/70 − 48/80, 9/10 − 3/10, 10/10 − 0/10
    value, lower, upper = difference([56, 9, 10], [70, 10, 10], [48, 3, 0], [80, 10, 10])
    np.testing.assert_allclose(value, [0.2, 0.6, 1.0])
    np.testing.assert_allclose(lower, [0.0524, 0.1705, 0.6075], atol=5e-5)
    np.testing.assert_allclose(upper, [0.3339, 0.8090, 1.0], atol=5e-5)


def test_a_difference_to_nothing_is_unknown():
    assert np.isnan(difference(3, 10, 0, 0)).all()
