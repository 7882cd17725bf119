"""How many times as often one thing happens as another."""

from __future__ import annotations

import numpy as np
from scipy.special import betaincinv


def rate_ratio(a: int, exposure_a: float, b: int, exposure_b: float, level: float = 0.95) -> tuple[float, float, float]:
    """The ratio of the rates ``a / exposure_a`` and ``b / exposure_b`` and its exact interval; nan where it has none.

    Given their sum, a is binomial: the interval is Clopper and Pearson's of that share, told as a ratio. Without any b
    the ratio and its upper end are infinite; without any a it is 0. Source: Przyborowski and Wilenski 1940.
    """
    if exposure_a <= 0 or exposure_b <= 0 or a + b == 0:
        return np.nan, np.nan, np.nan
    tail = (1 - level) / 2
    low = betaincinv(a, b + 1, tail) if a else 0.0
    high = betaincinv(a + 1, b, 1 - tail) if b else 1.0
    scale = exposure_b / exposure_a

    def ratio(share: float) -> float:
        return float(scale * share / (1 - share)) if share < 1 else float("inf")

    return ratio(a / (a + b)), ratio(float(low)), ratio(float(high))
