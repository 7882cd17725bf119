"""Rates of small places drawn towards the rate of all, the more the smaller they are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def smoothed_rates(counts: npt.ArrayLike, exposure: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Each place's rate (n,) and the weight its own number has in it; NaN without exposure.

    Source: Marshall 1991; measures reference, C4.
    """
    c, people = np.asarray(counts, float), np.asarray(exposure, float)
    known = people > 0
    total = people[known].sum()
    rates, weights = np.full(len(c), np.nan), np.full(len(c), np.nan)
    if not known.any():
        return rates, weights
    raw = c[known] / people[known]
    mean = c[known].sum() / total
    spread = (people[known] * (raw - mean) ** 2).sum() / total
    between = max(0.0, spread - mean / people[known].mean())
    with np.errstate(divide="ignore", invalid="ignore"):
        weights[known] = np.where(mean > 0, between / (between + mean / people[known]), 0.0)
    rates[known] = weights[known] * raw + (1 - weights[known]) * mean
    return rates, weights
