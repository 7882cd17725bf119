"""Days on which nothing came in although days like them bring something: a transfer failed, or nobody recorded.

A day is silent if it brought nothing, the city was not shut, and of the same weekday in the four weeks to either side
the middle one brought at least `USUAL`. Days without a neighbour are never silent: a town's quiet line is no failure.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

import numpy as np

WEEKS = 4
USUAL = 5.0


def silent(days: Sequence[date], counts: np.ndarray, closed_on: Collection[date] = ()) -> np.ndarray:
    """Which of `days`, one after the other without a gap, are silent; `counts` say what came in on each."""
    n, found = len(days), np.zeros(len(days), bool)
    for at in map(int, np.flatnonzero(np.asarray(counts) == 0)):
        near = [at + 7 * weeks for weeks in range(-WEEKS, WEEKS + 1) if weeks]
        alike = [counts[i] for i in near if 0 <= i < n and days[i] not in closed_on]
        found[at] = bool(alike) and days[at] not in closed_on and float(np.median(alike)) >= USUAL
    return found
