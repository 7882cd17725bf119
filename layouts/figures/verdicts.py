"""Whether the last complete month is unusual for a measure, told from the months before it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dashboard.domain.control_charts import FEWEST, verdict, xmr
from data_access.semantics import Measure

BASE = 12
"""At most so many months before the last one say what is usual."""


class Usual(NamedTuple):
    """What is usual and whether the last value is: limits, a status and its words."""

    band: tuple[float, float]
    status: str
    words: str


def usual(values: np.ndarray, measure: Measure) -> Usual | None:
    """The last of `values` against limits from those before it; None if there are too few to say.

    `values` are those of complete months only: a running one is never judged.
    """
    known = np.asarray(values, float)
    known = known[np.isfinite(known)]
    if len(known) < FEWEST + 1:
        return None
    limits = xmr(known[:-1][-BASE:], floor=0.0, ceiling=1.0 if measure.unit == "share" else None)
    if limits is None:
        return None
    said = verdict(float(known[-1]), limits, measure.better)
    return Usual((limits.low, limits.high), said.status, said.words)
