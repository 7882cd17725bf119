"""How long things take when some are not over yet: Kaplan–Meier from counts.

A median of closed requests only looks quicker the more is left lying; counting the open ones as open mends that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from dashboard.domain.intervals import Z_95

Reals = npt.NDArray[np.float64]
_LAST_BIT = 1e-12
"""A share that is 0.5 but for the last bit is 0.5."""


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


_AT_ONCE = 1_000_000
"""So many steps of curves are held in memory at once."""


def quantiles_by_group(
    group: npt.NDArray[np.int64], duration: npt.ArrayLike, ended: npt.ArrayLike, running: npt.ArrayLike,
    over: Sequence[float],
) -> tuple[npt.NDArray[np.int64], Reals, Reals]:  # fmt: skip
    """The quantiles `over` of many curves at once, and of each the median of what has ended, the rest ignored.

    That median is linear between the two nearest, as numpy's default; it is shown beside the quantiles of the curve,
    never instead of them.

    Parameters
    ----------
    group
        Which curve a row belongs to.
    duration, ended, running
        As for `kaplan_meier`, row by row.

    Returns the groups there are, ascending; per group and share what `Survival.quantile` tells (groups × shares, NaN
    for None); per group the median of what has ended, NaN if nothing has.
    Source: measures reference, B-survival (and its percentile rule for complete data).
    """
    times = np.asarray(duration, float)
    order = np.lexsort((times, group))
    group, times = group[order], times[order]
    new = np.append(True, (group[1:] != group[:-1]) | (times[1:] != times[:-1])) if len(order) else np.zeros(0, bool)
    starts = np.flatnonzero(new)
    group, times = group[starts], times[starts]
    d, c = (
        np.add.reduceat(np.asarray(one, np.int64)[order], starts) if len(starts) else np.zeros(0, np.int64)
        for one in (ended, running)
    )
    groups, begins, lengths = np.unique(group, return_index=True, return_counts=True)
    found, closed_only = np.full((len(groups), len(over)), np.nan), np.full(len(groups), np.nan)
    longest = int(lengths.max(initial=1))
    for some in np.array_split(np.arange(len(groups)), len(groups) * longest // _AT_ONCE + 1):
        width = int(lengths[some].max(initial=1))
        inside = np.arange(width) < lengths[some, None]
        at = np.where(inside, begins[some, None] + np.arange(width), 0)
        when = times[at]
        ends, leaves = np.where(inside, d[at], 0), np.where(inside, d[at] + c[at], 0)
        at_risk = leaves[:, ::-1].cumsum(axis=1)[:, ::-1]
        share = np.cumprod(1 - ends / np.maximum(at_risk, 1), axis=1)
        for k, one in enumerate(over):
            reached = share <= 1 - one + _LAST_BIT
            first = reached.argmax(axis=1)
            found[some, k] = np.where(reached.any(axis=1), np.take_along_axis(when, first[:, None], 1)[:, 0], np.nan)
        upto = ends.cumsum(axis=1)
        place = 0.5 * (upto[:, -1] - 1)
        below, above = (
            np.take_along_axis(when, (upto > edge[:, None]).argmax(axis=1)[:, None], 1)[:, 0]
            for edge in (np.floor(place), np.ceil(place))
        )
        closed_only[some] = np.where(upto[:, -1] > 0, below + (above - below) * (place % 1), np.nan)
    return groups, found, closed_only


def _first(times: Reals, share: Reals, limit: float) -> float | None:
    reached = np.flatnonzero(share <= limit + _LAST_BIT)
    return float(times[reached[0]]) if len(reached) else None
