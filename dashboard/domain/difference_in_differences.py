"""What changed where something was done, beyond what changed where nothing was: rates held against a comparison.

Pure: counts and exposures in, ratios with 95 % intervals out. Source: measures reference, D3.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dashboard.domain.intervals import Z_95, direction
from dashboard.domain.poisson_regression import Numbers, fit_poisson

FEWEST = 10
"""A cell of fewer is too few for a rate (measures R5)."""
MANY_UNITS = 20
"""From so many units on each side their own ups and downs tell how sure the effect is."""
DRAWS = 199
"""Draws of a comparison group that is taken apart at random."""
SEED = 311

Flags = npt.NDArray[np.bool_]


class Four(NamedTuple):
    """A number of the treated and of the comparison, before and after: counts, or what they are counted in."""

    treated_before: float
    treated_after: float
    comparison_before: float
    comparison_after: float


class Effect(NamedTuple):
    """A ratio of rates with its 95 % interval, and the standard error of its logarithm; NaN where it has none."""

    ratio: float
    low: float
    high: float
    log_se: float

    @property
    def is_known(self) -> bool:
        """Whether there is an interval."""
        return bool(np.isfinite(self.log_se))

    @property
    def direction(self) -> int:
        """−1: it fell, 1: it rose; 0: no change can be told."""
        return direction(self.low, self.high)


UNKNOWN = Effect(np.nan, np.nan, np.nan, np.nan)


def _effect(log_ratio: float, log_se: float) -> Effect:
    error = Z_95 * log_se
    ratio, low, high = (float(np.exp(x)) for x in (log_ratio, log_ratio - error, log_ratio + error))
    return Effect(ratio, low, high, float(log_se))


def before_and_after(
    before: float, after: float, exposure_before: float, exposure_after: float, dispersion: float = 1.0
) -> Effect:
    """The naive ratio of the rate after to the rate before, of one group alone; unknown if it counts too few."""
    if min(before, after) < FEWEST or min(exposure_before, exposure_after) <= 0:
        return UNKNOWN
    log_ratio = np.log(after / exposure_after) - np.log(before / exposure_before)
    return _effect(log_ratio, np.sqrt(max(dispersion, 1.0) * (1 / before + 1 / after)))


def difference_in_differences(
    counts: Four, exposure: Four, dispersion: float = 1.0, log_se: float = 0.0, fewest: float = FEWEST
) -> Effect:
    """The ratio of rate ratios, (T₁/T₀) ÷ (C₁/C₀), with its interval; unknown if a cell counts fewer than `fewest`.

    The log-SE is √(1/T₁ + 1/T₀ + 1/C₁ + 1/C₀) × √`dispersion`, or `log_se` (by units) where that is greater.

    Source: measures reference, D3. 1,200 meters 864 → 432, 900 meters 540 → 513: 0.526316 (0.445 to 0.622), log-SE
    0.085284.
    """
    if min(counts) < max(fewest, 1) or min(exposure) <= 0:
        return UNKNOWN
    rates = [n / of for n, of in zip(counts, exposure, strict=True)]
    log_ratio = np.log(rates[1] / rates[0]) - np.log(rates[3] / rates[2])
    poisson = np.sqrt(max(dispersion, 1.0) * sum(1 / n for n in counts))
    return _effect(log_ratio, max(float(poisson), log_se))


def scatter(before: tuple[Numbers, Numbers], after: tuple[Numbers, Numbers], exposure: tuple[Four, ...]) -> float:
    """How many times as much as chance the effect varies between parts of the times before and after.

    `before` and `after` are counts of treated and comparison in as many parts each, the first with the first and so on:
    in the same season, what season does to either group cancels. `exposure` has one for each part. Woolf's χ² of the
    log ratios over its degrees of freedom, at least 1; NaN with fewer than four parts in which both count anything.
    Source: Woolf 1955, On estimating the relation between blood group and disease (with half a count added to each).
    """
    counts = np.array([before[0], after[0], before[1], after[1]], float)
    of = np.array(exposure, float).reshape(-1, 4).T
    known = (counts[0] + counts[1] > 0) & (counts[2] + counts[3] > 0) & (of > 0).all(axis=0)
    if known.sum() < 4:
        return float("nan")
    y = counts[:, known] + 0.5
    log_rates = np.log(y / of[:, known])
    log_ratio = log_rates[1] - log_rates[0] - log_rates[3] + log_rates[2]
    weight = 1 / (1 / y).sum(axis=0)
    away = log_ratio - np.average(log_ratio, weights=weight)
    return max(float((weight * away**2).sum() / (known.sum() - 1)), 1.0)


def dispersion(treated: Numbers, comparison: Numbers, exposure: tuple[Numbers, Numbers], is_after: Flags) -> float:
    """How many times as much as chance the treated's part of each step varies, before and after by themselves.

    Of all that is counted in a step the treated's part is binomial, whatever the season does to both. Pearson's χ²
    over its degrees of freedom, at least 1; NaN with fewer than three steps to spare.
    """
    of_treated, of_comparison = exposure
    total = treated + comparison
    known = (total > 0) & (of_treated > 0) & (of_comparison > 0)
    squares, spare = 0.0, 0
    for part in (known & ~is_after, known & is_after):
        if part.sum() < 2 or not treated[part].sum() or not comparison[part].sum():
            continue
        odds = _common_odds(treated[part], total[part], of_treated[part] / of_comparison[part])
        share = odds / (1 + odds)
        squares += float(((treated[part] - total[part] * share) ** 2 / (total[part] * share * (1 - share))).sum())
        spare += int(part.sum()) - 1
    return max(squares / spare, 1.0) if spare >= 3 else float("nan")


def _common_odds(treated: Numbers, total: Numbers, exposure_ratio: Numbers) -> Numbers:
    """The odds of each step that a count is of the treated: one rate ratio for all, times the ratio of exposures."""
    log_ratio = float(np.log(treated.sum() / (total - treated).sum() / np.average(exposure_ratio, weights=total)))
    for _ in range(30):  # Newton's steps to the likelihood's maximum
        share = 1 / (1 + np.exp(-log_ratio) / exposure_ratio)
        step = float((treated - total * share).sum() / (total * share * (1 - share)).sum())
        log_ratio += step
        if abs(step) < 1e-10:
            break
    return np.asarray(np.exp(log_ratio) * exposure_ratio, np.float64)


class Units(NamedTuple):
    """What was counted of each unit before and after, and in how much; arrays of one length."""

    before: Numbers
    after: Numbers
    exposure_before: Numbers
    exposure_after: Numbers

    def among(self, rows: Flags) -> Units:
        """Only the units of `rows`."""
        return Units(*(one[rows] for one in self))


def _added(treated: Units, comparison: Units) -> tuple[Four, Four]:
    sums = [[float(one.sum()) for one in part] for part in (treated, comparison)]
    return Four(*sums[0][:2], *sums[1][:2]), Four(*sums[0][2:], *sums[1][2:])


def log_se_by_unit(treated: Units, comparison: Units) -> float:
    """The standard error of the log ratio if units, not counts, are independent (cluster-robust).

    0 with fewer than `MANY_UNITS` on a side: that few say too little of each other. Each unit moves the logarithm of a
    group's rate by (y − exposure × rate) ÷ the group's count.
    """
    variance = 0.0
    for part in (treated, comparison):
        used = part.among((part.exposure_before > 0) | (part.exposure_after > 0))
        n = len(used.before)
        if n < MANY_UNITS or not used.before.sum() or not used.after.sum():
            return 0.0
        moved = np.zeros(n)
        for sign, y, of in ((1, used.after, used.exposure_after), (-1, used.before, used.exposure_before)):
            moved += sign * (y - of * y.sum() / of.sum()) / y.sum()
        variance += float((moved**2).sum()) * n / (n - 1)
    return float(np.sqrt(variance))


# ── Were they alike before? ─────────────────────────────────────────────────────────────────────────


def event_study(
    treated: Numbers, comparison: Numbers, exposure: tuple[Numbers, Numbers], is_after: Flags, dispersion: float = 1.0
) -> list[Effect]:
    """The ratio of treated to comparison in each step, over what it was in all *other* steps before the change.

    Before the change it should lie about 1. Each step is held against others than itself, so that its interval is
    `difference_in_differences`'. Steps in which either counts nothing are unknown.
    """
    of_treated, of_comparison = exposure
    found = []
    for i in range(len(treated)):
        others = ~is_after
        others[i] = False
        counts = Four(treated[others].sum(), treated[i], comparison[others].sum(), comparison[i])
        base = Four(of_treated[others].sum(), of_treated[i], of_comparison[others].sum(), of_comparison[i])
        found.append(difference_in_differences(counts, base, dispersion, fewest=1))
    return found


def drift(treated: Numbers, comparison: Numbers, exposure: tuple[Numbers, Numbers], dispersion: float = 1.0) -> Effect:
    """By what the ratio of treated to comparison grew from step to step, over these steps before the change.

    Poisson regression with a level for each step, one for the treated, and their own slope. Unknown with fewer than
    six steps (measures D3).
    """
    of_treated, of_comparison = exposure
    known = (treated + comparison > 0) & (of_treated > 0) & (of_comparison > 0)
    n = int(known.sum())
    if n < 6:
        return UNKNOWN
    at = np.flatnonzero(known).astype(float)
    steps = np.vstack([np.eye(n), np.eye(n)])
    is_treated = np.repeat([1.0, 0.0], n)
    design = np.column_stack([steps, is_treated, is_treated * np.tile(at - at.mean(), 2)])
    fit = fit_poisson(
        design, np.concatenate([treated[known], comparison[known]]),
        np.concatenate([of_treated[known], of_comparison[known]]),
    )  # fmt: skip
    if fit is None:
        return UNKNOWN
    variance = float(fit.covariance[-1, -1]) * max(dispersion, 1.0)
    return _effect(float(fit.coefficients[-1]), np.sqrt(variance))


def drift_that_explains(effect: Effect, steps_between: float) -> float:
    """The growth from step to step that, gone on from before the change, would alone bring about the effect's near end.

    A ratio; NaN if no effect can be told. `steps_between` lie between the middles of the times before and after.
    Source: after Rambachan and Roth 2019, sensitivity to a violation of parallel trends.
    """
    if not effect.direction or steps_between <= 0:
        return float("nan")
    near = effect.high if effect.direction < 0 else effect.low
    return float(near ** (1 / steps_between))


# ── Would it find an effect where there is none? ────────────────────────────────────────────────────


class Fakes(NamedTuple):
    """Effects found where nothing was done. `names` are places in the comparison; empty where it was drawn from."""

    effects: list[Effect]
    names: list[int]

    def as_large(self, effect: Effect) -> int:
        """How many are at least as far from 1 as `effect`."""
        size = abs(np.log(effect.ratio)) - 1e-9
        return sum(abs(np.log(one.ratio)) >= size for one in self.effects)

    def probability(self, effect: Effect) -> float:
        """How likely chance alone brings about as much: (1 + as large) ÷ (1 + all); NaN without any."""
        if not self.effects or not effect.is_known:
            return float("nan")
        return (1 + self.as_large(effect)) / (1 + len(self.effects))


def is_shaken(effect: Effect, dates: Fakes, groups: Fakes) -> bool:
    """Whether as large an effect is found where nothing changed: at a quarter of the dates, or in too many groups."""
    if not effect.direction:
        return False
    # With few groups even the most extreme of all is no rare one: then only a larger one shakes it.
    fewest = 1 / (1 + len(groups.effects)) if groups.effects else 0.0
    return 4 * dates.as_large(effect) > len(dates.effects) or groups.probability(effect) > max(0.1, fewest)


def placebo_groups(comparison: Units, treated_share: float, dispersion: float = 1.0) -> Fakes:
    """Parts of the comparison taken for treated, against the rest of it (randomisation inference).

    Each unit in turn where they are few; where they are more than `MANY_UNITS`, `DRAWS` random parts as large a share
    of it as the treated are of all. Nothing with fewer than three units. Parts that count too few are left out.
    """
    n = len(comparison.before)
    if n < 3:
        return Fakes([], [])
    if n <= MANY_UNITS:
        parts = np.eye(n, dtype=bool)
    else:
        rng = np.random.default_rng(SEED)
        size = int(np.clip(round(n * treated_share), 1, n - 1))
        parts = np.zeros((DRAWS, n), bool)
        for row in parts:
            row[rng.choice(n, size, replace=False)] = True
    found, names = [], []
    for i, part in enumerate(parts):
        one, rest = comparison.among(part), comparison.among(~part)
        effect = difference_in_differences(*_added(one, rest), dispersion, log_se_by_unit(one, rest))
        if effect.is_known:
            found.append(effect)
            names.append(i)
    return Fakes(found, names if n <= MANY_UNITS else [])
