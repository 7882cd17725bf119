"""Shares of few pulled towards everybody's, as far as their own number of cases says little."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt


class Shrunk(NamedTuple):
    """Each share shrunk, and how.

    `mean` is the share of all together, `phi` how much true shares vary (0: not at all), `weight` how many cases the
    mean counts for (infinite where all are equal).
    """

    share: npt.NDArray[np.float64]
    mean: float
    phi: float
    weight: float


def beta_binomial(over: Any, under: Any) -> Shrunk:
    """Each share `over` / `under` shrunk to the mean of all: (x + M·m) / (n + M), with M by moments.

    Raises
    ------
    ValueError
        If there are fewer than none or more than all.

    Source: measures reference, A15.2.
    """
    x, n = np.asarray(over, dtype=np.float64), np.asarray(under, dtype=np.float64)
    if ((x < 0) | (x > n)).any():
        raise ValueError("A part lies between none and all.")
    total = float(n.sum())
    if not total:
        return Shrunk(np.full(n.shape, np.nan), float("nan"), 0.0, float("inf"))
    mean = float(x.sum() / total)
    groups = int((n > 0).sum())
    spread = float(np.sum(np.where(n > 0, (x - n * mean) ** 2 / np.maximum(n, 1e-300), 0.0)))
    by_chance = mean * (1 - mean)
    room = by_chance * (total - float(np.sum(n**2)) / total - (groups - 1))
    phi = max(0.0, (spread - (groups - 1) * by_chance) / room) if room > 0 else 0.0
    if phi == 0:
        return Shrunk(np.full(n.shape, mean), mean, 0.0, float("inf"))
    weight = max(0.0, 1 / phi - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(n + weight > 0, (x + weight * mean) / (n + weight), mean)
    return Shrunk(share, mean, phi, weight)
