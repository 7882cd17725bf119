"""Whether a promised time fits the time it takes: padded where nobody could break it, out of reach where most do."""

from __future__ import annotations

from math import isnan

PADDED, REALISTIC, TIGHT, OUT_OF_REACH = "padded", "realistic", "tight", "out of reach"
PADDING = 0.5
"""Nine in ten within this part of the promise: it could be half as long."""


def fit(half: float, ninth: float, watched: float) -> str | None:
    """How a promised time fits what is achieved: ``padded``, ``realistic``, ``tight`` or ``out of reach``.

    padded
        Nine in ten are done in at most half the promised time.
    realistic
        Nine in ten are done in the promised time.
    tight
        Half are done in the promised time, nine in ten are not.
    out of reach
        Not even half are done in the promised time.

    All in multiples of the promise made for each request, so that promises which differ (by weekends, by appointment)
    are judged each by its own.

    Parameters
    ----------
    half, ninth
        The multiple of the promise by which half and nine in ten of the requests are done, still-open ones counted as
        open (`survival.kaplan_meier`); nan if that many are not done yet.
    watched
        For how long the first of these requests has been watched. Where nine in ten is not reached and even the first
        one's promise has not run out (under 1), nobody can know yet: None.

    Source: measures reference, B-SLA (“static promises mislead”) and B-survival; users reference, section 2, 21.
    """
    if isnan(watched) or (isnan(ninth) and watched < 1):
        return None
    if ninth <= PADDING:
        return PADDED
    if ninth <= 1:
        return REALISTIC
    return TIGHT if half <= 1 else OUT_OF_REACH
