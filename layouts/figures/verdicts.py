"""Whether the last complete month is unusual: process limits of the months before, in words."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

FEWEST = 8
"""Fewer complete months say nothing about what is usual."""
WIDTH = 2.66
"""Limits of an individuals chart: mean ± 2.66 × mean moving range."""


class Usual(NamedTuple):
    """What is usual and whether the last value is: limits, a status and its words."""

    band: tuple[float, float]
    status: str
    words: str


def usual(values: np.ndarray, better: str | None) -> Usual | None:
    """The last of `values` against limits from the others; None if there are too few to say.

    Source
    ------
    Individuals and moving range chart (XmR): D. J. Wheeler, Understanding Variation (1993).
    """
    known = np.asarray(values, float)
    known = known[np.isfinite(known)]
    if len(known) < FEWEST + 1:
        return None
    past, last = known[:-1][-12:], known[-1]
    reach = WIDTH * float(np.abs(np.diff(past)).mean())
    low, high = past.mean() - reach, past.mean() + reach
    band = (max(0.0, float(low)), float(high))
    if low <= last <= high:
        return Usual(band, "same", "No real change")
    above = last > high
    if better is None:
        return Usual(band, "near", "More than usual" if above else "Fewer than usual")
    good = above == (better == "higher")
    return Usual(band, "meets" if good else "misses", "Better than usual" if good else "Worse than usual")
