"""Which days are held against which when something changed, and whether two methods say the same of it.

Source: measures reference, D3.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, NamedTuple

from dashboard.domain.difference_in_differences import Effect
from dashboard.domain.filters import MONTH_DAYS, Period, add_months
from dashboard.domain.interrupted_series import Ratio
from dashboard.domain.intervals import direction

YEAR_MONTHS = 12
WEEKS_52 = timedelta(weeks=52)
"""A year earlier with the same weekdays in it."""
SHORTEST = timedelta(days=14)
MOST_STEPS = 12
FEWEST_MONTHS = 3
"""With fewer whole months after the change steps are weeks."""
FEWEST_MONTHS_BEFORE = 6
"""With fewer whole months before it, too: of fewer steps no drift can be told."""
STEPS_A_YEAR = {"month": YEAR_MONTHS, "week": 52.18}
MOST_FAKES = 12
LONG_SERIES = 156
"""So many steps before the change at most: three years of weeks."""


@dataclass(frozen=True)
class Windows:
    """The days before and after that are compared; `same_season` tells whether they are of the same time of year."""

    before: Period
    after: Period
    same_season: bool


def windows(start_on: date, settled_on: date, first_on: date, end_on: date) -> Windows | None:
    """Up to twelve months after a change, and as long a time before it, in the same season where the data reaches back.

    The change began on `start_on` and was in place everywhere on `settled_on`: what lies between counts for neither.
    The data holds the days ``[first_on, end_on)``. After a full year that is the year before the change, after less the
    same days 52 weeks earlier, else the days just before. None if there is nothing to compare, or less than two weeks
    of it before.
    """
    last = min(add_months(settled_on, YEAR_MONTHS), end_on)
    if last <= settled_on or first_on >= start_on:
        return None
    after = Period(settled_on, last)
    year_before = add_months(start_on, -YEAR_MONTHS)
    if last == add_months(settled_on, YEAR_MONTHS) and year_before >= first_on:
        return Windows(Period(year_before, start_on), after, True)
    shifted = (after.from_on - WEEKS_52, after.to_on - WEEKS_52)
    if shifted[0] >= first_on and shifted[1] <= start_on:
        return Windows(Period(*shifted), after, True)
    begin = max(first_on, start_on - timedelta(days=max(after.days, SHORTEST.days)))
    return Windows(Period(begin, start_on), after, False) if start_on - begin >= SHORTEST else None


class Step(NamedTuple):
    """A month or a week ``[from_on, to_on)`` counted from the change: number 0 begins with it, −1 ends before it."""

    from_on: date
    to_on: date
    number: int


def steps(
    start_on: date, settled_on: date, first_on: date, end_on: date, every: str, most: int = MOST_STEPS
) -> list[Step]:
    """The whole steps of time before a change began and after it was in place, at most `most` on each side.

    `every` is ``month`` (from the day of the month on which it began) or ``week``.
    """

    def edge(of: date, number: int) -> date:
        return add_months(of, number) if every == "month" else of + timedelta(weeks=number)

    before = [Step(edge(start_on, -n - 1), edge(start_on, -n), -n - 1) for n in range(most)]
    # What lies between is left out, and later steps keep their distance from the beginning.
    gap = (settled_on - start_on).days
    shift = round(steps_in(gap, every))
    after = [Step(edge(settled_on, n), edge(settled_on, n + 1), n + shift) for n in range(most)]
    return [one for one in reversed(before) if one.from_on >= first_on] + [one for one in after if one.to_on <= end_on]


def steps_in(days: float, every: str) -> float:
    """How many steps so many days are."""
    return days / (MONTH_DAYS if every == "month" else 7)


def whole(start_on: date, end_on: date, every: str) -> int:
    """How many whole steps there are between two days."""
    if every == "week":
        return max((end_on - start_on).days // 7, 0)
    n = (end_on.year - start_on.year) * 12 + end_on.month - start_on.month
    return max(n - (add_months(start_on, n) > end_on), 0)


def fake_dates(
    start_on: date, after_days: int, first_on: date, same_season: bool
) -> list[tuple[Period, Period]]:  # fmt: skip
    """Days before the change on which nothing changed, each with the time before and after it that is to be compared.

    As the change itself they are held against the same days 52 weeks earlier (`same_season`) or the days just before;
    over as long a time as after the change, or as the data before it has room for. None reaches past the change. A
    month apart, the latest first, so that they overlap.
    """
    known = start_on - first_on
    room = (known - WEEKS_52) // 2 if same_season else known // 3
    long = timedelta(days=min(after_days, room.days))
    if long < SHORTEST:
        return []
    back = WEEKS_52 if same_season else long
    found: list[tuple[Period, Period]] = []
    at = start_on - long
    while at - back >= first_on and len(found) < MOST_FAKES:
        found.append((Period(at - back, at - back + long), Period(at, at + long)))
        at = add_months(at, -1)
    return found


def parts(period: Period, number: int) -> list[Period]:
    """A stretch of time cut into so many parts of nearly the same length."""
    edges = [period.from_on + timedelta(days=round(i * period.days / number)) for i in range(number + 1)]
    return [Period(a, b) for a, b in zip(edges, edges[1:], strict=False)]


Agreement = Literal["agree", "contradict", "unsure", "alone", "neither", "unknown"]


def agreement(effect: Effect, series: Ratio | None) -> Agreement:
    """Whether the comparison with others and the series by itself say the same.

    ``agree``: both fell or both rose; ``contradict``: one fell and the other rose; ``neither``: no change can be told
    by either; ``unsure``: only one can tell a change; ``alone``: there is only the comparison; ``unknown``: not even
    that.
    """
    if not effect.is_known:
        return "unknown"
    if series is None:
        return "alone"
    other = direction(series.low, series.high)
    if effect.direction == other:
        return "agree" if other else "neither"
    return "contradict" if effect.direction * other < 0 else "unsure"
