"""The expected range and what rises above it: the vectors of measures A13."""

from datetime import date

import numpy as np
import pytest
from scipy.stats import nbinom, poisson

from dashboard.domain.expected import (
    Days,
    Expected,
    dispersion,
    ears,
    expected_days,
    negative_binomial_quantile,
    surges,
    usual_profile,
    weekdays,
)

MONDAY = date(2024, 1, 1)


def days_of(counts, *, first_on=MONDAY, event=(), closed=(), unknown=()) -> Days:
    counts = np.asarray(counts, float)

    def flags(positions):
        return np.isin(np.arange(len(counts)), list(positions))

    return Days(first_on, counts, flags(event), flags(closed), flags(unknown))


@pytest.mark.parametrize(("probability", "count"), [(0.99, 101), (0.999, 118)])
def test_the_negative_binomial_quantiles_of_the_reference(probability, count):
    assert negative_binomial_quantile(60, 20, probability) == count


def test_a_poisson_threshold_would_alarm_constantly():
    assert poisson.ppf(0.99, 60) == 79
    assert negative_binomial_quantile(60, np.inf, 0.99) == 79


@pytest.mark.parametrize("k", [0.7, 20.0, np.inf])
@pytest.mark.parametrize("share", [0.95, 0.999])
def test_a_range_holds_the_counts_between_its_ends(k, share):
    mu, counts = (part.ravel() for part in np.meshgrid([0.0, 0.3, 4.0, 60.0], np.arange(-1.0, 200.0)))
    expected = Expected(mu, k)
    low, high = expected.range(share)
    assert (expected.holds(counts, share) == ((counts >= low) & (counts <= high))).all()


def test_nothing_expected_is_a_range_of_nothing():
    assert negative_binomial_quantile([0.0, 60.0], 20, 0.99).tolist() == [0, 101]


@pytest.mark.parametrize("k", [0.05, 0.3, 1, 2.5, 20, 500, 1e5, np.inf])
@pytest.mark.parametrize("probability", [0.001, 0.025, 0.5, 0.9, 0.975, 0.999])
def test_quantiles_are_those_of_the_distributions(k, probability):
    mu = np.geomspace(1e-6, 5000, 1000)
    known = poisson.ppf(probability, mu) if np.isinf(k) else nbinom.ppf(probability, k, k / (k + mu))
    assert negative_binomial_quantile(mu, k, probability).tolist() == known.tolist()


SERIES = (100, 96, 104, 99, 101, 103, 97, 98, 102, 160)


@pytest.mark.parametrize(("lag", "score"), [(0, 22.539), (2, 20.380)])
def test_the_ears_vectors_of_the_reference(lag, score):
    assert ears(SERIES, lag) == pytest.approx(score, abs=1e-3)


def test_ears_says_nothing_without_seven_days_or_without_spread():
    assert np.isnan(ears(SERIES[:7]))
    assert np.isnan(ears([5] * 9))


def test_dispersion_is_fitted_by_moments():
    mu = np.full(4, 10.0)
    counts = np.array([0.0, 20.0, 0.0, 20.0])  # squares 100, mean 10: 1/k = 90 / 100
    assert dispersion(counts, mu) == pytest.approx(100 / 90)
    assert dispersion(mu, mu) == np.inf


def test_two_in_a_row_or_a_growing_sum_are_a_surge_but_one_high_interval_is_not():
    usual = Expected(np.full(8, 60.0), 20.0)  # standard deviation 15.5, 99.9 % at 118
    one = np.array([60, 60, 119, 60, 60, 60, 60, 60.0])
    two = np.array([60, 60, 119, 119, 60, 60, 60, 60.0])
    assert surges(one, usual).tolist() == [False] * 8
    assert np.flatnonzero(surges(two, usual)).tolist() == [2, 3]
    creeping = np.array([60, 90, 90, 90, 90, 60, 60, 60.0])  # z = 1.94 each, 1.44 after the slack
    assert np.flatnonzero(surges(creeping, usual)).tolist() == [3]


def test_an_unknown_interval_ends_a_run_and_is_no_surge():
    usual = Expected(np.full(3, 60.0), 20.0)
    assert not surges(np.array([119, np.nan, 119.0]), usual).any()


def test_weekday_and_level_are_found_again():
    shape = np.array([1.2, 1.1, 1.0, 1.0, 0.9, 0.5, 0.2])
    mu = 200 * shape[weekdays(MONDAY, 400)]
    found = expected_days(days_of(np.round(mu)), ahead=7)
    assert found is not None
    assert found.mu == pytest.approx(np.append(mu, mu[1:8]) if len(mu) % 7 else mu, rel=0.02)


def test_two_years_bring_the_season():
    at = np.arange(900)
    mu = 100 * np.exp(0.4 * np.sin(2 * np.pi * at / 365.25))
    found = expected_days(days_of(np.round(mu)), ahead=90)
    ahead = 100 * np.exp(0.4 * np.sin(2 * np.pi * np.arange(900, 990) / 365.25))
    assert found is not None
    assert found.mu[900:] == pytest.approx(ahead, rel=0.1)


def test_events_gaps_and_closed_days_teach_nothing_about_usual_days():
    counts = np.full(120, 50.0)
    counts[[10, 20, 30]] = 5  # closed
    counts[40] = 0  # nothing was received
    counts[50:53] = 400  # a storm
    found = expected_days(days_of(counts, closed=(10, 20, 30), unknown=(40,), event=(50, 51, 52)))
    assert found is not None
    assert found.mu[40] == pytest.approx(50, rel=0.01)
    assert found.mu[50] == pytest.approx(50, rel=0.01)
    assert found.mu[10] == pytest.approx(5, rel=0.01)


def test_a_storm_nobody_told_of_is_left_out_of_the_second_fit():
    counts = np.full(120, 50.0)
    counts[50:52] = 500
    found = expected_days(days_of(counts))
    assert found is not None
    assert found.mu[60] == pytest.approx(50, rel=0.01)


def test_nothing_is_expected_with_less_than_eight_weeks():
    assert expected_days(days_of(np.full(55, 50.0))) is None


def test_a_profile_spreads_each_days_total_as_on_the_groups_usual_days():
    grid = np.array([[10.0, 20], [12, 24], [90, 90], [1, 2], [5, 5]])
    totals = np.array([33.0, 33, 66, 3, 0])
    usual = np.array([True, True, False, True, False])
    found = usual_profile(grid, totals, np.array([0, 0, 0, 1, 2]), usual)
    assert found.mu == pytest.approx(np.array([[11, 22], [11, 22], [22, 44], [1, 2], [0, 0]]))
