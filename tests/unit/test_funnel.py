"""Funnel limits: the reference's vector, over-dispersion, and who lies outside."""

import numpy as np
import pytest
from scipy.special import pdtr

from dashboard.domain.funnel import (
    binomial_limits,
    dispersion,
    funnel,
    outside_by_score,
    outside_limits,
    poisson_limits,
    poisson_scores,
    ratio_limits,
    widened,
)


@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (50, (0.60086, 0.67291, 0.89560, 0.94522)),
        (200, (0.70603, 0.74065, 0.85158, 0.88015)),
        (1000, (0.75957, 0.77442, 0.82400, 0.83772)),
    ],
)
def test_the_limits_of_the_reference(n, expected):
    outer, inner = binomial_limits(n, 0.8, 0.998), binomial_limits(n, 0.8, 0.95)
    assert [round(float(x), 5) for x in (outer.low, inner.low, inner.high, outer.high)] == list(expected)


def test_limits_of_many_at_once_narrow_with_n_and_stay_shares():
    n = np.arange(0, 3000)
    low, high = binomial_limits(n, 0.07)
    assert np.isnan(low[0]) and np.isnan(high[0])
    assert ((low[1:] >= 0) & (high[1:] <= 1) & (low[1:] <= high[1:])).all()
    assert high[2999] - low[2999] < high[100] - low[100]
    np.testing.assert_array_equal(binomial_limits([10, 10], 0.0).high, [0, 0])
    with pytest.raises(ValueError, match="between 0 and 1"):
        binomial_limits(10, 1.2)


def test_over_dispersion_is_not_made_by_the_few_that_are_to_be_found():
    z = np.array([*np.linspace(-1.5, 1.5, 19), 40.0])
    assert dispersion(z) == 1.0
    assert dispersion(3 * np.linspace(-1.5, 1.5, 20)) == pytest.approx(
        np.mean(np.clip(3 * np.linspace(-1.5, 1.5, 20), -3.6, 3.6) ** 2), rel=1e-12
    )
    assert dispersion([9.0, -9.0, 9.0, np.nan]) == 1.0  # of three nothing is concluded


def test_widening_goes_by_the_root_and_stays_a_share():
    low, high = widened(binomial_limits([200], 0.8), 0.8, 4.0)
    assert low[0] == pytest.approx(0.8 - 2 * (0.8 - 0.70603), abs=2e-5)
    assert high[0] == pytest.approx(0.8 + 2 * (0.88015 - 0.8), abs=2e-5)
    assert widened(binomial_limits([50], 0.8), 0.8, 9.0).high[0] == 1.0


def test_one_that_differs_lies_outside_and_one_of_few_contacts_never_does():
    over, under = np.full(20, 80.0), np.full(20, 100.0)
    over[::2], over[1::2] = 78, 82
    over[3], over[7], under[7] = 40, 0, 49
    found = funnel(over, under)
    assert found.side[3] == -1 and found.side[7] == 0 and np.count_nonzero(found.side) == 1
    assert funnel([0, 0], [0, 0]).side.tolist() == [0, 0]
    with pytest.raises(ValueError, match="none and all"):
        funnel([3], [2])


def test_scores_without_a_value_are_inside():
    assert outside_by_score([0.1, -0.2, 0.3, -0.4, 0.2, -0.1, 0.3, -0.3, 9.0, np.nan]).tolist() == [0] * 8 + [1, 0]


def test_limits_of_counts_hold_what_they_promise():
    """Interpolated quantiles of the Poisson distribution, as multiples of what is expected."""
    low, high = poisson_limits(100.0, 0.95)
    # P(X ≤ 80) = 0.0226, P(X ≤ 81) = 0.0283: 0.025 lies between; P(X ≤ 119) = 0.9721, P(X ≤ 120) = 0.9773
    assert 0.80 < low < 0.81 and 1.19 < high < 1.20
    for expected in (0.5, 3.0, 20.0, 500.0, 20_000.0):
        outer, inner = poisson_limits(expected), poisson_limits(expected, 0.95)
        assert 0 <= outer.low <= inner.low <= 1 <= inner.high <= outer.high
        first = float(np.ceil(inner.low * expected))
        inside = pdtr(np.floor(inner.high * expected), expected) - (pdtr(first - 1, expected) if first else 0)
        assert inside > 0.9
    many = poisson_limits(np.array([0.0, 10.0, 100.0, 1000.0]))
    assert np.isnan(many.low[0]) and np.isnan(many.high[0])
    assert (np.diff(many.low[1:]) > 0).all() and (np.diff(many.high[1:]) < 0).all()
    with pytest.raises(ValueError, match="level"):
        poisson_limits(10.0, 1.0)


def test_as_many_routes_lie_outside_as_the_level_says():
    rng = np.random.default_rng(4)
    expected = rng.uniform(10, 200, 40_000)
    ratio = rng.poisson(expected) / expected
    low, high = poisson_limits(expected, 0.95)
    assert np.mean((ratio < low) | (ratio > high)) == pytest.approx(0.05, abs=0.01)


def test_limits_of_ratios_are_widened_as_roots_are():
    expected = np.array([20.0, 100.0, 400.0])
    plain, wide = poisson_limits(expected), ratio_limits(expected, 4.0)
    np.testing.assert_allclose(ratio_limits(expected, 1.0), plain)
    for end, wider in zip(plain, wide, strict=True):
        np.testing.assert_allclose(np.sqrt(wider) - 1, 2 * (np.sqrt(end) - 1))  # √φ = 2
    # About 2 × (√count − √expected) within 2 × 3.09.
    reach = 2 * (np.sqrt(wide.high * expected) - np.sqrt(expected))
    np.testing.assert_allclose(reach[1:], 2 * 3.09, rtol=0.06)


def test_what_lies_outside_is_what_is_drawn_outside():
    limits = ratio_limits(np.array([100.0, 100.0, 100.0, 100.0]), 2.0)
    ratios = np.array([limits.high[0] + 0.01, 1.0, limits.low[0] - 0.01, np.nan])
    assert outside_limits(ratios, limits).tolist() == [1, 0, -1, 0]


def test_twice_the_difference_of_roots_varies_by_one_whatever_is_expected():
    rng = np.random.default_rng(5)
    for expected in (10, 50, 400):
        assert poisson_scores(rng.poisson(expected, 40_000), expected).std() == pytest.approx(1, abs=0.03)
    assert poisson_scores(25, 16) == 2.0
