"""What became of a place that stood out: the categories of emerging hot spot analysis, in their own words.

Implemented from the definitions, not from a program: programs differ from them (measures reference, C2).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import numpy as np
import numpy.typing as npt

Flags = npt.NDArray[np.bool_]
MOSTLY = 0.9
"""A place that stood out in so large a share of the slices nearly always did."""
RISING = 0.05
"""The level at which a trend is told."""


class Category(Enum):
    """What became of a place: a word, whether it is about much or little, and what it means."""

    NEW = ("new", "stands out in the last slice for the first time")
    CONSECUTIVE = ("consecutive", "stands out without a break at the end, and never did before")
    INTENSIFYING = ("intensifying", "stands out nearly always, the last slice included, and more and more")
    PERSISTENT = ("persistent", "stands out nearly always, without a trend")
    DIMINISHING = ("diminishing", "stands out nearly always, the last slice included, but less and less")
    SPORADIC = ("sporadic", "stands out on and off, also in the last slice")
    OSCILLATING = ("oscillating", "stands out in the last slice, and stood out to the other side before")
    HISTORICAL = ("historical", "stood out nearly always, but not in the last slice")
    NEW_COLD = ("new cold", "lies below the city in the last slice for the first time")
    CONSECUTIVE_COLD = ("consecutive cold", "lies below the city without a break at the end, and never did before")
    INTENSIFYING_COLD = ("intensifying cold", "lies below the city nearly always, and more and more")
    PERSISTENT_COLD = ("persistent cold", "lies below the city nearly always, without a trend")
    DIMINISHING_COLD = ("diminishing cold", "lies below the city nearly always, but less and less")
    SPORADIC_COLD = ("sporadic cold", "lies below the city on and off, also in the last slice")
    OSCILLATING_COLD = ("oscillating cold", "lies below the city in the last slice, and stood out above it before")
    HISTORICAL_COLD = ("historical cold", "lay below the city nearly always, but not in the last slice")
    NONE = ("none", "no pattern")

    @property
    def word(self) -> str:
        """What it is called."""
        return self.value[0]

    @property
    def meaning(self) -> str:
        """What that means, to follow “it”."""
        return self.value[1]


_HOT = ("NEW", "CONSECUTIVE", "INTENSIFYING", "PERSISTENT", "DIMINISHING", "SPORADIC", "OSCILLATING", "HISTORICAL")


def categories(hot: Flags, cold: Flags, trend_z: npt.ArrayLike, trend_p: npt.ArrayLike) -> list[Category]:
    """The category of each place (n) from its slices (n, s) and the trend of its z; the first that fits.

    The rules are those of the text: a persistent place need not stand out in the last slice, and what stands out above
    is told before what lies below. A trend of NaN is none.

    Source: Esri, “How Emerging Hot Spot Analysis works”, as told in the measures reference, C2.
    """
    z, p = np.asarray(trend_z, float), np.asarray(trend_p, float)
    found = _side(hot, cold, z, p, "")
    below = _side(cold, hot, -z, p, "_COLD")
    return [above if above is not Category.NONE else under for above, under in zip(found, below, strict=True)]


def _side(own: Flags, other: Flags, z: npt.NDArray, p: npt.NDArray, suffix: str) -> Sequence[Category]:
    slices = own.shape[1]
    last, ever = own[:, -1], own.sum(axis=1)
    share = ever / slices
    # How many slices in a row it has stood out at the end.
    run = np.where(own.all(axis=1), slices, np.argmin(own[:, ::-1], axis=1))
    opposite = other.any(axis=1)
    up, down = (p < RISING) & (z > 0), (p < RISING) & (z < 0)
    rules = {
        "NEW": last & (ever == 1),
        "CONSECUTIVE": last & (run >= 2) & (run == ever) & (share < MOSTLY),
        "INTENSIFYING": last & (share >= MOSTLY) & up,
        "PERSISTENT": (share >= MOSTLY) & ~up & ~down,
        "DIMINISHING": last & (share >= MOSTLY) & down,
        "SPORADIC": last & (share < MOSTLY) & ~opposite,
        "OSCILLATING": last & (share < MOSTLY) & opposite,
        "HISTORICAL": ~last & (share >= MOSTLY),
    }
    names = np.select([rules[name] for name in _HOT], [name + suffix for name in _HOT], default="NONE")
    return [Category[str(name)] for name in names]
