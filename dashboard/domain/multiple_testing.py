"""Many tests at once: p-values adjusted so that of what is called significant only a known share is by chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def benjamini_hochberg(p: Any) -> npt.NDArray[np.float64]:
    """Return the adjusted p-values q: calling what has q ≤ α significant keeps the false discovery rate at α.

    Parameters
    ----------
    p
        p-values; of an array of shape (tests, families) each column is a family of its own. NaN is no test: it stays
        NaN and does not count.

    Raises
    ------
    ValueError
        If a p-value is not between 0 and 1.

    Source: Y. Benjamini and Y. Hochberg (1995), Controlling the false discovery rate, Journal of the Royal Statistical
    Society B 57; measures reference, C1.
    """
    chance = np.asarray(p, dtype=np.float64)
    if ((chance < 0) | (chance > 1)).any():
        raise ValueError("A p-value lies between 0 and 1.")
    if not chance.size:
        return chance.copy()
    order = np.argsort(chance, axis=0, kind="stable")  # NaN last
    tests = (~np.isnan(chance)).sum(axis=0)
    rank = np.arange(1, len(chance) + 1).reshape((-1,) + (1,) * (chance.ndim - 1))
    raised = np.take_along_axis(chance, order, axis=0) * tests / rank
    # The smallest of this and all less significant ones: fmin, which passes NaN by.
    smallest = np.fmin.accumulate(raised[::-1], axis=0)[::-1]
    q = np.empty_like(chance)
    np.put_along_axis(q, order, np.where(rank <= tests, smallest, np.nan), axis=0)
    return q
