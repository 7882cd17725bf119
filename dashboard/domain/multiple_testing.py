"""Many tests at once: how large a share of what is called significant may be chance."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def benjamini_hochberg(p: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """q for each p (n,), or by column of (n, s): rejecting all with q ≤ r keeps the expected share of errors at r.

    NaN was not tested: it stays NaN and does not count. Source: Benjamini and Hochberg 1995; measures reference, C1.
    """
    given = np.asarray(p, float)
    columns = given if given.ndim == 2 else given[:, None]
    q = np.full(columns.shape, np.nan)
    for column in range(columns.shape[1]):
        tested = np.flatnonzero(~np.isnan(columns[:, column]))
        own = columns[tested, column]
        order = np.argsort(own, kind="stable")[::-1]
        rank = np.arange(len(own), 0, -1)
        q[tested[order], column] = np.minimum(np.minimum.accumulate(own[order] * len(own) / rank), 1.0)
    return q.reshape(given.shape)
