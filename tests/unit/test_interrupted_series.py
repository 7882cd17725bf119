"""Interrupted series: what was put in comes out, season is not taken for a break, and too little is not told."""

import numpy as np
import pytest

from dashboard.domain.interrupted_series import FEWEST_COUNTS, interrupted_series
from dashboard.domain.poisson_regression import fit_poisson


def made(before: int, after: int, *, level: float = 0.0, slope: float = 0.0, trend: float = 0.0, season: float = 0.0,
         year: float = 12):  # fmt: skip
    t = np.arange(-before, after).astype(float)
    later = t >= 0
    log_rate = trend * t + np.where(later, level + slope * t, 0) + season * np.sin(2 * np.pi * t / year)
    exposure = 100 + np.arange(len(t)).astype(float)
    return exposure * np.exp(log_rate), exposure, t


def test_a_break_without_noise_is_found_as_it_was_made():
    counts, exposure, t = made(36, 24, level=-0.6, slope=0.02, trend=0.01, season=0.4)
    found = interrupted_series(counts, exposure, t, 12)
    assert found.has_season and found.dispersion == pytest.approx(0, abs=1e-12)
    assert found.level.value == pytest.approx(np.exp(-0.6)) and found.slope.value == pytest.approx(np.exp(0.02))
    assert found.fitted == pytest.approx(counts)
    plain, _, _ = made(36, 24, trend=0.01, season=0.4)
    assert found.without == pytest.approx(plain)
    assert found.overall.value == pytest.approx(counts[36:].sum() / plain[36:].sum())
    assert found.overall.low < found.overall.value < found.overall.high < 1


def test_with_a_level_alone_the_overall_effect_is_as_sure_as_its_gradient_says():
    # Where the slopes are nothing the overall ratio is the mean of level and slope, by hand with the covariance.
    counts, exposure, t = made(24, 12, level=-0.3)
    exposure[:] = 100.0
    counts = 100 * np.exp(np.where(t >= 0, -0.3, 0.0))
    found = interrupted_series(counts, exposure, t, 99)  # no season
    assert not found.has_season
    design = np.column_stack([np.ones(36), t, t >= 0, np.where(t >= 0, t, 0)]).astype(float)
    covariance = fit_poisson(design, counts, exposure).covariance
    gradient = np.array([0, 0, 1, t[t >= 0].mean()])
    error = np.log(found.overall.high / found.overall.value)
    assert error == pytest.approx(2.0369333 * np.sqrt(gradient @ covariance @ gradient))  # t, 32 degrees of freedom


def test_season_is_no_break():
    """Half a year of weeks after two years: the model that knows no season takes the summer for the change's doing."""
    rng = np.random.default_rng(3)
    broken = {True: 0, False: 0}
    for _ in range(60):
        mean, exposure, t = made(104, 26, season=0.6, year=52)
        counts = rng.poisson(mean).astype(float)
        for knows_season in broken:
            found = interrupted_series(counts, exposure, t, 52 if knows_season else 99)
            assert found.has_season is knows_season
            broken[knows_season] += not found.overall.low < 1 < found.overall.high
    assert broken[True] <= 6 < 30 < broken[False]


def test_where_nothing_broke_most_intervals_hold_one():
    rng = np.random.default_rng(311)
    held = 0
    for _ in range(400):
        mean, exposure, t = made(24, 14, trend=0.01, season=0.3)
        found = interrupted_series(rng.poisson(mean).astype(float), exposure, t, 12)
        held += found.overall.low < 1 < found.overall.high
    assert 0.92 <= held / 400 <= 0.99


def test_too_short_or_too_few_is_not_told():
    counts, exposure, t = made(12, 12)
    assert interrupted_series(counts, exposure, t, 12) is not None
    assert interrupted_series(*made(11, 24), 12) is None
    assert interrupted_series(*made(24, 11), 12) is None
    few = counts * (FEWEST_COUNTS - 1) / counts[:12].sum()
    assert interrupted_series(few, exposure, t, 12) is None
    gap = exposure.copy()
    gap[3] = 0  # a month without data is not a month with nothing in it
    assert interrupted_series(np.where(gap > 0, counts, 0), gap, t, 12) is None


def test_a_step_without_data_is_left_out():
    counts, exposure, t = made(24, 14, level=0.5)
    gap = exposure.copy()
    gap[5] = 0
    found = interrupted_series(np.where(gap > 0, counts, 0), gap, t, 12)
    assert found.level.value == pytest.approx(np.exp(0.5)) and found.fitted[5] == 0
