"""Fiscal years: when they begin, what they are called, which of them a period touches.

Money is known by the fiscal year and by nothing shorter. So a question about money is asked of all days of the fiscal
years that the chosen period touches, and what it is divided by is counted on the same days.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

from dashboard.domain.filters import Clock, Period, add_months

LATE = timedelta(days=7)
"""A year whose first days are missing from the data is told all the same: it may begin with a holiday."""


def year_of(day: date, first_month: int) -> int:
    """The fiscal year that holds `day`, called by the calendar year in which it ends."""
    return day.year + (1 < first_month <= day.month)


def name_of(begin: date) -> str:
    """“FY 2026”, of the year that begins on `begin`."""
    return f"FY {year_of(begin, begin.month)}"


def names_of(period: Period, first_month: int) -> str:
    """“FY 2026”, “FY 2024–2026”: the fiscal years of `period`; one that is not over is told “to date”."""
    first, last = (year_of(day, first_month) for day in (period.from_on, period.to_on - timedelta(days=1)))
    named = f"FY {first}" if first == last else f"FY {first}–{last}"
    return f"{named} to date" if period.is_partial else named


def known_years(clock: Clock, *, contacts: bool = False) -> tuple[Period, ...]:
    """The fiscal years with budget lines whose work is in the data from their first days on, in order.

    One that is not over, or not told to its end, ends with the last day that both the books and the data tell of. With
    `contacts` only those in which contacts are known too.
    """
    found = []
    for begin, told_to in clock.books:
        end = min(told_to, clock.end_on)
        if _is_known_from(begin, clock, contacts=contacts) and begin < end:
            whole = add_months(begin, 12)
            found.append(Period(begin, end, whole_to_on=whole if end < whole else None))
    return tuple(found)


def _is_known_from(begin: date, clock: Clock, *, contacts: bool) -> bool:
    """Whether the data reaches back to a year that begins on `begin`."""
    known_from = clock.contacts_from_on if contacts else clock.first_on
    return known_from is not None and begin >= known_from - LATE


def touched(period: Period, clock: Clock, *, contacts: bool = False) -> Period | None:
    """All days of the known fiscal years that `period` touches; None if it touches none.

    Where a year between them is unknown, only the years after it.
    """
    found: Period | None = None
    for year in known_years(clock, contacts=contacts):
        if year.from_on >= period.to_on or (year.whole_to_on or year.to_on) <= period.from_on:
            continue
        follows = found is not None and not found.is_partial and found.to_on == year.from_on
        found = Period(found.from_on if follows and found else year.from_on, year.to_on, whole_to_on=year.whole_to_on)
    return found


def left_out(period: Period, clock: Clock, *, contacts: bool = False) -> tuple[str, ...]:
    """The fiscal years with budget lines that `period` touches and that are not told, as `name_of` calls them."""
    told = touched(period, clock, contacts=contacts)
    return tuple(
        name_of(begin)
        for begin, _ in clock.books
        if begin < period.to_on and add_months(begin, 12) > period.from_on
        if told is None or not told.from_on <= begin < told.to_on
    )


Years = Callable[[Period, Clock], Period | None]
"""A stretch of fiscal years that follows from the chosen period; None if there is none."""


def year_back(n: int, *, contacts: bool = False) -> Years:
    """The `n`-th known fiscal year before the last one that a period touches; 0 is that one."""

    def stretch(period: Period, clock: Clock) -> Period | None:
        years, last = known_years(clock, contacts=contacts), touched(period, clock, contacts=contacts)
        upto = [year for year in years if last is not None and year.to_on <= last.to_on]
        chain = upto[-1 - n :] if n < len(upto) else []
        unbroken = all(a.to_on == b.from_on for a, b in zip(chain, chain[1:], strict=False))
        return chain[0] if chain and unbroken else None

    return stretch


def part_before(*, one_year: bool = False, contacts: bool = False) -> Years:
    """The fiscal years just before those that a period touches, each as far as those have come.

    With `one_year` only the year before the last of them.
    """

    def stretch(period: Period, clock: Clock) -> Period | None:
        asked = year_back(0, contacts=contacts) if one_year else partial(touched, contacts=contacts)
        now = asked(period, clock)
        if now is None:
            return None
        whole = now.whole_to_on or now.to_on
        months = (whole.year - now.from_on.year) * 12 + whole.month - now.from_on.month
        begin = add_months(now.from_on, -months)
        if not _is_known_from(begin, clock, contacts=contacts):
            return None
        return Period(begin, min(add_months(now.to_on, -months), now.from_on))

    return stretch


def elapsed(period: Period) -> float:
    """How much of the fiscal years in `period` is gone, 0 to 1."""
    return period.days / ((period.whole_to_on or period.to_on) - period.from_on).days
