"""How far a share or a rate may be from the truth: 95 % intervals.

Vectorised: one number or arrays of one shape. Where there is nothing to divide by, everything is nan.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import chdtri, ndtri

Reals = npt.NDArray[np.float64]


def standard_errors(level: float) -> float:
    """How many standard errors to either side chance reaches with this `level`: 1.96 for 95 %, 3.09 for 99.8 %."""
    return float(ndtri((1 + level) / 2))


Z_95 = standard_errors(0.95)
"""So many standard errors to either side are 95 %."""


class Interval(NamedTuple):
    """A value with the ends of its 95 % interval."""

    value: Reals
    lower: Reals
    upper: Reals


def direction(low: float, high: float) -> int:
    """Where the interval of a ratio lies: −1 below 1, 1 above it; 0: no difference can be told."""
    return -1 if high < 1 else 1 if low > 1 else 0


def wilson(successes: Any, n: Any) -> Interval:
    """Return the share `successes` / `n` with its Wilson interval, all 0–1.

    Raises
    ------
    ValueError
        If there are fewer successes than none or more than `n`.

    Source: measures reference, R6; E. B. Wilson (1927), Probable inference, JASA 22.
    """
    k, n = np.asarray(successes, dtype=np.float64), np.asarray(n, dtype=np.float64)
    if ((k < 0) | (k > n)).any():
        raise ValueError("Successes are a part of all: between 0 and n.")
    z2 = Z_95**2
    with np.errstate(divide="ignore", invalid="ignore"):
        share = k / n
        middle = (k + z2 / 2) / (n + z2)
        width = Z_95 / (n + z2) * np.sqrt(k * (n - k) / n + z2 / 4)
    # None of n and all of n are exact ends; the difference of two roundings is not.
    lower = np.where(k == 0, 0.0, middle - width)
    upper = np.where(k == n, 1.0, middle + width)
    return Interval(share, *(np.where(n > 0, end, np.nan) for end in (lower, upper)))


def difference(successes: Any, n: Any, others: Any, of_others: Any) -> Interval:
    """Return by how much the share `successes` / `n` exceeds the share `others` / `of_others`, −1 to 1.

    The two must be of different things: a district and the rest of the city, not the city with the district in it.

    Source: R. G. Newcombe (1998), Interval estimation for the difference between independent proportions, Statistics
    in Medicine 17, method 10 (from the two Wilson intervals).
    """
    here, there = wilson(successes, n), wilson(others, of_others)
    value = here.value - there.value
    below = np.hypot(here.value - here.lower, there.upper - there.value)
    above = np.hypot(here.upper - here.value, there.value - there.lower)
    return Interval(value, value - below, value + above)


def poisson_rate(events: Any, exposure: Any, per: float = 1.0) -> Interval:
    """Return events per `per` units of exposure with the exact Poisson interval.

    No events still have an upper end: 0 in 20,000 may be as much as 1.8 per 10,000.

    Raises
    ------
    ValueError
        If a number of events or an exposure is negative.

    Source: measures reference, R6; F. Garwood (1936), Fiducial limits for the Poisson distribution, Biometrika 28.
    """
    k, exposure = np.asarray(events, dtype=np.float64), np.asarray(exposure, dtype=np.float64)
    if (k < 0).any() or (exposure < 0).any():
        raise ValueError("Events and exposure are zero or more.")
    # chdtri takes the upper tail, and has no answer for 0 degrees of freedom.
    lower = np.where(k == 0, 0.0, chdtri(2 * np.maximum(k, 1), 0.975) / 2)
    upper = chdtri(2 * (k + 1), 0.025) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return Interval(*(np.where(exposure > 0, end / exposure * per, np.nan) for end in (k, lower, upper)))
