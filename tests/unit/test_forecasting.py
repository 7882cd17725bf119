"""Forecasts and how wrong they are: the vectors of measures F."""

import numpy as np
import pytest

from dashboard.domain.forecasting import (
    BASELINE,
    HORIZON,
    bias,
    coverage,
    forecast,
    mase,
    naive_scale,
    pinball,
    seasonal_mean,
    seasonal_naive,
    wape,
    winkler,
)
from tests.unit.test_expected import days_of

TRAIN = (100, 120, 130, 125, 140, 60, 50, 104, 118, 133, 129, 138, 64, 47)
ACTUAL = (110, 121, 128, 131, 150, 58, 52)
OPEN = np.zeros(7, bool)


def test_the_seasonal_naive_vector_of_the_reference():
    made = seasonal_naive(days_of(TRAIN), 7, OPEN)
    assert made.tolist() == [104, 118, 133, 129, 138, 64, 47]
    assert np.abs(made - ACTUAL).mean() == pytest.approx(5.571429, abs=5e-7)
    assert naive_scale(TRAIN) == pytest.approx(3.142857, abs=5e-7)
    assert mase(ACTUAL, made, TRAIN) == pytest.approx(1.772727, abs=5e-7)
    assert wape(ACTUAL, made) == pytest.approx(0.052, abs=5e-7)
    assert bias(ACTUAL, made) == pytest.approx(-0.022667, abs=5e-7)


@pytest.mark.parametrize(("probability", "loss"), [(0.9, 1.533333), (0.1, 0.466667)])
def test_the_pinball_vectors_of_the_reference(probability, loss):
    assert pinball([10, 12, 15], 11, probability) == pytest.approx(loss, abs=5e-7)


def test_the_winkler_vector_of_the_reference():
    assert winkler([115], [90], [110], 0.8) == pytest.approx(70)
    assert winkler([100], [90], [110], 0.8) == 20


def test_coverage_counts_the_ends_as_inside():
    assert coverage([90, 111, 100, 80], [90] * 4, [110] * 4) == 0.5


def test_days_that_are_not_usual_are_no_model_for_the_next():
    week = [100, 120, 130, 125, 140, 60, 50]
    days = days_of([*week, *week, 5, *week[1:]], closed=(14,))
    assert seasonal_naive(days, 7, OPEN).tolist() == week
    assert seasonal_mean(days, 7, OPEN).tolist() == week


def test_a_holiday_ahead_is_as_quiet_and_the_day_after_as_busy_as_before():
    counts = np.full(140, 100.0)
    holidays = (14, 42, 70)
    counts[list(holidays)] = 10
    counts[[day + 1 for day in holidays]] = 140
    ahead = np.isin(np.arange(7), [2])
    made = seasonal_mean(days_of(counts, closed=holidays), 7, ahead)
    assert made == pytest.approx([100, 100, 10, 140, 100, 100, 100])


def test_noise_around_a_weekly_shape_is_better_met_by_a_mean_than_by_last_week():
    rng = np.random.default_rng(3)
    shape = np.array([1.2, 1.1, 1.0, 1.0, 0.9, 0.5, 0.2])
    counts = rng.poisson(200 * np.tile(shape, 80)).astype(float)
    found = forecast(days_of(counts), np.zeros(HORIZON, bool))
    assert found is not None
    assert found.is_better
    assert found.origins == 13
    assert 0.7 <= found.used.coverage <= 0.9
    assert found.total_low < found.total < found.total_high
    assert found.total == pytest.approx(4 * 200 * shape.sum(), rel=0.05)
    assert (found.low <= found.mean).all() and (found.mean <= found.high).all()


def test_the_baseline_is_used_where_nothing_beats_it():
    # A level that jumps every four weeks, right when an origin stands: only last week knows where it is.
    level = np.repeat(np.tile([1.0, 3.0], 12), HORIZON)
    shifted = np.roll(level, -7)
    found = forecast(days_of(100 * shifted), np.zeros(HORIZON, bool))
    assert found is not None
    assert found.used.name == BASELINE
    assert all(trial.wins is None or trial.wins < 2 / 3 for trial in found.trials)


def test_there_is_no_forecast_without_history_to_test_it_on():
    assert forecast(days_of(np.full(83, 50.0)), np.zeros(HORIZON, bool)) is None
    short = forecast(days_of(np.full(84, 50.0)), np.zeros(HORIZON, bool))
    assert short is not None
    assert (short.origins, short.total_low) == (1, None)


def test_a_day_without_data_is_no_error():
    counts = np.full(400, 50.0)
    counts[380] = 0
    found = forecast(days_of(counts, unknown=(380,)), np.zeros(HORIZON, bool))
    assert found is not None
    assert found.used.wape == pytest.approx(0, abs=1e-9)
