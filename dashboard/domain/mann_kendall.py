"""Mann and Kendall's test: does a series rise or fall, whatever its shape?

Descriptive where the numbers of a series depend on each other, as they do for windows that overlap.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

Reals = npt.NDArray[np.float64]

FEWEST = 10
"""Of fewer points no trend is told (measures reference, C2)."""


class Trend(NamedTuple):
    """Arrays of one value for each series: the score S, its variance, z and the two-sided p."""

    s: Reals
    var: Reals
    z: Reals
    p: Reals


def mann_kendall(series: Any, least: int = FEWEST) -> Trend:
    """The Mann–Kendall test of each row of `series`, ties allowed for.

    S = Σ_{i<j} sgn(y_j − y_i); Var S = (n(n−1)(2n+5) − Σ t(t−1)(2t+5)) / 18 over groups of t equal values;
    z = (S ∓ 1) / √Var S. A series that never changes has z = 0 and p = 1.

    Parameters
    ----------
    series
        Shape (rows, points) or (points,), in the order of time. NaN is a missing point and left out.
    least
        Where a row has fewer points, everything is NaN.

    Source: measures reference, C2; H. B. Mann (1945), Nonparametric tests against trend, Econometrica 13; M. G. Kendall
    (1975), Rank Correlation Methods.
    """
    y = np.asarray(series, dtype=np.float64)
    n = (~np.isnan(y)).sum(axis=-1)
    s = np.zeros(y.shape[:-1])
    equal = (~np.isnan(y)).astype(np.float64)  # how many points have the value of each, itself included
    for apart in range(1, y.shape[-1]):
        later, earlier = y[..., apart:], y[..., :-apart]
        same = later == earlier
        s += np.sum(later > earlier, axis=-1, dtype=np.int64) - np.sum(later < earlier, axis=-1, dtype=np.int64)
        equal[..., apart:] += same
        equal[..., :-apart] += same
    # A group of t equal values holds t points: each of them brings the t-th part.
    ties = ((equal - 1) * (2 * equal + 5) * (equal > 0)).sum(axis=-1)
    told = n >= max(least, 2)
    s = np.where(told, s, np.nan)
    var = np.where(told, np.maximum(n * (n - 1) * (2 * n + 5) - ties, 0) / 18, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(s == 0, 0.0, (s - np.sign(s)) / np.sqrt(var))
    return Trend(s, var, z, np.asarray(2 * ndtr(-np.abs(z))))
