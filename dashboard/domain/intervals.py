"""How sure a share is: Wilson's interval (measures R6)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

Z_95 = 1.959963984540054


def wilson(over: ArrayLike, under: ArrayLike, z: float = Z_95) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and highest share that ``over`` of ``under`` is compatible with, at 95 %.

    Where `under` is 0 nothing is known and both ends are NaN.

    Source
    ------
    E. B. Wilson (1927), Journal of the American Statistical Association 22, 209–212. 45 of 50 gives
    0.78640 to 0.95652, 0 of 10 gives 0 to 0.27753.
    """
    k, n = np.asarray(over, dtype=float), np.asarray(under, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = k / n
        middle = (share + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
        low, high = middle - half, middle + half
    return np.where(n > 0, np.clip(low, 0, 1), np.nan), np.where(n > 0, np.clip(high, 0, 1), np.nan)
