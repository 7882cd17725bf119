"""How many will come: forecasts of daily counts, and how wrong they would have been.

Every method is tested from the same past days on, knowing only what was known then; a method is used only if it beats
last week's numbers. Pure. Source: measures reference, F.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dashboard.domain.expected import FEWEST_DAYS, Days, Flags, Numbers, as_closed, expected_days, weekdays

HORIZON = 28
ORIGINS = 13
ENOUGH_ORIGINS = 12
"""A back-test from fewer starting days is told to be short (measures F)."""
SAME_WEEKDAYS = 8
SHARE = 0.8
"""The forecast's range is to hold this share of the days."""
FEWEST_ERRORS = 20

Method = Callable[[Days, int, Flags], Numbers]
"""``(days, ahead, is_closed_ahead) → means`` of the days ahead."""


# ── Methods ──


def seasonal_naive(days: Days, ahead: int, is_closed_ahead: Flags) -> Numbers:
    """Each day as the last usual one of its weekday: the baseline to beat."""
    return _of_same_weekdays(days, ahead, is_closed_ahead, 1)


def seasonal_mean(days: Days, ahead: int, is_closed_ahead: Flags) -> Numbers:
    """Each day as the mean of the last eight usual ones of its weekday."""
    return _of_same_weekdays(days, ahead, is_closed_ahead, SAME_WEEKDAYS)


def by_season(days: Days, ahead: int, is_closed_ahead: Flags) -> Numbers:
    """Weekday × level × season of the year, as the expected range has it."""
    model = expected_days(days, ahead, is_closed_ahead)
    return seasonal_mean(days, ahead, is_closed_ahead) if model is None else model.mu[len(days) :]


BASELINE = "seasonal naive"
METHODS: Mapping[str, Method] = {
    BASELINE: seasonal_naive,
    "mean of eight same weekdays": seasonal_mean,
    "weekday, level and season": by_season,
}


def _of_same_weekdays(days: Days, ahead: int, is_closed_ahead: Flags, number: int) -> Numbers:
    n = len(days)
    weekday = weekdays(days.first_on, n + ahead)
    usual = days.is_usual
    means = np.array([_mean_of_last(days.counts[usual & (weekday[:n] == day)], number) for day in range(7)])
    return as_closed(days, means[weekday], is_closed_ahead)[n:]


def _mean_of_last(counts: Numbers, number: int) -> float:
    return float(counts[-number:].mean()) if len(counts) else 0.0


# ── How wrong ──


def wape(actual: npt.ArrayLike, forecast: npt.ArrayLike) -> float:
    """Σ|error| ÷ Σ actual; NaN if nothing came. Percentages of single days are not used: zeros would break them."""
    y, f = np.asarray(actual, float), np.asarray(forecast, float)
    return float(np.abs(f - y).sum() / y.sum()) if y.sum() > 0 else float("nan")


def bias(actual: npt.ArrayLike, forecast: npt.ArrayLike) -> float:
    """Σ(forecast − actual) ÷ Σ actual: above 0 it says too many."""
    y, f = np.asarray(actual, float), np.asarray(forecast, float)
    return float((f - y).sum() / y.sum()) if y.sum() > 0 else float("nan")


def naive_scale(train: npt.ArrayLike, season: int = 7) -> float:
    """The mean error that last week's numbers make on the days they were trained on."""
    y = np.asarray(train, float)
    return float(np.abs(y[season:] - y[:-season]).mean()) if len(y) > season else float("nan")


def mase(actual: npt.ArrayLike, forecast: npt.ArrayLike, train: npt.ArrayLike, season: int = 7) -> float:
    """The mean absolute error in units of `naive_scale` (Hyndman and Koehler)."""
    error = float(np.abs(np.asarray(forecast, float) - np.asarray(actual, float)).mean())
    scale = naive_scale(train, season)
    return error / scale if scale > 0 else float("nan")


def pinball(actual: npt.ArrayLike, quantile: npt.ArrayLike, probability: float) -> float:
    """The mean loss of a forecast quantile: missing on the dear side costs more."""
    over = np.asarray(actual, float) - np.asarray(quantile, float)
    return float(np.maximum(probability * over, (probability - 1) * over).mean())


def winkler(actual: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike, share: float = SHARE) -> float:
    """The mean width of a range, plus a fine of 2 ÷ (1 − share) for each unit a day lies outside it."""
    y, a, b = (np.asarray(part, float) for part in (actual, low, high))
    fine = 2 / (1 - share)
    return float((b - a + fine * np.maximum(a - y, 0) + fine * np.maximum(y - b, 0)).mean())


def coverage(actual: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike) -> float:
    """The share of days that lie inside their range."""
    y, a, b = (np.asarray(part, float) for part in (actual, low, high))
    return float(((y >= a) & (y <= b)).mean()) if len(y) else float("nan")


# ── Back-test and forecast ──


class Trial(NamedTuple):
    """How one method did, over all origins: errors, share of origins on which it beat the baseline, its range.

    `wins` is None for the baseline itself. `coverage`, `winkler` and `pinball` (mean of the two ends) are of the range
    each origin would have been given by the errors of the others.
    """

    name: str
    wape: float
    mase: float
    bias: float
    wins: float | None
    coverage: float
    winkler: float
    pinball: float


@dataclass(frozen=True)
class Forecast:
    """The days after the last one: means, the range for each, the total with its own range, and how it was chosen.

    `total_low` and `total_high` come from the back-test's totals: a sum's range is not the sum of the days' ranges.
    They are None where too few origins were tried. `is_better` tells whether the method used beats the baseline.
    """

    mean: Numbers
    low: Numbers
    high: Numbers
    total: float
    total_low: float | None
    total_high: float | None
    used: Trial
    trials: tuple[Trial, ...]
    origins: int

    @property
    def is_better(self) -> bool:
        """Whether the method used is more than the baseline."""
        return self.used.name != BASELINE


def forecast(days: Days, is_closed_ahead: Flags) -> Forecast | None:
    """Forecast the days after the last of `days`; None if there is too little history to test it from one origin.

    Rolling origin, 28 days apart, expanding window, refitted at each, the same origins for all methods. A method is
    used if its MASE is below the baseline's on two thirds of the origins, the one with the smallest WAPE of those;
    otherwise the baseline is. Event days are left out of training but not out of the test: storms come unannounced.
    """
    horizon, n = len(is_closed_ahead), len(days)
    origins = min(ORIGINS, (n - FEWEST_DAYS) // horizon)
    ends = [n - horizon * back for back in range(origins, 0, -1)]
    if origins < 1 or days.first(ends[0]).is_usual.sum() < FEWEST_DAYS // 2:
        return None
    actual = np.array([days.counts[end : end + horizon] for end in ends])
    known = np.array([~days.is_unknown[end : end + horizon] for end in ends])
    weekday = np.array([weekdays(days.on(end), horizon) for end in ends])
    tried = {
        name: np.array([method(days.first(end), horizon, days.is_closed[end : end + horizon]) for end in ends])
        for name, method in METHODS.items()
    }
    scales = np.array([naive_scale(days.counts[:end][~days.is_unknown[:end]]) for end in ends])
    errors = {name: _mean_error(actual, made, known) for name, made in tried.items()}
    trials = tuple(
        _trial(name, actual, tried[name], known, weekday, errors[name], errors[BASELINE], scales) for name in METHODS
    )
    better = [one for one in trials if one.wins is not None and one.wins >= 2 / 3]
    used = min(better, key=lambda one: one.wape, default=trials[0])
    mean = METHODS[used.name](days, horizon, is_closed_ahead)
    scores = _scores(actual, tried[used.name])
    ahead = weekdays(days.on(n), horizon)
    low, high = _range(mean, ahead, scores[known], weekday[known])
    total_low = total_high = None
    sums = (tried[used.name] * known).sum(axis=1)
    if origins >= ENOUGH_ORIGINS and (sums > 0).all():
        ratios = (actual * known).sum(axis=1) / sums
        total_low, total_high = (float(mean.sum() * q) for q in np.quantile(ratios, ((1 - SHARE) / 2, (1 + SHARE) / 2)))
    return Forecast(mean, low, high, float(mean.sum()), total_low, total_high, used, trials, origins)


def _mean_error(actual: Numbers, made: Numbers, known: Flags) -> Numbers:
    """The mean absolute error of each origin, unknown days left out."""
    return (np.abs(made - actual) * known).sum(axis=1) / np.maximum(known.sum(axis=1), 1)


def _trial(
    name: str, actual: Numbers, made: Numbers, known: Flags, weekday: npt.NDArray, errors: Numbers, base: Numbers,
    scales: Numbers,
) -> Trial:  # fmt: skip
    wins = None if name == BASELINE else float((errors < base).mean())
    lows, highs = np.full(made.shape, np.nan), np.full(made.shape, np.nan)
    scores = _scores(actual, made)
    for i in range(len(made)):
        others = known.copy()
        others[i] = False
        if others.any():
            lows[i], highs[i] = _range(made[i], weekday[i], scores[others], weekday[others])
    held = known & np.isfinite(lows)
    y, low, high = actual[held], lows[held], highs[held]
    told = scales > 0
    in_scales = float((errors[told] / scales[told]).mean()) if told.any() else float("nan")
    ends = (pinball(y, low, (1 - SHARE) / 2), pinball(y, high, (1 + SHARE) / 2)) if held.any() else (np.nan,)
    return Trial(
        name, wape(actual[known], made[known]), in_scales, bias(actual[known], made[known]), wins,
        coverage(y, low, high), winkler(y, low, high) if held.any() else np.nan, float(np.mean(ends)),
    )  # fmt: skip


def _scores(actual: Numbers, made: Numbers) -> Numbers:
    """Errors in units that make large and small days alike."""
    return (actual - made) / np.sqrt(np.maximum(made, 1.0))


def _range(mean: Numbers, weekday: npt.NDArray, scores: Numbers, of: npt.NDArray) -> tuple[Numbers, Numbers]:
    """The range of each day by the quantiles of past errors on its weekday, on all days where those are few."""
    ends = ((1 - SHARE) / 2, (1 + SHARE) / 2)
    low, high = np.zeros(len(mean)), np.zeros(len(mean))
    for day in np.unique(weekday):
        own = scores[of == day]
        a, b = np.quantile(own if len(own) >= FEWEST_ERRORS else scores, ends)
        at = weekday == day
        low[at], high[at] = (np.maximum(0, mean[at] + q * np.sqrt(np.maximum(mean[at], 1.0))) for q in (a, b))
    return low, high
