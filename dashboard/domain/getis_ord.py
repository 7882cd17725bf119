"""Getis and Ord's Gi*: whether a place and its neighbours together hold more, or less, than chance would put there.

z is the analytic statistic. p is of the conditional permutation test, computed exactly instead of by drawing
(decision 0015): a drawn p is never below 1 / (draws + 1), too coarse to tell one hotspot among thousands of places.

Source: Getis and Ord 1992, Ord and Getis 1995; measures reference, C1.
"""

from __future__ import annotations

from math import comb

import numpy as np
import numpy.typing as npt

from dashboard.domain.neighbours import Neighbours

Floats = npt.NDArray[np.float64]

LEVELS = 150
"""Rates are rounded to so many steps between nothing and their maximum."""
LEAST_P = 1e-15
"""No p is told more exactly than that."""
_FEW = 1e-300
_FAR = 8.0  # so many times the largest that is dealt: more than any neighbourhood of such can hold


def gi_star(values: npt.ArrayLike, neighbours: Neighbours, least: int = 30) -> Floats:
    """z of Gi* with weights of 1 for a place and each of its neighbours.

    Parameters
    ----------
    values
        (n,), or (n, slices): each slice is tested by itself.
    least
        Under so many places nothing is computed.

    Returns NaN where all values of a slice are equal, or there are too few places.
    """
    x = np.asarray(values, float)
    n = len(x)
    if n < least:
        return np.full(x.shape, np.nan)
    weights = (neighbours.counts + 1.0).reshape(-1, *[1] * (x.ndim - 1))
    mean = x.mean(axis=0)
    spread = np.sqrt(np.maximum((x**2).mean(axis=0) - mean**2, 0.0))
    flat = spread <= 1e-12 * np.maximum(np.abs(mean), _FEW)
    scale = np.where(flat, np.nan, spread) * np.sqrt((n * weights - weights**2) / (n - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return (x + neighbours.sums(x) - mean * weights) / scale


def exact_permutation_p(
    counts: npt.ArrayLike,
    neighbours: Neighbours,
    dealt: npt.NDArray[np.bool_] | None = None,
    *,
    with_self: bool = False,
    least: int = 30,
) -> Floats:
    """Two-sided p of Gi* for whole numbers (n,): a place keeps its own, all others are dealt out anew.

    The sum over k neighbours is then that of k draws without replacement from the other n − 1 numbers, and how often
    each sum occurs is what the elementary symmetric polynomial of degree k in ``t**number`` counts. p is twice the
    smaller tail, the value itself included in both, at most 1. With `dealt` only the numbers of those places are
    dealt. NaN if `least` or fewer numbers are dealt, or all of them are equal.
    """
    x = np.rint(np.asarray(counts, float)).astype(np.int64)
    pool = np.ones(len(x), bool) if dealt is None else dealt
    if pool.sum() < least or np.ptp(x[pool]) == 0:
        return np.full(len(x), np.nan)
    x = x - int(x.min())  # a sum over k places moves by k times as much, and with it every sum it is compared with
    sums = np.rint(neighbours.sums(x.astype(float))).astype(np.int64) + (x if with_self else 0)
    draws = neighbours.counts + with_self
    whole = _elementary(x[pool], int(draws.max(initial=0)))
    size = whole.shape[1]
    p = np.ones(len(x))

    def tell(mine: npt.NDArray[np.int64], ways: Floats, row: npt.NDArray[np.int64]) -> None:
        """Look up p for the places `mine`, the ways of each in its `row`."""
        upper = ways[:, ::-1].cumsum(axis=1)[:, ::-1]  # the rarest first, so that a small tail keeps its digits
        lower = ways.cumsum(axis=1)
        at = np.minimum(sums[mine], size - 1)
        above = np.where(sums[mine] < size, upper[row, at], 0.0)
        p[mine] = np.clip(2 * np.minimum(lower[row, at], above) / upper[row, 0], LEAST_P, 1.0)

    values, which = np.unique(x, return_inverse=True)
    without = _without(whole, values[values <= x[pool].max()])
    for k in np.unique(draws[draws > 0]):
        outside = np.flatnonzero((draws == k) & ~pool)
        tell(outside, whole[k][None], np.zeros(len(outside), np.int64))
        inside = np.flatnonzero((draws == k) & pool)
        tell(inside, without[k], which[inside])
    return p


def permutation_p_of_rates(
    rates: npt.ArrayLike, neighbours: Neighbours, dealt: npt.NDArray[np.bool_] | None = None, *,
    with_self: bool = False, levels: int = LEVELS,
) -> Floats:  # fmt: skip
    """The same for numbers that are no counts (n,), rounded to `levels` steps up to the largest that is dealt."""
    x = np.asarray(rates, float)
    x = x - x.min()
    most = x.max() if dealt is None else x[dealt].max(initial=0.0)
    steps = np.zeros(len(x)) if most <= 0 else np.rint(np.minimum(x / most, _FAR) * levels)
    return exact_permutation_p(steps, neighbours, dealt, with_self=with_self)


def _elementary(x: npt.NDArray[np.int64], most: int) -> Floats:
    """In row k how many sets of k of the numbers `x` (none below 0) have each sum: (most + 1, most × max + 1)."""
    values, times = np.unique(x, return_counts=True)
    ways = np.zeros((most + 1, most * int(values[-1]) + 1))
    ways[0, 0] = 1.0
    for value, m in zip(values.tolist(), times.tolist(), strict=True):
        if m == 1:
            for k in range(most, 0, -1):
                ways[k, value:] += ways[k - 1, : ways.shape[1] - value]
            continue
        before = ways.copy()
        for j in range(1, min(m, most) + 1):
            shift, several = value * j, comb(m, j)
            ways[j:, shift:] += several * before[: most + 1 - j, : ways.shape[1] - shift]
    return ways


def _without(ways: Floats, values: npt.NDArray[np.int64]) -> Floats:
    """The same with one number taken out, for each of `values`: (k, value, sum). A set either holds it or does not.

    Each entry is short by at most a rounding error of its own, so that a tail is wrong by far less than it is of all.
    """
    rest = np.repeat(ways[:, None, :], len(values), axis=1)
    for row, value in enumerate(values.tolist()):
        for k in range(1, len(ways)):
            rest[k, row, value:] -= rest[k - 1, row, : ways.shape[1] - value]
    return np.maximum(rest, 0.0, out=rest)
