"""Mann and Kendall's test: does a series rise or fall, whatever its shape?

Descriptive where the numbers of a series depend on each other, as they do for windows that overlap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trend:
    """S, its variance, z and two-sided p of each series (n,)."""

    s: Floats
    var: Floats
    z: Floats
    p: Floats


def mann_kendall(series: npt.ArrayLike) -> Trend:
    """The trend of each row of (n, slices), ties among its values taken into account.

    Source: Mann 1945, Kendall 1975; measures reference, C2.
    """
    y = np.atleast_2d(np.asarray(series, float))
    n, slices = y.shape
    s = np.zeros(n)
    for lag in range(1, slices):
        s += np.sign(y[:, lag:] - y[:, :-lag]).sum(axis=1)
    ordered = np.sort(y, axis=1)
    # How many share a value: t(t − 1)(2t + 5) summed over groups of equal values, each counted at its last member.
    run = np.ones(n)
    ties = np.zeros(n)
    for at in range(1, slices + 1):
        same = ordered[:, at] == ordered[:, at - 1] if at < slices else np.zeros(n, bool)
        ties += np.where(same, 0.0, run * (run - 1) * (2 * run + 5))
        run = np.where(same, run + 1, 1.0)
    var = (slices * (slices - 1) * (2 * slices + 5) - ties) / 18
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(var > 0, (s - np.sign(s)) / np.sqrt(var), 0.0)
    return Trend(s, var, z, 2 * norm.sf(np.abs(z)))
