"""Whether a share is more than chance away from everybody's: funnel limits instead of a ranking.

A ranking always has a last place; limits that narrow with n say whether the last place means anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, bdtrik, pdtr, pdtrik

from dashboard.domain.intervals import standard_errors

Reals = npt.NDArray[np.float64]

FEWEST = 50
"""With fewer contacts nothing is said of an agent (measures reference, A15.4)."""
WARNING, CONTROL = 0.95, 0.998
"""The two levels of limits."""


class Limits(NamedTuple):
    """The ends within which a share lies by chance, for each n."""

    low: Reals
    high: Reals


def binomial_limits(n: Any, p0: float, level: float = CONTROL) -> Limits:
    """Between what shares of `n` lie with chance `level` if the true share is `p0`; exact, interpolated.

    The interpolation takes the steps out of the binomial, so that limits are smooth in n.
    Where n is 0 everything is nan.

    Raises
    ------
    ValueError
        If `p0` is no share or `level` not inside 0–1.

    Source: measures reference, A15.3; D. J. Spiegelhalter (2005), Funnel plots for comparing institutional
    performance, Statistics in Medicine 24, appendix A.1.1.
    """
    if not 0 <= p0 <= 1 or not 0 < level < 1:
        raise ValueError("A share lies between 0 and 1, a level inside.")
    tail = (1 - level) / 2
    return Limits(*(_quantile(q, np.asarray(n, np.int64), p0) for q in (tail, 1 - tail)))


def _quantile(q: float, n: npt.NDArray[np.int64], p0: float) -> Reals:
    """The interpolated binomial quantile as a share: (r − a) / n with a = (F(r) − q) / (F(r) − F(r − 1))."""
    if p0 in (0.0, 1.0):
        return np.where(n > 0, p0, np.nan)
    many = np.maximum(n, 1)
    r = np.clip(np.ceil(bdtrik(q, many, p0)), 0, many)
    share = _between_whole(r, q, lambda k: bdtr(k, many, p0)) / many
    return np.where(n > 0, np.clip(share, 0, 1), np.nan)


def _between_whole(r: Reals, q: float, up_to: Callable[[Reals], Reals]) -> Reals:
    """Where between r − 1 and r the chance `up_to` a number is q; r is the smallest that has at least q up to it."""
    r = np.where((r > 0) & (up_to(np.maximum(r - 1, 0)) >= q), r - 1, r)  # the inverse may be a hair off
    here, below = up_to(r), np.where(r > 0, up_to(np.maximum(r - 1, 0)), 0.0)
    return r - (here - q) / (here - below)


def poisson_limits(expected: Any, level: float = CONTROL) -> Limits:
    """Between what multiples of the `expected` numbers observed ones lie with chance `level`; exact, interpolated.

    Where less than one tail is left to none at all, the lower end is 0; where nothing is expected both are nan.

    Source: measures reference, A15.3 and D1 (per-route funnel); Spiegelhalter (2005), appendix A.3.
    """
    e = np.asarray(expected, np.float64)
    if not 0 < level < 1:
        raise ValueError("A level lies between 0 and 1.")
    many = np.where(e > 0, e, 1.0)

    def quantile(q: float) -> Reals:
        none = pdtr(0, many)
        r = np.where(none >= q, 0.0, np.ceil(pdtrik(np.maximum(q, none), many)))
        return np.where(e > 0, np.maximum(_between_whole(r, q, lambda k: pdtr(k, many)), 0.0) / many, np.nan)

    tail = (1 - level) / 2
    return Limits(quantile(tail), quantile(1 - tail))


def ratio_limits(expected: Any, phi: float, level: float = CONTROL) -> Limits:
    """`poisson_limits`, √`phi` times as far from one as roots are: there counts vary alike, whatever is expected.

    Widened as they are, the lower limit would fall to nothing where the upper one still tells something.
    """
    by = np.sqrt(phi)
    return Limits(*(np.maximum(1 + by * (np.sqrt(end) - 1), 0.0) ** 2 for end in poisson_limits(expected, level)))


def outside_limits(ratios: Any, limits: Limits) -> npt.NDArray[np.int64]:
    """−1, 0 or 1 for ratios below, inside or above their limits; what is missing is inside."""
    r = np.asarray(ratios, np.float64)
    return np.where(r > limits.high, 1, np.where(r < limits.low, -1, 0)).astype(np.int64)


def poisson_scores(observed: Any, expected: Any) -> Reals:
    """How far `observed` numbers lie from the `expected` ones: twice the difference of their roots.

    It varies by one whatever is expected, which the difference of the counts themselves does not.

    Source: Spiegelhalter (2005), section 5.1 (transformed z-scores); F. J. Anscombe (1948), The transformation of
    Poisson, binomial and negative-binomial data, Biometrika 35.
    """
    return 2 * (np.sqrt(np.asarray(observed, np.float64)) - np.sqrt(np.asarray(expected, np.float64)))


def dispersion(z: Any, trim: float = 0.1) -> float:
    """How much more the z-scores vary than chance alone would have it; never less than 1.

    The `trim` most extreme at either end count as the next less extreme ones, so that those who are to be found do
    not widen the limits that find them. Missing scores are left out; of fewer than five nothing is concluded.

    Source: measures reference, A15.3; Spiegelhalter (2005), section 5.1: φ̂ = mean of winsorised z².
    """
    scores = np.asarray(z, dtype=np.float64)
    scores = scores[np.isfinite(scores)]
    if len(scores) < 5:
        return 1.0
    low, high = np.quantile(scores, [trim, 1 - trim])
    return max(1.0, float(np.mean(np.clip(scores, low, high) ** 2)))


def widened(limits: Limits, centre: float, phi: float) -> Limits:
    """`limits` √`phi` times as far from `centre`, inside 0–1."""
    wider = [np.clip(centre + (end - centre) * np.sqrt(phi), 0, 1) for end in limits]
    return Limits(*wider)


class Funnel(NamedTuple):
    """Shares held against everybody's: `centre`, the over-dispersion, and which lie outside.

    `side` is −1 below, 1 above and 0 inside the 99.8 % limits; also 0 where n is under the least number of contacts.
    """

    centre: float
    phi: float
    side: npt.NDArray[np.int64]


def funnel(over: Any, under: Any, fewest: int = FEWEST) -> Funnel:
    """Hold each share `over` / `under` against that of all of them together.

    Raises
    ------
    ValueError
        If there are fewer than none or more than all.

    Source: measures reference, A15.3–4.
    """
    k, n = np.asarray(over, dtype=np.float64), np.asarray(under, dtype=np.float64)
    if ((k < 0) | (k > n)).any():
        raise ValueError("A part lies between none and all.")
    if not n.sum():
        return Funnel(float("nan"), 1.0, np.zeros(n.shape, np.int64))
    centre = float(k.sum() / n.sum())
    told = n >= fewest
    with np.errstate(divide="ignore", invalid="ignore"):
        share = k / n
        z = (share - centre) / np.sqrt(centre * (1 - centre) / n)
    phi = dispersion(z[told])
    low, high = widened(binomial_limits(n, centre), centre, phi)
    side = np.where(told & (share > high), 1, np.where(told & (share < low), -1, 0))
    return Funnel(centre, phi, side.astype(np.int64))


def outside_by_score(z: Any, level: float = CONTROL) -> npt.NDArray[np.int64]:
    """−1, 0 or 1 for z-scores below, inside or above the limits of `level`; over-dispersion taken out.

    Missing scores are inside: of them nothing can be said.
    """
    scores = np.asarray(z, dtype=np.float64)
    return outside(scores, standard_errors(level) * np.sqrt(dispersion(scores)))


def outside(z: Reals, reach: float) -> npt.NDArray[np.int64]:
    """−1, 0 or 1 for z-scores below, inside or above so many standard errors; missing ones are inside."""
    return np.where(z > reach, 1, np.where(z < -reach, -1, 0)).astype(np.int64)
