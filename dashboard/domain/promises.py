"""Whether a promised time fits the time it takes: padded where nobody could break it, out of reach where most do."""

from __future__ import annotations

from math import isnan

PADDED, REALISTIC, TIGHT, OUT_OF_REACH = "padded", "realistic", "tight", "out of reach"
PADDING = 0.5
"""Nine in ten within this part of the promise: it could be half as long."""


def fit(promised_s: float, half_s: float, ninth_s: float, watched_s: float) -> str | None:
    """How a promised time fits what is achieved: ``padded``, ``realistic``, ``tight`` or ``out of reach``.

    padded
        Nine in ten are done in at most half the promised time.
    realistic
        Nine in ten are done in the promised time.
    tight
        Half are done in the promised time, nine in ten are not.
    out of reach
        Not even half are done in the promised time.

    Parameters
    ----------
    promised_s
        The promise in seconds; nan if there is none.
    half_s, ninth_s
        Seconds in which half and nine in ten of the requests are done, still-open ones counted as open
        (`survival.kaplan_meier`); nan if that many are not done yet.
    watched_s
        For how long the first of these requests has been watched. Where a share is not reached and the promise is
        longer than this, nobody can know yet: None.

    Source: measures reference, B-SLA (“static promises mislead”) and B-survival; users reference, section 2, 21.
    """
    if isnan(promised_s) or promised_s <= 0:
        return None
    if isnan(ninth_s) and watched_s < promised_s:
        return None
    if ninth_s <= PADDING * promised_s:
        return PADDED
    if ninth_s <= promised_s:
        return REALISTIC
    return TIGHT if half_s <= promised_s else OUT_OF_REACH
