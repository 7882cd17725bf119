"""Did a series break when something changed? Level and slope before and after, season taken out.

One series only, so whatever else began on the same day is taken for the change: it is held against a comparison
(`difference_in_differences`). Source: measures reference, D3; Lopez Bernal, Cummins and Gasparrini 2017, Interrupted
time series regression for the evaluation of public health interventions: a tutorial, IJE 46.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from dashboard.domain.poisson_regression import Numbers, fit_poisson, newey_west, usual_lag

FEWEST_STEPS = 12
"""So many before the change and as many after it, or nothing is told (measures D3)."""
FEWEST_COUNTS = 30
"""Of fewer on either side no slope can be told."""
WAVES = 2


class Ratio(NamedTuple):
    """How many times as many, with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Break:
    """What the series did at the change. Arrays have a number per step.

    Parameters
    ----------
    level
        The jump at the change, as a ratio.
    slope
        By what the rate grows from step to step after the change, over what it grew by before, as a ratio.
    overall
        All that was counted after the change, over what would have been counted had the series gone on as before.
    fitted, without
        What the model expects of each step, and what it would have expected without the change.
    has_season
        Whether the season of the year is taken out.
    dispersion
        How many times as much as Poisson's the counts vary.
    lag
        How many steps back they were taken to hang together.
    """

    level: Ratio
    slope: Ratio
    overall: Ratio
    fitted: Numbers
    without: Numbers
    has_season: bool
    dispersion: float
    lag: int


def interrupted_series(counts: Numbers, exposure: Numbers, at: Numbers, per_year: float) -> Break | None:
    """Fit level, slope and season; None with fewer than `FEWEST_STEPS` or `FEWEST_COUNTS` before or after the change.

    Parameters
    ----------
    counts, exposure
        (n,) in order of time. A step without exposure says nothing.
    at
        (n,): how many steps each lies after the change; negative before it. Steps may be left out between.
    per_year
        How many steps make a year: the season is taken out where two of them are known, one of these before the change.

    log E[y] = log(exposure) + β₀ + β₁ t + β₂ D + β₃ D t + two waves a year, t in steps since the change. Every interval
    is the wider one of quasi-Poisson's and Newey and West's, with Student's quantile: all of these methods err on the
    narrow side (Turner et al. 2020).
    """
    known = exposure > 0
    y, of, t = counts[known], exposure[known], at[known].astype(float)
    after = t >= 0
    if min(int(after.sum()), int((~after).sum())) < FEWEST_STEPS:
        return None
    if min(y[after].sum(), y[~after].sum()) < FEWEST_COUNTS:
        return None
    has_season = len(t) >= 2 * per_year - 0.5 and float((~after).sum()) >= per_year - 0.5
    columns = _columns(t, after, per_year if has_season else 0.0)
    fit = fit_poisson(columns, y, of)
    if fit is None or len(y) - columns.shape[1] < 2:
        return None
    lag = usual_lag(len(y))
    covariances = (fit.quasi_covariance, newey_west(columns, y, fit, lag))
    quantile = float(stdtrit(len(y) - columns.shape[1], 0.975))

    def told(value: float, gradient: Numbers) -> Ratio:
        error = quantile * max(float(np.sqrt(gradient @ one @ gradient)) for one in covariances)
        return Ratio(float(np.exp(value)), float(np.exp(value - error)), float(np.exp(value + error)))

    unit = np.eye(columns.shape[1])
    beta = fit.coefficients
    every = _columns(at.astype(float), at >= 0, per_year if has_season else 0.0)
    plain = every.copy()
    plain[:, 2:4] = 0.0
    fitted, without = (exposure * np.exp(one @ beta) for one in (every, plain))
    later = (at >= 0) & known
    shares = [values[later] / values[later].sum() for values in (fitted, without)]
    gradient = shares[0] @ every[later] - shares[1] @ plain[later]
    overall = float(np.log(fitted[later].sum() / without[later].sum()))
    return Break(
        told(beta[2], unit[2]), told(beta[3], unit[3]), told(overall, gradient), fitted, without, has_season,
        fit.dispersion, lag,
    )  # fmt: skip


def _columns(t: Numbers, after: np.ndarray, per_year: float) -> Numbers:
    """One, the time, whether it is after the change, the time after it; and the waves of the year, if it has steps."""
    columns = [np.ones(len(t)), t, after.astype(float), np.where(after, t, 0.0)]
    if per_year:
        turn = 2 * np.pi * t / per_year
        columns += [wave(times * turn) for times in range(1, WAVES + 1) for wave in (np.sin, np.cos)]
    return np.column_stack(columns)
