"""How many are expected: the usual range of counts by weekday, level and season, and what rises above it.

Pure: counts in, numbers out. Counts vary more than Poisson's, so the range is a negative binomial's, whose spread is
fitted on what the model leaves over. Source: measures reference, A13 and F.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, nbdtrik, pdtr, pdtrik

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

FEWEST_DAYS = 56
"""Eight weeks: with fewer usual days nothing is expected (measures F, minimum history)."""
TWO_YEARS = 730
LEVEL_DAYS = 182
"""The slow level bends at most every half-year, so that a bad month is not taken for a new normal."""
YEAR_DAYS = 365.25
SURE = 0.999
"""A count above this quantile is more than usual; two in a row are a surge."""
CUSUM_SLACK, CUSUM_LIMIT = 0.5, 4.0


@dataclass(frozen=True)
class Days:
    """The counts of consecutive civil days from `first_on`, and which of them say little about a usual day.

    All arrays are as long as `counts`. `is_event` are the days of storms and the like, `is_closed` holidays and other
    days on which the city stays shut, `is_unknown` days about which there is no data: those are never a zero.
    """

    first_on: date
    counts: Numbers
    is_event: Flags
    is_closed: Flags
    is_unknown: Flags

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def is_usual(self) -> Flags:
        """The days to learn from: neither special nor the day after the city was closed."""
        return ~(self.is_event | self.is_closed | self.is_unknown | _after(self.is_closed))

    def first(self, number: int) -> Days:
        """The first `number` days: what was known at the end of them."""
        parts = ("counts", "is_event", "is_closed", "is_unknown")
        return replace(self, **{name: getattr(self, name)[:number] for name in parts})

    def on(self, position: int) -> date:
        """The civil day at `position`, which may lie after the last one."""
        return self.first_on + timedelta(days=int(position))


def weekdays(first_on: date, number: int) -> npt.NDArray[np.int64]:
    """The weekdays of `number` consecutive days, Monday = 0."""
    return (first_on.weekday() + np.arange(number)) % 7


class Expected(NamedTuple):
    """What is expected of each interval: its mean `mu` and the spread `k` (Var = μ + μ²/k; infinite: Poisson)."""

    mu: Numbers
    k: float

    def quantile(self, probability: float) -> Numbers:
        """The count that is not exceeded with this probability."""
        return negative_binomial_quantile(self.mu, self.k, probability)

    def range(self, share: float = 0.95) -> tuple[Numbers, Numbers]:
        """Between which counts this share of usual intervals lies."""
        return self.quantile((1 - share) / 2), self.quantile((1 + share) / 2)

    def holds(self, counts: Numbers, share: float) -> Flags:
        """Which counts lie in `range(share)`: the same as comparing with its ends, and quicker than finding them."""
        low, high = (1 - share) / 2, (1 + share) / 2
        return (self._reached(counts) >= low) & (self._reached(counts - 1) < high)

    def _reached(self, counts: Numbers) -> Numbers:
        """The probability of at most so many."""
        mu = np.maximum(self.mu, 0.0)
        if np.isinf(self.k):
            return np.where(counts < 0, 0.0, pdtr(np.maximum(counts, 0), mu))
        part = self.k / (self.k + np.maximum(mu, 1e-12))
        at_most = betainc(self.k, np.maximum(counts, 0) + 1.0, part)
        return np.where(counts < 0, 0.0, np.where(mu > 0, at_most, 1.0))

    def scores(self, counts: Numbers) -> Numbers:
        """How many standard deviations each count lies above its mean; 0 where nothing is expected."""
        deviation = np.sqrt(self.mu + self.mu**2 / self.k)
        return np.divide(counts - self.mu, deviation, out=np.zeros_like(deviation), where=deviation > 0)


def negative_binomial_quantile(mu: npt.ArrayLike, k: float, probability: float) -> Numbers:
    """The smallest count whose cumulated probability reaches `probability`, for mean `mu` and variance μ + μ²/k.

    Source: measures reference, A13. μ = 60, k = 20: 101 at 99 %; Poisson's would be 79.
    """
    mean = np.maximum(np.asarray(mu, float), 1e-12)
    part = k / (k + mean) if np.isfinite(k) else np.ones_like(mean)
    near = pdtrik(probability, mean) if np.isinf(k) else nbdtrik(probability, k, part)
    count = np.ceil(np.nan_to_num(near))  # which a rounding may have put one too high or too low
    fewer = np.maximum(count - 1, 0.0)

    def reached(counts: Numbers) -> Flags:
        return (pdtr(counts, mean) if np.isinf(k) else betainc(k, counts + 1.0, part)) >= probability

    told = np.where(reached(fewer), fewer, np.where(reached(count), count, count + 1))
    return np.where(np.asarray(mu) > 0, told, 0.0)


def dispersion(counts: Numbers, mu: Numbers, parameters: int = 0) -> float:
    """The spread k by moments, 1/k = Σ((y − μ)² − μ) / Σμ²; infinite where counts vary no more than Poisson's.

    `parameters` were spent on `mu`: the squares are scaled up for them. Source: measures reference, A13.
    """
    n = len(counts)
    scale = n / max(n - parameters, 1)
    over, under = float((scale * (counts - mu) ** 2 - mu).sum()), float((mu**2).sum())
    return under / over if over > 0 and under > 0 else np.inf


def expected_days(days: Days, ahead: int = 0, is_closed_ahead: Flags | None = None) -> Expected | None:
    """What is expected of each of `days` and of so many days `ahead`; None if there are too few usual days to tell.

    A log-linear mean: weekday × a slow level × the season of the year where two years are known, fitted as Poisson
    regression on usual days, once more without those far outside the first fit. Ahead the level stays where it ended.
    Closed days and the days after them are expected to be as quiet and as busy as those before them (`as_closed`).
    Source: measures reference, A13 and F.
    """
    usual = days.is_usual
    if usual.sum() < FEWEST_DAYS:
        return None
    design = _design(days, ahead, usual)
    n = len(days)
    mu, kept = np.zeros(n + ahead), usual
    for _ in range(2):
        mu = np.exp(np.clip(design @ _fitted(design[:n][kept], days.counts[kept]), -20, 20))
        k = dispersion(days.counts[kept], mu[:n][kept], design.shape[1])
        inside = usual & Expected(mu[:n], k).holds(days.counts, 0.999)
        if inside.sum() < 0.9 * usual.sum():
            break
        kept = inside
    spread = dispersion(days.counts[kept], mu[:n][kept], design.shape[1])
    return Expected(as_closed(days, mu, np.zeros(ahead, bool) if is_closed_ahead is None else is_closed_ahead), spread)


def as_closed(days: Days, usual: Numbers, is_closed_ahead: Flags) -> Numbers:
    """The `usual` counts of `days` and of the days ahead, on closed days and on the days after them as those were.

    Both are shares of what usual days would have brought: the sum that came over the sum that was usual. A share that
    fewer than three days tell is taken for 1.
    """
    n = len(days)
    is_closed = np.concatenate([days.is_closed, is_closed_ahead])
    is_ordinary = ~(days.is_event | days.is_unknown)
    found = usual.copy()
    for kind in (is_closed, _after(is_closed)):
        known = kind[:n] & is_ordinary
        expected = float(usual[:n][known].sum())
        if known.sum() >= 3 and expected > 0:
            found[kind] *= float(days.counts[known].sum()) / expected
    return found


def _after(is_closed: Flags) -> Flags:
    """The first open day after each closed one."""
    found = np.zeros(len(is_closed), bool)
    found[1:] = is_closed[:-1] & ~is_closed[1:]
    return found


def _design(days: Days, ahead: int, usual: Flags) -> Numbers:
    """Columns: seven weekdays, the slow level's bends, the season's two waves."""
    n = len(days)
    at = np.arange(n + ahead, dtype=float)
    columns = [(weekdays(days.first_on, n + ahead) == day).astype(float) for day in range(7)]
    # The level is a line between knots, flat after the last day; the first knot is the weekdays' own.
    bends = max(1, round(n / LEVEL_DAYS)) if n >= LEVEL_DAYS else 0
    knots = np.linspace(0, n - 1, bends + 1) if bends else np.zeros(1)
    for i in range(1, len(knots)):
        heights = np.zeros(len(knots))
        heights[i] = 1.0
        columns.append(np.interp(at, knots, heights))
    if usual.sum() >= 0.9 * TWO_YEARS and n >= TWO_YEARS:
        turn = 2 * np.pi * (at + days.first_on.timetuple().tm_yday) / YEAR_DAYS
        columns += [wave(times * turn) for times in (1, 2) for wave in (np.sin, np.cos)]
    return np.column_stack(columns)


def _fitted(design: Numbers, counts: Numbers, rounds: int = 12) -> Numbers:
    """Coefficients of a Poisson regression with a log link, by iteratively reweighted least squares.

    A trace of ridge keeps weekdays on which nothing ever happens finite.
    """
    eta = np.log(counts + 0.5)
    ridge = 1e-4 * np.eye(design.shape[1])
    coefficients = np.zeros(design.shape[1])
    for _ in range(rounds):
        mu = np.exp(np.clip(eta, -20, 20))
        weighted = design * mu[:, None]
        found = np.linalg.solve(design.T @ weighted + ridge, weighted.T @ (eta + (counts - mu) / mu))
        done = np.abs(found - coefficients).max() < 1e-6
        coefficients, eta = found, design @ found
        if done:
            break
    return coefficients


def usual_profile(grid: Numbers, totals: Numbers, groups: npt.NDArray[np.int64], is_usual: Flags) -> Expected:
    """What is expected of each interval of each day: the day's expected total, spread as on its group's usual days.

    `grid` has a row per day and a column per interval, `totals` is what is expected of each day, `groups` the group of
    each day (its weekday). The answer has the grid's shape, 0 where the group has no usual day: a weekday on which the
    line is always closed. Source: measures reference, A13 and F (daily total × profile by weekday).
    """
    mu = np.zeros(grid.shape)
    spent = 0
    for group in np.unique(groups):
        known = (groups == group) & is_usual
        if (expected := totals[known].sum()) > 0:
            mu[groups == group] = np.outer(totals[groups == group], grid[known].sum(axis=0) / expected)
            spent += grid.shape[1]
    some = grid[is_usual].ravel(), mu[is_usual].ravel()
    return Expected(mu, dispersion(*some, spent) if len(some[0]) else np.inf)


# ── What rises above it ──


def surges(counts: Numbers, expected: Expected) -> Flags:
    """Which intervals surge: two in a row above the 99.9 % quantile, or a CUSUM above 4 that this one drives up.

    After an alarm the sum begins anew, so that a surge does not outlast itself. Unknown counts are NaN and end a run.
    Source: measures reference, A13.
    """
    known = np.isfinite(counts) & np.isfinite(expected.mu)
    mu = np.where(known, expected.mu, 0.0)
    high = known & (np.where(known, counts, 0.0) > Expected(mu, expected.k).quantile(SURE))
    pair = high[1:] & high[:-1]
    found = np.zeros(len(counts), bool)
    found[1:] |= pair
    found[:-1] |= pair
    scores = Expected(mu, expected.k).scores(np.where(known, counts, mu))
    total = 0.0
    for i, score in enumerate(scores):
        total = max(0.0, total + score - CUSUM_SLACK) if known[i] else 0.0
        if total > CUSUM_LIMIT:
            found[i] |= score > CUSUM_SLACK
            total = 0.0
    return found


def ears(values: npt.ArrayLike, lag: int = 0) -> float:
    """How many standard deviations the last value lies above the mean of the seven days before it, `lag` days back.

    `lag` 0 is the CDC's EARS C1, 2 is C2; from 3 on it is an alert. A fallback where there is too little history for
    a model; weekday effects must be gone. NaN with too few days, or seven equal ones. Source: measures reference, A13.
    """
    known = np.asarray(values, float)
    end = len(known) - 1 - lag
    if end < 7:
        return float("nan")
    base = known[end - 7 : end]
    deviation = base.std(ddof=1)
    return float((known[-1] - base.mean()) / deviation) if deviation > 0 else float("nan")
