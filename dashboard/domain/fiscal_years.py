"""Fiscal years: when they begin, what they are called, which of them a period touches.

Money is known by the fiscal year and by nothing shorter. So a question about money is asked of all days of the fiscal
years that the chosen period touches, and what it is divided by is counted on the same days.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

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


def known_years(clock: Clock) -> tuple[Period, ...]:
    """The fiscal years with budget lines whose work is in the data from their first days on, in order.

    One that is not over, or not told to its end, ends with the last day that both the books and the data tell of.
    """
    found = []
    for begin, told_to in clock.books:
        if begin >= clock.first_on - LATE and begin < min(told_to, clock.end_on):
            whole = add_months(begin, 12)
            end = min(told_to, clock.end_on)
            found.append(Period(begin, end, whole_to_on=whole if end < whole else None))
    return tuple(found)


def touched(period: Period, clock: Clock) -> Period | None:
    """All days of the known fiscal years that `period` touches; None if it touches none.

    Where a year between them is unknown, only the years after it.
    """
    found: Period | None = None
    for year in known_years(clock):
        if year.from_on >= period.to_on or (year.whole_to_on or year.to_on) <= period.from_on:
            continue
        follows = found is not None and not found.is_partial and found.to_on == year.from_on
        found = Period(found.from_on if follows and found else year.from_on, year.to_on, whole_to_on=year.whole_to_on)
    return found


def year_back(n: int) -> Callable[[Period, Clock], Period | None]:
    """The `n`-th known fiscal year before the last one that a period touches; 0 is that one; None if there is none."""

    def stretch(period: Period, clock: Clock) -> Period | None:
        return _back(known_years(clock), touched(period, clock), n)

    return stretch


def whole_year_back(n: int) -> Callable[[Period, Clock], Period | None]:
    """The same among fiscal years that are over: 0 is the last such year that ends by the end of those touched."""

    def stretch(period: Period, clock: Clock) -> Period | None:
        return _back(tuple(year for year in known_years(clock) if not year.is_partial), touched(period, clock), n)

    return stretch


def same_part_before(period: Period, clock: Clock) -> Period | None:
    """As many days of as many fiscal years just before those that `period` touches; None if the data begins later."""
    now = touched(period, clock)
    if now is None:
        return None
    whole = now.whole_to_on or now.to_on
    months = (whole.year - now.from_on.year) * 12 + whole.month - now.from_on.month
    begin = add_months(now.from_on, -months)
    if begin < clock.first_on - LATE:
        return None
    return Period(begin, min(add_months(now.to_on, -months), now.from_on))


def elapsed(period: Period) -> float:
    """How much of the fiscal years in `period` is gone, 0 to 1."""
    whole = ((period.whole_to_on or period.to_on) - period.from_on).days
    return period.days / whole


def _back(years: tuple[Period, ...], now: Period | None, n: int) -> Period | None:
    if now is None:
        return None
    upto = [year for year in years if year.to_on <= now.to_on]
    return upto[-1 - n] if n < len(upto) and _unbroken(upto[len(upto) - 1 - n :]) else None


def _unbroken(years: list[Period]) -> bool:
    return all(a.to_on == b.from_on for a, b in zip(years, years[1:], strict=False))
