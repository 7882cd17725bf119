"""Did treating a place help? Places treated against places like them that were not, over the same days."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dashboard.domain.intervals import difference as between

BEFORE_DAYS = 182
"""Places are alike that had the same number in so many days before."""
LATELY_DAYS = 14
"""A visit follows a report: places are alike that also had as many lately."""
APART_DAYS = 14
"""Visits are compared that are no further apart, so that season and weather are the same."""
CONTROLS = 3
"""Visits without treatment that each treatment is held against."""
CLEAR_DAYS = 60
"""A place without treatment had none within so many days before either. What comes later must not choose it: a place
that is never treated afterwards is one that was not reported again."""
SEED = 311
"""Of visits alike in all, which are taken is drawn."""


@dataclass(frozen=True)
class Effect:
    """How often it came back within `within_days`: treated places and their matches, each a number and a share of it.

    `difference` is of the shares, treated − untreated, with its 95 % interval; NaN where nothing could be followed.
    """

    within_days: int
    treated: int
    treated_again: int
    controls: int
    controls_again: int
    difference: float
    low: float
    high: float


def effect_of_treatment(
    counts: npt.NDArray[np.int64], place: npt.NDArray[np.integer], day: npt.NDArray[np.integer],
    is_treated: npt.NDArray[np.bool_], *, within_days: int,
) -> Effect:  # fmt: skip
    """Compare what came after visits with treatment with what came after visits like them without.

    Parameters
    ----------
    counts
        (places, days): how many were reported in each place on each day.
    place, day, is_treated
        Of each visit: positions in `counts`, and whether the place was treated. A place treated again within
        `within_days` is followed from the first of these treatments on.

    Each treatment that can be followed is matched with `CONTROLS` visits without, in other places untreated for
    `CLEAR_DAYS`, at most `APART_DAYS` apart: with as many reports in the last `LATELY_DAYS`, nearest in their number in
    the `BEFORE_DAYS` before; one that is met by none within a fifth (at least 1) is left out. The interval is
    Newcombe's (`intervals.difference`) of as many visits as are independent: those of one place are not, nor is a visit
    that is held against several treatments.
    Source: measures reference, C5 and D3; Korn and Graubard 1998, Confidence intervals for proportions with small
    expected number of positive counts estimated from survey data (the effective number).
    """
    places, days = counts.shape
    order = np.lexsort((day, place))
    place, day, is_treated = np.asarray(place)[order], np.asarray(day)[order], np.asarray(is_treated)[order]
    summed = np.concatenate([np.zeros((places, 1), np.int64), counts.cumsum(axis=1)], axis=1)
    treated_on = np.zeros((places, days + 1), np.int64)
    inside = is_treated & (day >= 0) & (day < days)
    np.add.at(treated_on, (place[inside], day[inside] + 1), 1)
    treatments = treated_on.cumsum(axis=1)
    can = (day >= BEFORE_DAYS) & (day + within_days < days)
    place, day, is_treated = place[can], day[can], is_treated[can]
    before = summed[place, day + 1] - summed[place, day + 1 - BEFORE_DAYS]
    lately = summed[place, day + 1] - summed[place, day + 1 - LATELY_DAYS]
    again = summed[place, day + 1 + within_days] - summed[place, day + 1] > 0
    clear = ~is_treated & (treatments[place, day + 1] == treatments[place, np.maximum(day - CLEAR_DAYS, 0)])
    control = np.flatnonzero(clear)[np.argsort(day[clear], kind="stable")]
    on = day[control]
    rng = np.random.default_rng(SEED)
    followed: list[int] = []
    matches: list[npt.NDArray[np.intp]] = []
    last: tuple[int, int] | None = None
    for i in np.flatnonzero(is_treated).tolist():
        if last is not None and last[0] == place[i] and day[i] - last[1] <= within_days:
            continue
        last = (int(place[i]), int(day[i]))
        near = control[np.searchsorted(on, day[i] - APART_DAYS) : np.searchsorted(on, day[i] + APART_DAYS + 1)]
        off = np.abs(before[near] - before[i])
        alike = (lately[near] == lately[i]) & (off <= max(1.0, 0.2 * before[i])) & (place[near] != place[i])
        pool = rng.permutation(np.flatnonzero(alike))
        if not len(pool):
            continue
        followed.append(i)
        matches.append(near[pool[np.argsort(off[pool], kind="stable")[:CONTROLS]]])
    if not followed:
        return Effect(within_days, 0, 0, 0, 0, np.nan, np.nan, np.nan)
    n, held = len(followed), np.concatenate(matches)
    share, of = _weighted(again[followed], place[followed], np.ones(n))
    share_of_controls, of_controls = _weighted(
        again[held], place[held], np.concatenate([np.full(len(some), 1 / len(some)) for some in matches])
    )
    difference, low, high = between(share * of, of, share_of_controls * of_controls, of_controls)
    return Effect(
        within_days, n, int(again[followed].sum()), len(held), int(again[held].sum()),
        float(difference), float(low), float(high),
    )  # fmt: skip


def _weighted(
    again: npt.NDArray[np.bool_], place: npt.NDArray[np.integer], weight: npt.NDArray[np.float64]
) -> tuple[float, float]:
    """The share that came back, and of how many visits independent of each other it would be as sure.

    Its variance is that of the sums over places. Where all came back or none did that says nothing: there every visit
    of a place is taken for the same, as it is at the worst.
    """
    share = float((weight * again).sum() / weight.sum())
    of_place = np.bincount(place, weight)
    fewest = float(of_place.sum() ** 2 / (of_place**2).sum())
    variance = float((np.bincount(place, weight * (again - share)) ** 2).sum() / weight.sum() ** 2)
    return share, fewest if variance <= 0 else float(np.clip(share * (1 - share) / variance, fewest, len(place)))
