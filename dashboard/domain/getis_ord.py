"""Getis and Ord's Gi*: whether a place and its neighbours together hold more, or less, than chance would put there.

z is the analytic statistic. p is of the conditional permutation test, computed exactly instead of by drawing
(decision 0015): a drawn p is never below 1 / (draws + 1), too coarse to tell one hotspot among thousands of places.

Source: Getis and Ord 1992, Ord and Getis 1995; measures reference, C1.
"""

from __future__ import annotations

from itertools import product
from math import comb, log

import numpy as np
import numpy.typing as npt

from dashboard.domain.neighbours import Neighbours

Floats = npt.NDArray[np.float64]

LEVELS = 1000
"""Rates are rounded to so many steps between nothing and their maximum."""
LEAST_P = 1e-12
"""No p is told more exactly than that: ten thousand places with q < 0.001 ask for 1e-7."""
_FEW = 1e-300
_AT_ONCE = 2_000_000
_FAR = 8.0  # so many times the largest that is dealt: more than any neighbourhood of such can hold


def gi_star(values: npt.ArrayLike, neighbours: Neighbours, least: int = 30) -> Floats:
    """z of Gi* with weights of 1 for a place and each of its neighbours.

    z = (Σ_j w_ij x_j − x̄ W_i) / (S √((n W_i − W_i²) / (n − 1))), with S² = Σx²/n − x̄².

    Parameters
    ----------
    values
        (n,), or (n, slices): each slice is tested by itself.
    neighbours
        A place of a hexagonal lattice has six at most: fewer than the normal distribution of z would want, which is why
        p is not read from it.
    least
        Under so many places nothing is computed.

    Returns NaN where all values of a slice are equal, there are too few places, or a place has all others as
    neighbours. Source: measures reference, C1.
    """
    x = np.asarray(values, float)
    n = len(x)
    if n < least:
        return np.full(x.shape, np.nan)
    weights = (neighbours.counts + 1.0).reshape(-1, *[1] * (x.ndim - 1))
    mean = x.mean(axis=0)
    spread = np.sqrt(((x - mean) ** 2).mean(axis=0))
    flat = spread <= 1e-12 * np.maximum(np.abs(mean), _FEW)
    scale = np.where(flat, np.nan, spread) * np.sqrt((n * weights - weights**2) / (n - 1))
    return (x + neighbours.sums(x) - mean * weights) / np.where(weights < n, scale, np.nan)


def exact_permutation_p(
    counts: npt.ArrayLike,
    neighbours: Neighbours,
    dealt: npt.NDArray[np.bool_] | None = None,
    *,
    with_self: bool = False,
    least: int = 30,
) -> Floats:
    """Two-sided p of Gi* for whole numbers: a place keeps its own, all others are dealt out anew.

    The sum over k neighbours is then that of k draws without replacement from the other n − 1 numbers, and how often
    each sum occurs is what the elementary symmetric polynomial of degree k in ``t**number`` counts. p is twice the
    smaller tail, what was observed included in both, and at most 1.

    Parameters
    ----------
    counts
        Whole numbers, (n,) or (n, slices): each slice is tested by itself. Time and memory grow with the largest.
    dealt
        Only the numbers of these places are dealt, shape as `counts`; without it, all are.
    with_self
        Compare the sum over a place *and* its neighbours with k + 1 draws from the others: do they together hold more
        than so many other places would? It sees one strong place, to which a permutation is blind, and is therefore
        not quite one: where numbers are extremely skewed (variance eleven times the mean of 1) it gave false alarms in
        8 % of cities instead of 5 %, elsewhere in fewer than 5 %.
    least
        With fewer numbers to deal nothing is computed.

    Returns NaN for a slice in which too few numbers are dealt or all of those are equal, and for a place of which
    nothing is drawn. An error by rounding is below `LEAST_P`.

    Raises ValueError if a number is not whole, or a place has too many neighbours to count the draws.
    Source: measures reference, C1; Anselin 1995 (the conditional permutation).
    """
    given = np.asarray(counts, float)
    if (given != np.floor(given)).any():
        raise ValueError("Counts are whole numbers.")
    x = given.astype(np.int64) if given.ndim > 1 else given.astype(np.int64)[:, None]
    pool = np.ones(x.shape, bool) if dealt is None else dealt.reshape(x.shape)
    p = np.full(x.shape, np.nan)
    if not x.size:
        return p.reshape(given.shape)
    x = x - x.min(axis=0)  # a sum over k places moves by k times as much, and with it every sum it is compared with
    sums = np.asarray(neighbours.sums(x) + (x if with_self else 0), np.int64)
    draws = neighbours.counts + int(with_self)
    most, n = int(draws.max()), pool.sum(axis=0)
    largest = np.where(pool, x, -1).max(axis=0)
    smallest = np.where(pool, x, np.iinfo(np.int64).max).min(axis=0)
    tellable = np.flatnonzero((n >= max(least, 1)) & (largest > smallest))
    if not tellable.size:
        return p.reshape(given.shape)
    if 2 * most > n[tellable].min() or log(comb(int(n[tellable].max()), most)) > 700:
        raise ValueError(f"{most} draws from {n[tellable].min()} places are too many to count.")
    tellable = tellable[np.argsort(largest[tellable], kind="stable")]  # slices alike are counted at once
    for some in np.array_split(tellable, _parts(largest[tellable], most)):
        p[:, some] = _tails(x[:, some], pool[:, some], sums[:, some], draws)
    return np.where(draws > 0, p.T, np.nan).T.reshape(given.shape)


def permutation_p_of_rates(
    rates: npt.ArrayLike, neighbours: Neighbours, dealt: npt.NDArray[np.bool_] | None = None, *,
    with_self: bool = False, levels: int = LEVELS,
) -> Floats:  # fmt: skip
    """The same for numbers that are no counts, rounded to `levels` steps up to the largest that is dealt.

    It is exact for the rounded numbers. Slices of which the largest is at most `levels` and all are whole stay as they
    are.
    """
    x = np.asarray(rates, float)
    if not x.size:
        return np.full(x.shape, np.nan)
    x = x - x.min(axis=0)
    most = np.asarray(x.max(axis=0) if dealt is None else np.where(dealt, x, 0.0).max(axis=0))
    stays = (most <= levels) & (x == np.floor(x)).all(axis=0)
    scale = np.where(stays, 1.0, levels / np.where(most > 0, most, 1.0))
    steps = np.rint(np.minimum(x, np.ceil(_FAR * most)) * scale)
    steps = np.where(stays, steps, np.minimum(steps, _FAR * levels))
    return exact_permutation_p(np.where(most > 0, steps, 0.0), neighbours, dealt, with_self=with_self)


def _parts(largest: npt.NDArray[np.int64], most: int) -> int:
    """Into how many parts slices with these largest numbers are cut, so that counting one needs some ten megabytes."""
    return max(int(len(largest) * (most + 1) * (most * largest.max(initial=0) + 1) // _AT_ONCE), 1)


def _tails(
    x: npt.NDArray[np.int64], pool: npt.NDArray[np.bool_], sums: npt.NDArray[np.int64], draws: npt.NDArray[np.int64]
) -> Floats:
    """p of each place in each slice (n, s); `pool` are those whose numbers `x` are dealt."""
    most, slices = int(draws.max()), np.arange(x.shape[1])
    below = _below(x, pool, most)
    n = pool.sum(axis=0)
    # Of the sets of k the share without one's own number: all of them, less those that are the own and k − 1 others
    # without it, and so on: t_k(s) − t_{k−1}(s − own) + t_{k−2}(s − 2 own) − …, told as shares of all that could be.
    weight = np.zeros((len(slices), most + 1, most + 1))
    for s, j, held in product(slices.tolist(), range(most + 1), range(most + 1)):
        if held <= j:
            weight[s, j, held] = (-1) ** held * comb(int(n[s]), j - held) / comb(int(n[s]) - 1, j)
    under, lower = np.zeros(x.shape), np.zeros(x.shape)  # chances of a sum smaller than one's own, and of one no larger
    own, wide, flat = np.where(pool, x, 0), below.shape[2], below.ravel()
    for held in range(most + 1):
        share = np.where(pool, weight[slices, draws[:, None], held], float(held == 0))
        row = slices * (most + 1) + np.maximum(draws[:, None] - held, 0)
        at = row * wide + 1 + np.minimum(np.maximum(sums - held * own, -1), wide - 3)
        under += share * flat.take(at)
        lower += share * flat.take(at + 1)
    return np.clip(2 * np.minimum(lower, 1 - under), LEAST_P, 1.0)


def _below(x: npt.NDArray[np.int64], pool: npt.NDArray[np.bool_], most: int) -> Floats:
    """For each slice and k the share of the sets of k dealt numbers with a sum below −1, 0, 1, 2, …, all.

    The elementary symmetric polynomials of ``t**number`` are known from the power sums (Newton's identities), at the
    roots of unity, where their transforms give the coefficients back. Shape (slices, most + 1, most × largest + 4).
    """
    from scipy.fft import fft, irfft, next_fast_len  # as in `neighbours`: takes its time to load

    n, slices = pool.sum(axis=0), x.shape[1]
    largest = int(np.where(pool, x, 0).max())
    width = most * largest + 1
    size = next_fast_len(width, real=True)
    which = np.broadcast_to(np.arange(slices), x.shape)[pool]
    held = np.bincount(which * (largest + 1) + x[pool], minlength=slices * (largest + 1))
    powers = fft(held.reshape(slices, -1), size)
    at = np.arange(size // 2 + 1)
    terms = [powers[:, j * at % size] for j in range(1, most + 1)]
    sets = [np.ones((slices, len(at)), complex)]
    for k in range(1, most + 1):
        found = sets[k - 1] * terms[0]
        for j in range(2, k + 1):
            found += sets[k - j] * (terms[j - 1] if j % 2 else -terms[j - 1])
        sets.append(found / k)
    shares = np.ones((slices, most + 1, width + 3))
    shares[:, :, :2] = 0.0
    for k, transform in enumerate(sets):
        all_sets = np.array([float(comb(int(one), k)) for one in n])[:, None]
        shares[:, k, 2:-1] = np.cumsum(irfft(transform, size)[:, :width] / all_sets, axis=1)
    return shares
