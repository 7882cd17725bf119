"""How a part of the city is served against the whole city, for the same mix of requests: direct standardisation.

A district that reports mostly fallen trees waits longer than one that reports missed collections, however fairly both
are served. Held against each other is what each kind of request takes, every kind weighted as the city reports it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from dashboard.domain.funnel import CONTROL, outside
from dashboard.domain.intervals import Z_95, standard_errors

Reals = npt.NDArray[np.float64]

FEWEST = 5
"""A kind of request of which an area, or the rest of the city, has fewer is held against a coarser kind."""


class Standardised(NamedTuple):
    """What each area needs for the city's mix; arrays of one value per area, nan where nothing can be compared.

    Parameters
    ----------
    n
        The area's own requests that were compared.
    covered
        The share of the city's requests whose kinds were compared, 0 to 1.
    here, city
        The mean of the area and of the city, both for the city's mix of the kinds that were compared.
    error
        The standard error of `gap`.
    log_error
        The standard error of the logarithm of `ratio`.
    single
        The standard deviation of a single request within its kind, for the same mix: a gap with error e is told by as
        many requests of the city's mix as (single ÷ e)².
    """

    n: Reals
    covered: Reals
    here: Reals
    city: Reals
    error: Reals
    log_error: Reals
    single: Reals

    @property
    def gap(self) -> Reals:
        """By how much the area's mean exceeds the city's, in the unit of the values."""
        return self.here - self.city

    @property
    def ratio(self) -> Reals:
        """The area's mean in multiples of the city's."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.city > 0, self.here / self.city, np.nan)

    @property
    def z(self) -> Reals:
        """How many standard errors the gap lies from none."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.error > 0, self.gap / self.error, np.nan)

    def gap_interval(self) -> tuple[Reals, Reals]:
        """The 95 % interval of `gap`."""
        return self.gap - Z_95 * self.error, self.gap + Z_95 * self.error

    def outside(self, level: float = CONTROL) -> npt.NDArray[np.int64]:
        """−1, 0 or 1: the gap lies below, inside or above the limits within which `level` lie by chance."""
        return outside(self.z, standard_errors(level))

    def ratio_interval(self) -> tuple[Reals, Reals]:
        """The 95 % interval of `ratio`."""
        reach = np.exp(Z_95 * self.log_error)
        return self.ratio / reach, self.ratio * reach


def standardise_directly(
    area: Any, levels: Sequence[Any], n: Any, sums: Any, squares: Any, areas: int
) -> Standardised:  # fmt: skip
    """The mean of each area for the city's mix, from sums over its requests by kind.

    Σ w·m over kinds, m the area's own mean and w how many of that kind the *city* has. The city's mean is taken over
    the same kinds, so that what an area has none of does not count for or against it. Where an area, or the rest of the
    city, has fewer than five of a kind, what is left of it is compared by the next coarser kind, and in the end not.

    The city has the area in it, so the gap of one kind is 1 − f of the area's gap to the *rest* of the city, f being
    the area's part of that kind; errors follow by the delta method from the variance within kinds, the area's and the
    rest's together. They say the same as a bootstrap of requests, without drawing any. Requests count as independent
    of each other: one storm in one district makes intervals too narrow.

    Parameters
    ----------
    area
        For each row its area, 0 to `areas` − 1; −1 for what lies in none, which is a part of the city all the same.
    levels
        For each row its kind, finest first: arrays of integers from 0, each a coarsening of the one before.
    n, sums, squares
        For each row the requests, the sum of their values and the sum of their squares. Of shares (1: kept) squares
        are the sums.

    Source: measures reference, section I (fair response gap: TTC_a* = Σ w_s·RMST_as); direct standardisation as in
    N. E. Breslow and N. E. Day (1987), Statistical Methods in Cancer Research II, chapter 2.
    """
    of = np.where(np.asarray(area, np.int64) < 0, areas, area).astype(np.int64)
    finest = np.asarray(levels[0], np.int64)
    kinds = int(finest.max()) + 1 if len(finest) else 0
    shape = (areas + 1, kinds)
    cells = np.stack([_by_group(of * kinds + finest, np.asarray(one, np.float64), shape) for one in (n, sums, squares)])
    own = cells[:, :areas]
    rest = cells.sum(axis=1, keepdims=True) - own
    left = np.ones((areas, kinds), bool)  # what is not compared yet
    found = np.zeros((8, areas))
    for level in levels:
        code = np.zeros(kinds, np.int64)
        code[finest] = np.asarray(level, np.int64)
        groups = int(code.max()) + 1 if kinds else 0
        at = (np.arange(areas)[:, None] * groups + code).ravel()
        mine, others = (np.stack([_by_group(at, one * left, (areas, groups)) for one in part]) for part in (own, rest))
        fits = (mine[0] >= FEWEST) & (others[0] >= FEWEST)
        found += _compared(mine, others, fits)
        left &= ~fits[:, code]
    compared, weight, here, city, variance, both, whole, spread = found
    with np.errstate(divide="ignore", invalid="ignore"):
        of_gap = np.maximum(variance - 2 * both + whole, 0)
        of_ratio = variance / here**2 - 2 * both / (here * city) + whole / city**2
        error, within = np.sqrt(of_gap) / weight, spread / weight
        total = cells[0].sum()
        return Standardised(
            compared, np.where(weight > 0, weight / total, np.nan), here / weight, city / weight, error,
            np.sqrt(np.maximum(of_ratio, 0)), np.sqrt(within),
        )  # fmt: skip


def _by_group(at: npt.NDArray[np.int64], values: Reals, shape: tuple[int, int]) -> Reals:
    return np.bincount(at, values.ravel(), shape[0] * shape[1]).astype(np.float64).reshape(shape)


def _compared(mine: Reals, others: Reals, fits: npt.NDArray[np.bool_]) -> Reals:
    """What the kinds that fit bring to each area, added up: see where it is taken apart in `standardise_directly`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        (n, s, q), (m, t, p) = mine, others
        weight = n + m
        f = n / weight
        a, b = s / n, t / m
        variance = np.maximum(q - n * a**2 + p - m * b**2, 0) / (weight - 2)
        own, rest = variance / n, variance / m
        brings = np.stack([
            n, weight, weight * a, weight * (f * a + (1 - f) * b), weight**2 * own, weight**2 * f * own,
            weight**2 * (f**2 * own + (1 - f) ** 2 * rest), weight * variance,
        ])  # fmt: skip
    return np.where(fits, brings, 0.0).sum(axis=2)


def towards_none(gap: Any, error: Any) -> tuple[Reals, float]:
    """Each gap drawn towards none, as far as its own error says little, and how much true gaps vary (their σ²).

    σ² = max(0, Σ w·(gap² − error²) / Σ w) with w = 1 / error², as gaps to the whole city lie around none; a gap keeps
    the part σ² / (σ² + error²) of itself. What is nan stays nan and tells nothing of the others.

    Source: empirical Bayes by moments, as measures reference C4 has it for rates; C. N. Morris (1983), Parametric
    empirical Bayes inference, JASA 78.
    """
    g, e = np.asarray(gap, np.float64), np.asarray(error, np.float64)
    known = np.isfinite(g) & (e > 0)
    if not known.any():
        return np.full(g.shape, np.nan), 0.0
    w = 1 / e[known] ** 2
    spread = max(0.0, float((w * (g[known] ** 2 - e[known] ** 2)).sum() / w.sum()))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(known, g * spread / (spread + e**2), np.nan), spread
