"""Whether a number is unusual: process limits from its own past (XmR), and the verdict in words.

An arrow between the last two points cries wolf every second month; limits say when a change is more than the usual
coming and going.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FEWEST = 6
"""Fewer points say nothing about what is usual; under 12 the limits are indicative."""
ENOUGH = 12


@dataclass(frozen=True)
class Limits:
    """What is usual: the mean of the points, the mean moving range and the limits that follow.

    `low` and `high` are the natural process limits, `range_limit` the upper limit of a step from one point to the
    next; `is_indicative` where there were fewer than 12 points.
    """

    mean: float
    moving_range: float
    low: float
    high: float
    range_limit: float
    is_indicative: bool


@dataclass(frozen=True)
class Verdict:
    """A judgement: ``status`` is same, near, meets, misses or unknown (the marks of the page); `words` say it."""

    status: str
    words: str


def xmr(values: npt.ArrayLike, *, floor: float | None = None, ceiling: float | None = None) -> Limits | None:
    """The limits of an individuals chart; None with fewer than 6 points. Missing points are left out.

    `floor` and `ceiling` clip the limits where the measure cannot go further (0 for counts, 0 and 1 for shares).

    Source: D. J. Wheeler; measures reference, H1: x̄ ± 2.66·mR̄, range limit 3.267·mR̄.
    """
    points = np.asarray(values, dtype=float)
    points = points[np.isfinite(points)]
    if len(points) < FEWEST:
        return None
    mean, moving = float(points.mean()), float(np.abs(np.diff(points)).mean())
    low, high = mean - 2.66 * moving, mean + 2.66 * moving
    return Limits(
        mean=mean,
        moving_range=moving,
        low=low if floor is None else max(low, floor),
        high=high if ceiling is None else min(high, ceiling),
        range_limit=3.267 * moving,
        is_indicative=len(points) < ENOUGH,
    )


def signals(values: npt.ArrayLike, limits: Limits) -> dict[str, npt.NDArray[np.bool_]]:
    """Where `values` are more than chance, by rule; a rule marks the point that completes it.

    ``outside``: beyond a limit. ``run``: 8 in a row on one side. ``near_limit``: 3 of 4 nearer a limit than the mean.

    Source: measures reference, H1.
    """
    points = np.asarray(values, dtype=float)
    side = np.sign(points - limits.mean)
    far = np.where(
        points > (limits.mean + limits.high) / 2, 1, np.where(points < (limits.mean + limits.low) / 2, -1, 0)
    )
    run, near = np.zeros(len(points), bool), np.zeros(len(points), bool)
    for end in range(len(points)):
        if end >= 7:
            run[end] = side[end] != 0 and bool((side[end - 7 : end + 1] == side[end]).all())
        if end >= 3:
            near[end] = far[end] != 0 and int((far[end - 3 : end + 1] == far[end]).sum()) >= 3
    return {"outside": (points > limits.high) | (points < limits.low), "run": run, "near_limit": near}


def verdict(value: float | None, limits: Limits | None, better: str | None = None) -> Verdict:
    """Whether `value` is usual, in the words of the page.

    `better` is ``higher``, ``lower`` or None where more is neither good nor bad.
    """
    if limits is None or value is None or not np.isfinite(value):
        return Verdict("unknown", "Not enough data")
    if limits.low <= value <= limits.high:
        return Verdict("same", "No real change")
    above = value > limits.high
    if better is None:
        return Verdict("near", "More than usual" if above else "Fewer than usual")
    good = above == (better == "higher")
    return Verdict("meets", "Better than usual") if good else Verdict("misses", "Worse than usual")
