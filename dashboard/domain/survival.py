"""How long things take when some are not over yet: Kaplan–Meier from counts.

A median of closed requests only looks quicker the more is left lying; counting the open ones as open mends that.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Reals = npt.NDArray[np.float64]
Z_95 = 1.959963984540054


@dataclass(frozen=True, eq=False)
class Survival:
    """A survival curve.

    Attributes
    ----------
    times
        The durations at which something ended, ascending.
    share
        The share still running just after each of them.
    at_risk, ends
        How many had lasted until each of them, and how many ended at it.
    n, ended
        How many there were, and how many of them ended.
    """

    times: Reals
    share: Reals
    at_risk: Reals
    ends: Reals
    n: int
    ended: int

    @property
    def low(self) -> Reals:
        """Where the 95 % interval of `share` begins (Greenwood's variance on the log-log scale); NaN if it has none."""
        return self._interval[0]

    @property
    def high(self) -> Reals:
        """Where it ends."""
        return self._interval[1]

    @cached_property
    def _interval(self) -> tuple[Reals, Reals]:
        share, d, at_risk = self.share, self.ends, self.at_risk
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = np.sqrt(np.cumsum(d / (at_risk * (at_risk - d)))) / np.log(share)
            low, high = share ** np.exp(-Z_95 * spread), share ** np.exp(Z_95 * spread)
        inside = (share > 0) & (share < 1)
        return np.where(inside, low, np.nan), np.where(inside, high, np.nan)

    def quantile(self, over: float) -> float | None:
        """The shortest duration by which the share `over` has ended; None if so many have not ended yet."""
        return _first(self.times, self.share, 1 - over)

    def quantile_interval(self, over: float) -> tuple[float | None, float | None]:
        """The 95 % interval of `quantile(over)`: where the curve's own limits cross; None is “not reached”."""
        return _first(self.times, self.low, 1 - over), _first(self.times, self.high, 1 - over)


def kaplan_meier(duration: npt.ArrayLike, ended: npt.ArrayLike, running: npt.ArrayLike) -> Survival:
    """The survival curve of durations, from counts.

    Parameters
    ----------
    duration
        Durations in any unit; a duration may occur more than once.
    ended, running
        How many ended at each duration, and how many are still running and have lasted so long. At equal durations
        endings come first.

    Source
    ------
    Kaplan & Meier (1958); measures reference, B-survival: Ŝ(t) = Π (1 − d_i / r_i), the median is min{t: Ŝ ≤ 0.5}.
    """
    times, at = np.unique(np.asarray(duration, dtype=float), return_inverse=True)
    d = np.bincount(at, np.asarray(ended, dtype=float), len(times))
    c = np.bincount(at, np.asarray(running, dtype=float), len(times))
    at_risk = (d + c)[::-1].cumsum()[::-1]
    n, total = int(at_risk[0]) if len(times) else 0, int(d.sum())
    happened = d > 0
    times, d, at_risk = times[happened], d[happened], at_risk[happened]
    share = np.cumprod(1 - d / at_risk)
    share[np.isclose(share, 0, atol=1e-12)] = 0.0
    return Survival(times, share, at_risk, d.astype(float), n, total)


def closed_only_quantile(duration: npt.ArrayLike, ended: npt.ArrayLike, over: float) -> float:
    """The quantile of what has ended, the rest ignored: linear between the two nearest, as numpy's default.

    NaN if nothing has ended. It is shown beside `Survival.quantile`, never instead of it.

    Source: measures reference, B-survival (percentile rule for complete data).
    """
    order = np.argsort(np.asarray(duration, dtype=float), kind="stable")
    sorted_, count = np.asarray(duration, dtype=float)[order], np.asarray(ended, dtype=np.int64)[order]
    total = int(count.sum())
    if total == 0:
        return float("nan")
    upto = np.cumsum(count)
    place = over * (total - 1)
    below, above = sorted_[np.searchsorted(upto, [np.floor(place), np.ceil(place)], side="right")]
    return float(below + (above - below) * (place % 1))


def _first(times: Reals, share: Reals, limit: float) -> float | None:
    # A share that is 0.5 but for the last bit is 0.5.
    reached = np.flatnonzero(share <= limit + 1e-12)
    return float(times[reached[0]]) if len(reached) else None
