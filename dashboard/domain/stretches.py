"""Stretches of time that follow from the chosen period: the last thirteen months, the running quarter, the day before.

Each function gives a `Stretch`, which turns the chosen period into another; none reads a clock but the data's.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import NamedTuple

from dashboard.domain.filters import DAY, Clock, Period, add_months

Stretch = Callable[[Period, Clock], Period]


def last_months(number: int) -> Stretch:
    """`number` calendar months up to the end of the chosen period; the last one may have only begun."""

    def months(chosen: Period, clock: Clock) -> Period:
        end = _end(chosen, clock)
        begin = (end - DAY).replace(day=1)
        return Period(add_months(begin, 1 - number), end, whole_to_on=add_months(begin, 1))

    return months


def last_days(number: int) -> Stretch:
    """`number` days up to the end of the chosen period."""

    def days(chosen: Period, clock: Clock) -> Period:
        end = _end(chosen, clock)
        return Period(end - timedelta(days=number), end)

    return days


def latest_days(number: int) -> Stretch:
    """`number` days up to the last day of the data, whatever the chosen period: what a forecast starts from."""

    def days(_chosen: Period, clock: Clock) -> Period:
        return Period(clock.last_on + DAY - timedelta(days=number), clock.last_on + DAY)

    return days


def with_weeks_before(number: int) -> Stretch:
    """The chosen period and `number` weeks before it, which say what was usual."""

    def weeks(chosen: Period, clock: Clock) -> Period:
        return Period(chosen.from_on - timedelta(weeks=number), _end(chosen, clock))

    return weeks


def last_whole_weeks(number: int) -> Stretch:
    """`number` weeks, Monday to Sunday, the last of them complete by the end of the chosen period."""

    def weeks(chosen: Period, clock: Clock) -> Period:
        end = _end(chosen, clock)
        end -= timedelta(days=end.weekday())
        return Period(end - timedelta(weeks=number), end)

    return weeks


def told_after(days: int, *, contacts: bool = False) -> Stretch:
    """The chosen period, or as long a one that ended early enough for what follows within so many days to be known.

    Where it is a contact that follows, until the last one; calls may be brought less often than requests.
    """

    def moved(chosen: Period, clock: Clock) -> Period:
        known_to = clock.as_of_on or clock.last_on
        if contacts and clock.contacts_to_on:
            known_to = min(known_to, clock.contacts_to_on)
        last = known_to - timedelta(days=days)
        if chosen.to_on <= last:
            return chosen
        begin = last - timedelta(days=chosen.days)
        return Period(max(begin, min(clock.first_on, last - DAY)), last)

    return moved


def at_least_a_year(of: Stretch) -> Stretch:
    """The stretch `of` gives, begun earlier where it is shorter than twelve months, as far as the data reaches."""

    def year(chosen: Period, clock: Clock) -> Period:
        found = of(chosen, clock)
        begin = max(add_months(found.to_on, -12), clock.first_on)
        return Period(begin, found.to_on) if begin < found.from_on else found

    return year


def a_year_before(of: Stretch) -> Callable[[Period, Clock], Period | None]:
    """The stretch `of` gives, a year earlier; None if the data begins later."""

    def earlier(chosen: Period, clock: Clock) -> Period | None:
        found = of(chosen, clock).a_year_earlier()
        return found if found.from_on >= clock.first_on else None

    return earlier


def quarters_told_after(days: int, number: int) -> Stretch:
    """Up to `number` whole quarters of the calendar, the last of them over for `days` days and in the chosen period.

    In younger data as many whole quarters as there are; at least the last one.
    """

    def quarters(chosen: Period, clock: Clock) -> Period:
        end = told_after(days)(chosen, clock).to_on
        end, _ = _step_around(max(min(end, clock.end_on), clock.first_on + DAY), "quarter", clock)
        first, _ = _step_around(clock.first_on, "quarter", clock)
        first = first if first == clock.first_on else add_months(first, 3)
        begin = max(add_months(end, -3 * number), first)
        return Period(min(begin, add_months(end, -3)), end)

    return quarters


WHOLE_MONTHS = 7
"""So many whole months it takes to say what is usual for one; a younger city is looked at by the week."""


def step_lately(chosen: Period, clock: Clock) -> str:
    """``month``, or ``week`` where the data before the end of the chosen period is too young for months."""
    end = _end(chosen, clock).replace(day=1)
    first = clock.first_on if clock.first_on.day == 1 else add_months(clock.first_on.replace(day=1), 1)
    return "month" if add_months(first, WHOLE_MONTHS) <= end else "week"


def lately(chosen: Period, clock: Clock) -> Period:
    """Thirteen months up to the end of the chosen period, or twenty-six weeks (`step_lately`).

    The last step may have only begun.
    """
    if step_lately(chosen, clock) == "month":
        return last_months(13)(chosen, clock)
    end = _end(chosen, clock)
    monday = (end - DAY) - timedelta(days=(end - DAY).weekday())
    return Period(monday - timedelta(weeks=25), end, whole_to_on=monday + timedelta(weeks=1))


WEEKS, MONTHS = 26, 12
"""The least that places are looked back on, in weeks or months."""
WEEKLY_UP_TO = 200
"""A period of more days is looked at by the month, one of more than five years by the quarter."""
WINDOW_WEEKS = 4
"""What a week is judged by: itself and the weeks before it, as single weeks hold too little."""


class Slices(NamedTuple):
    """A stretch cut into steps: `every` step is judged with the `window` − 1 steps before it."""

    period: Period
    every: str
    window: int


def slices(chosen: Period, clock: Clock) -> Slices:
    """What places are looked back on: half a year by the week, or the chosen period by month or quarter if longer.

    It begins `window` − 1 steps earlier, so that the first slice is judged like the others, and with a whole step where
    the data does not reach that far. The last step may have only begun.
    """
    end = _end(chosen, clock)
    if chosen.days <= WEEKLY_UP_TO:
        monday = (end - DAY) - timedelta(days=(end - DAY).weekday())
        weeks = max(WEEKS, -(-chosen.days // 7)) + WINDOW_WEEKS - 1
        first = clock.first_on + timedelta(days=-clock.first_on.weekday() % 7)
        begin = min(max(monday - timedelta(weeks=weeks - 1), first), monday)
        return Slices(Period(begin, end, whole_to_on=monday + timedelta(weeks=1)), "week", WINDOW_WEEKS)
    size = 1 if chosen.days <= 5 * 366 else 3
    running, whole = _step_around(end - DAY, "month" if size == 1 else "quarter", clock)
    begin, _ = _step_around(min(chosen.from_on, add_months(running, -size * (MONTHS - 1))), "month", clock)
    first = clock.first_on if clock.first_on.day == 1 else add_months(clock.first_on.replace(day=1), 1)
    begin = min(max(begin, first), running)
    while size == 3 and begin.month % 3 != 1:
        begin = add_months(begin, 1)
    return Slices(Period(begin, end, whole_to_on=whole), "month" if size == 1 else "quarter", 1)


def running(step: str) -> Stretch:
    """The day, week, month, quarter or fiscal year in which the chosen period ends, as far as it has come."""
    if step not in ("day", "week", "month", "quarter", "fiscal-year"):
        raise ValueError(f"no running stretch is called {step!r}")

    def so_far(chosen: Period, clock: Clock) -> Period:
        end = _end(chosen, clock)
        begin, whole = _step_around(end - DAY, step, clock)
        return Period(begin, end, whole_to_on=whole)

    return so_far


def day_before(chosen: Period, clock: Clock) -> Period:
    """The day before the period begins: a standing asked of it is what the period started with."""
    return Period(chosen.from_on - DAY, chosen.from_on)


def time_before(chosen: Period, clock: Clock) -> Period | None:
    """The stretch of the same kind just before; None if the data begins later."""
    earlier = chosen.before()
    return earlier if earlier.from_on >= clock.first_on else None


def last_day(chosen: Period, clock: Clock) -> Period:
    """The last day there is data of, whatever the period: a standing asked of it is what stands now."""
    return Period(clock.end_on - DAY, clock.end_on)


def _end(chosen: Period, clock: Clock) -> date:
    """Where the chosen period ends in the data."""
    return max(min(chosen.to_on, clock.last_on + DAY), chosen.from_on + DAY)


def _step_around(day: date, step: str, clock: Clock) -> tuple[date, date]:
    match step:
        case "day":
            return day, day + DAY
        case "week":
            monday = day - timedelta(days=day.weekday())
            return monday, monday + timedelta(weeks=1)
        case "month":
            first = day.replace(day=1)
            return first, add_months(first, 1)
        case "quarter":
            first = date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
            return first, add_months(first, 3)
    first = date(day.year, clock.fiscal_year_start_month, 1)
    first = first if first <= day else add_months(first, -12)
    return first, add_months(first, 12)
