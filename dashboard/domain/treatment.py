"""Did treating a place help? Places treated against places like them that were not, over the same days."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BEFORE_DAYS = 182
"""Places are alike that had the same number in so many days before."""
LATELY_DAYS = 14
"""Treatment follows a report: places are alike that also had as many lately."""
CONTROLS = 3
"""Untreated places that each treated one is held against."""
CLEAR_DAYS = 60
"""An untreated place was not treated within so many days before. What comes later must not choose it: a place that is
never treated afterwards is one that was not reported again."""
DRAWS, SEED = 999, 311


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
    counts: npt.NDArray[np.int64], place: npt.NDArray[np.int64], day: npt.NDArray[np.int64], *, within_days: int
) -> Effect:
    """Compare what came after treatments with what came in matched untreated places.

    Parameters
    ----------
    counts
        (places, days): how many were reported in each place on each day.
    place, day
        Of each treatment, positions in `counts`. A place treated again within `within_days` is followed from the first
        of these treatments on.

    Each treatment that can be followed is matched with `CONTROLS` places on the same day, untreated in the `CLEAR_DAYS`
    before: with as many reports in the last `LATELY_DAYS`, nearest in their number in the `BEFORE_DAYS` before, of
    equals any; one that is met by none within a fifth (at least 1) is left out. The interval is of a bootstrap over
    treated places, which keeps the treatments of a place together. Source: measures reference, C5 and D3.
    """
    places, days = counts.shape
    order = np.lexsort((day, place))
    place, day = np.asarray(place)[order], np.asarray(day)[order]
    summed = np.concatenate([np.zeros((places, 1), np.int64), counts.cumsum(axis=1)], axis=1)
    treated_on = np.zeros((places, days + 1), np.int64)
    inside = (day >= 0) & (day < days)
    np.add.at(treated_on, (place[inside], day[inside] + 1), 1)
    treatments = treated_on.cumsum(axis=1)
    followed: list[tuple[int, int]] = []
    for at, on in zip(place.tolist(), day.tolist(), strict=True):
        again = followed and followed[-1][0] == at and on - followed[-1][1] <= within_days
        if on >= BEFORE_DAYS and on + within_days < days and not again:
            followed.append((at, on))
    rng = np.random.default_rng(SEED)
    rows = []
    for at, on in followed:
        before = summed[:, on + 1] - summed[:, on + 1 - BEFORE_DAYS]
        lately = summed[:, on + 1] - summed[:, on + 1 - LATELY_DAYS]
        clear = treatments[:, on + 1] - treatments[:, max(on - CLEAR_DAYS, 0)] == 0
        clear &= (lately == lately[at]) & (np.abs(before - before[at]) <= max(1.0, 0.2 * before[at]))
        clear[at] = False
        alike = rng.permutation(np.flatnonzero(clear))
        if not len(alike):
            continue
        matched = alike[np.argsort(np.abs(before[alike] - before[at]), kind="stable")[:CONTROLS]]
        after = summed[:, on + 1 + within_days] - summed[:, on + 1] > 0
        rows.append((at, int(after[at]), len(matched), int(after[matched].sum())))
    if not rows:
        return Effect(within_days, 0, 0, 0, 0, np.nan, np.nan, np.nan)
    table = np.array(rows)
    _, group = np.unique(table[:, 0], return_inverse=True)
    sums = np.array([np.bincount(group, weights) for weights in
                     (np.ones(len(table)), table[:, 1], table[:, 3] / table[:, 2])])  # fmt: skip
    drawn = rng.multinomial(
        sums.shape[1], np.full(sums.shape[1], 1 / sums.shape[1]), size=DRAWS
    ) @ sums.T  # fmt: skip
    spread = drawn[:, 1] / drawn[:, 0] - drawn[:, 2] / drawn[:, 0]
    total = sums.sum(axis=1)
    low, high = np.quantile(spread, [0.025, 0.975])
    return Effect(
        within_days, len(table), int(total[1]), int(table[:, 2].sum()), int(table[:, 3].sum()),
        float(total[1] / total[0] - total[2] / total[0]), float(low), float(high),
    )  # fmt: skip
