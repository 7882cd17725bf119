"""Places that stand out from what chance would spread: one test for a period, one for each slice of time before it.

Puts the methods of their own files together: Gi* (`getis_ord`) of counts, or of smoothed rates (`empirical_bayes`)
where it is known how many live where; false discovery control over all places (`multiple_testing`); categories of the
slices (`emerging`). Knows no map and no grid but who is whose neighbour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, bdtrc

from dashboard.domain.emerging import Category, categories
from dashboard.domain.empirical_bayes import smoothed_rates
from dashboard.domain.getis_ord import exact_permutation_p, gi_star, permutation_p_of_rates
from dashboard.domain.mann_kendall import mann_kendall
from dashboard.domain.multiple_testing import benjamini_hochberg
from dashboard.domain.neighbours import Neighbours

LEVEL = 0.05
"""The false discovery rate at which a place is said to stand out."""
LEAST = 30
"""Fewer places are not tested, nor a city with fewer counted than that."""
FLOOR = 0.05
"""A place counts as having at least so large a share of an average place's residents: people also pass through."""
LEVELS, LEVELS_OF_SLICES = 150, 75
"""How finely rates are told apart: of the period, and of the many slices before it."""
LEAST_COLD = 5
"""With fewer to a place smoothed rates cannot tell what lies below the city: where few live they vary less."""
ROUNDS = 12
"""So often at most what stands out is set aside and the rest tested again."""
FENCE = 1.5
"""What lies so many interquartile ranges above the upper quartile lies outside (Tukey 1977)."""
SLICES = 10
"""Fewer slices have no category."""

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Standing:
    """How n places stand in a period, or in each of s slices (then every array is n × s).

    ``rate`` per resident, smoothed, all NaN where no residents are known; ``z`` of Gi*, ``p`` two-sided and ``q``
    adjusted for false discovery. NaN where nothing was tested.
    """

    rate: Numbers
    z: Numbers
    p: Numbers
    q: Numbers

    @cached_property
    def hot(self) -> npt.NDArray[np.bool_]:
        """Above the city by more than chance explains."""
        return (self.q < LEVEL) & (self.z > 0)

    @cached_property
    def cold(self) -> npt.NDArray[np.bool_]:
        """Below the city by more than chance explains."""
        return (self.q < LEVEL) & (self.z < 0)


@dataclass(frozen=True)
class History:
    """How n places stood in s slices of time: each slice's `standing`, and what became of it.

    `category` is None where there are too few slices; ``trend_z`` and ``trend_p`` are Mann and Kendall's, of z.
    """

    standing: Standing
    category: tuple[Category | None, ...]
    trend_z: Numbers
    trend_p: Numbers


def standing(
    counts: npt.NDArray[np.int64], neighbours: Neighbours, residents: Numbers | None, levels: int = LEVELS
) -> Standing:
    """Test the places of one period (n,), or of each slice (n, s), against the city as a whole.

    Counts are tested where nobody knows who lives where; otherwise smoothed rates, so that a place does not stand out
    for having more people. Source: measures reference, C1 and C4; decision 0015.
    """
    values = np.asarray(counts)
    columns = values if values.ndim == 2 else values[:, None]
    n, s = columns.shape
    rate = np.full((n, s), np.nan)
    p, tested = np.full((n, s), np.nan), np.zeros((n, s))
    people = residents
    if residents is not None and n:
        people = np.maximum(residents, FLOOR * residents.mean())
    for column in range(s):
        own = columns[:, column]
        if n < LEAST or own.sum() < LEAST:
            continue
        tested[:, column] = own
        if people is not None:
            rate[:, column], _ = smoothed_rates(own, people)
            tested[:, column] = rate[:, column]
    z = gi_star(tested, neighbours)
    test = exact_permutation_p if people is None else partial(permutation_p_of_rates, levels=levels)
    tellable = np.flatnonzero(~np.isnan(z).all(axis=0))
    if tellable.size:
        p[:, tellable] = _setting_aside(tested[:, tellable], z[:, tellable], neighbours, test)
    if people is not None and tellable.size:
        p[(z < 0) & ~np.isnan(p) & (columns.mean(axis=0) < LEAST_COLD)] = 1.0
    q = benjamini_hochberg(p)
    shape = values.shape
    return Standing(rate.reshape(shape), z.reshape(shape), p.reshape(shape), q.reshape(shape))


def _setting_aside(values: Numbers, z: Numbers, neighbours: Neighbours, test: Callable[..., Numbers]) -> Numbers:
    """p of each place in each slice (n, s), what stands out already no longer dealt to others.

    One strong place would otherwise hide the next: dealt out at random, its number makes any sum look likely. Without
    anything that stands out nothing is set aside, so a city without clusters keeps its rate of false alarms. Set aside
    is what is strong by itself, outside of what most places have: where numbers only rise from one side of a city to
    the other, the upper part taken away again and again would leave half of it standing out. What lies below the city
    is not tested again: it lies above the rest at most, once that has lost its largest.
    """
    p = test(values, neighbours, with_self=True)
    dealt = np.ones(values.shape, bool)
    asking = np.arange(values.shape[1])
    for _ in range(ROUNDS):
        low, high = np.nanquantile(np.where(dealt[:, asking], values[:, asking], np.nan), (0.25, 0.75), axis=0)
        strong = values[:, asking] > high + FENCE * (high - low)
        out = dealt[:, asking] & strong & (benjamini_hochberg(p[:, asking]) < LEVEL) & (z[:, asking] > 0)
        asking, out = asking[out.any(axis=0)], out[:, out.any(axis=0)]
        if not asking.size:
            break
        dealt[:, asking] &= ~out
        again = test(values[:, asking], neighbours, dealt[:, asking], with_self=True)
        p[:, asking] = np.where(z[:, asking] > 0, np.fmin(p[:, asking], again), p[:, asking])
    return p


def history(counts: npt.NDArray[np.int64], neighbours: Neighbours, residents: Numbers | None) -> History:
    """Test each slice (n, s) by itself and say what became of each place. Source: measures reference, C2."""
    found = standing(counts, neighbours, residents, LEVELS_OF_SLICES)
    trend = mann_kendall(found.z)
    told = categories(found.hot, found.cold, trend.z, trend.p) if counts.shape[1] >= SLICES else [None] * len(counts)
    return History(found, tuple(told), trend.z, trend.p)


def windows(counts: npt.NDArray[np.int64], steps: int) -> npt.NDArray[np.int64]:
    """Of counts by step (n, s) the sums of each step and those before it, `steps` of them: (n, s − steps + 1)."""
    summed = np.concatenate([np.zeros((len(counts), 1), counts.dtype), counts.cumsum(axis=1)], axis=1)
    return summed[:, steps:] - summed[:, :-steps]


@dataclass(frozen=True)
class Change:
    """How n places changed from one period to another: `ratio` of the numbers a day, `p` of no change, `q` adjusted."""

    ratio: Numbers
    p: Numbers
    q: Numbers


def change(now: npt.NDArray[np.int64], before: npt.NDArray[np.int64], days: tuple[float, float]) -> Change:
    """Compare what was counted in places (n,) in two periods of so many days, each place for itself.

    Of all counted in a place a share of ``days[0] / sum(days)`` is to be expected now: exact, given their sum.
    Source: Przyborowski and Wilenski 1940, the conditional test of two Poisson numbers.
    """
    both, share = now + before, days[0] / (days[0] + days[1])
    tail = np.minimum(bdtr(now, both, share), bdtrc(now - 1, both, share))
    p = np.where(both > 0, np.minimum(1.0, 2 * tail), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (now / days[0]) / (before / days[1])
    return Change(ratio, p, benjamini_hochberg(p))
