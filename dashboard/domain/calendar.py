"""Business time: opening hours, closed days, and the clock of a promise with its pauses.

Instants come and go as naive UTC `datetime64[us]` arrays, as the `_at` columns hold them. No clock is read here, and
nothing is known of a particular city: opening hours and closed days are given by the caller.

It is all one idea. F(t), the opening time before t, rises while the office is open and rests while it is closed. Then
elapsed = F(b) - F(a), due = F⁻¹(F(opened) + target), and a pause costs F(end) - F(start). It is computed in whole
microseconds, so that nothing is late by a rounding error.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.domain.errors import BadRequest
from dashboard.domain.local_time import (
    MINUTE,
    NEVER,
    SECOND,
    Flags,
    Instants,
    Whole,
    civil_date,
    decades,
    end_of_civil_day,
    from_microseconds,
    localise,
    microseconds,
    offset_periods,
)

Reals = npt.NDArray[np.float64]
Windows = Sequence[tuple[str, str]]

DAY = 24 * 60 * MINUTE


class Pauses(NamedTuple):
    """Times at which the clock of requests stood still, sorted, no two of a request overlapping or touching.

    `request_index` says which request, as a position in the arrays that `BusinessCalendar` is asked about. An `end`
    that is missing means still on hold. Made by `union_pauses`.
    """

    request_index: Whole
    start: Instants
    end: Instants


def union_pauses(request_index: Any, start: Any, end: Any) -> Pauses:
    """Return the pauses of each request with overlapping and touching ones made one.

    A pause without a start, or that does not end after it starts, pauses nothing and is left out. A pause without an
    end swallows all that start after it.

    Source: measures reference, B-clock (“overlapping pauses are unioned”).
    """
    starts, no_start = microseconds(start)
    ends, no_end = microseconds(end)
    ends = np.where(no_end, NEVER, ends)
    counts = ~no_start & (ends > starts)
    pauses = pd.DataFrame({"request": np.asarray(request_index, np.int64), "start": starts, "end": ends})[counts]
    pauses = pauses.sort_values(["request", "start"], kind="stable", ignore_index=True)
    pauses["end"] = pauses.groupby("request")["end"].cummax()
    request, opens, until = (pauses[column].to_numpy() for column in ("request", "start", "end"))
    if not len(pauses):
        return Pauses(request, opens.astype("datetime64[us]"), until.astype("datetime64[us]"))
    begins = np.append(True, (request[1:] != request[:-1]) | (opens[1:] > until[:-1]))
    finishes = np.append(begins[1:], True)
    until = until[finishes]
    return Pauses(request[begins], opens[begins].astype("datetime64[us]"), from_microseconds(until, until == NEVER))


@dataclass(frozen=True)
class BusinessCalendar:
    """When the office is open, and the business time between and after instants.

    Parameters
    ----------
    windows
        Seven lists of opening windows, Monday first, each ``("HH:MM", "HH:MM")`` on the local wall clock, half-open.
        ``"24:00"`` is the end of the day; a window over midnight is written as two.
    closed_days
        Days that differ from the ordinary week: a set of closed dates (holidays, snow days), or a mapping from date to
        the windows of that day, empty where closed.
    tz
        IANA name of the city's time zone.
    start, end
        First day for which the closed days are known, and the day after the last. An instant or a due time outside
        is refused rather than computed without its holidays. None: no limit; opening hours extend as far as asked.

    Raises
    ------
    BadRequest
        If a window cannot be read, ends before it starts or overlaps another, or if the office never opens.
    UnknownName
        If there is no such time zone.

    Source: measures reference, B-clock.
    """

    windows: Sequence[Windows]
    closed_days: Iterable[date] | Mapping[date, Windows]
    tz: str
    start: date | None = None
    end: date | None = None

    def __post_init__(self) -> None:
        if len(self.windows) != 7:
            raise BadRequest(f"Opening hours are seven lists of windows, Monday first; {len(self.windows)} were given.")
        weekdays = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
        week = tuple(_written(day, name) for day, name in zip(self.windows, weekdays, strict=True))
        if not any(week):
            raise BadRequest("Opening hours without a single window: nothing would ever fall due.")
        days = self.closed_days if isinstance(self.closed_days, Mapping) else dict.fromkeys(self.closed_days, ())
        exceptions = tuple(sorted((day, _written(windows, day.isoformat())) for day, windows in days.items()))
        # Tuples, so that equal calendars are equal, hash alike and share one table.
        object.__setattr__(self, "windows", week)
        object.__setattr__(self, "closed_days", exceptions)
        offset_periods(self.tz, 1970, 1979)

    @property
    def day_length_s(self) -> float:
        """One business day in seconds: the opening time that most open weekdays have (the longest of equals).

        `due_at(opened, n * day_length_s)` is “the same time on the n-th next business day” wherever the open days
        involved are of this length.
        """
        lengths = [length for day in self.windows if (length := sum(_minute(b) - _minute(a) for a, b in day))]
        return 60.0 * max(lengths, key=lambda length: (lengths.count(length), length))

    def elapsed_s(self, a: Any, b: Any) -> Reals:
        """Return the business seconds from `a` to `b`; negative if `b` is earlier, nan if either is missing.

        Pauses are not deducted: see `paused_business_s`.
        """
        (since, no_a), (until, no_b) = microseconds(a), microseconds(b)
        hours = self._hours((since, no_a), (until, no_b))
        return np.where(no_a | no_b, np.nan, (hours.before(until) - hours.before(since)) / SECOND)

    def due_at(self, opened: Any, target_s: Any) -> Instants:
        """Return the earliest instant at which `target_s` business seconds have passed since `opened`.

        A request that uses up its target at closing time is due at closing time, not at the next opening; a target of
        0 is due at once. `target_s` is one number or one per request; a missing target or opening gives no due time.

        Raises
        ------
        ValueError
            If a target is negative or infinite.
        BadRequest
            If an opening or a due time lies outside `start` and `end`, or centuries on.
        """
        return self.due_at_with_pauses(opened, target_s, None)

    def due_at_with_pauses(self, opened: Any, target_s: Any, pauses: Pauses | None) -> Instants:
        """Return the due time as `due_at` does, pushed on by the business part of each pause that began before it.

        A due time pushed past the start of a later pause is pushed by that one too. A request whose pause began
        before its due time and has no end is on hold: its due time is missing.

        `pauses` come from `union_pauses`, their `request_index` counting positions in `opened`, which is
        one-dimensional then.

        Source: measures reference, B-clock (“on resume, push due by the business part of the pause only”).
        """
        given, no_opened = microseconds(opened)
        target = np.asarray(target_s, dtype=np.float64)
        given, no_opened, target = np.broadcast_arrays(given, no_opened, target)
        unknown = no_opened | np.isnan(target)
        if np.isinf(target).any() or (target < 0).any():
            raise ValueError("A target is a number of seconds, zero or more.")
        wanted = np.rint(np.where(unknown, 0, target) * SECOND).astype(np.int64)
        if pauses is None:
            hours = self._hours((given, no_opened))
            spent = hours.before(given) + wanted
        else:
            starts, no_start = microseconds(pauses.start)
            ends, on_hold = microseconds(pauses.end)
            hours = self._hours((given, no_opened), (starts, no_start), (ends, on_hold))
            spent = hours.before(given) + wanted
            unknown = unknown.copy()
            begun = hours.before(np.maximum(starts, given[pauses.request_index]))
            resumed = hours.before(np.maximum(ends, given[pauses.request_index]))
            for turn in _turns(pauses.request_index):
                # Due times are earliest instants, so “starts before the due time” is the same question in F.
                turn = turn[begun[turn] < spent[pauses.request_index[turn]]]
                request = pauses.request_index[turn]
                unknown[request] |= on_hold[turn]
                spent[request] += np.where(on_hold[turn], 0, resumed[turn] - begun[turn])
        needed = spent[~unknown].max(initial=0)
        hours = self._extended(hours, lambda laid: laid.total >= needed)
        due = np.maximum(given, hours.when(np.minimum(spent, hours.total)))
        self._refuse_unknown_days(due[~unknown])
        return from_microseconds(due, unknown)

    def paused_business_s(self, opened: Any, until: Any, pauses: Pauses) -> Reals:
        """Return the business seconds for which each request was paused in ``[opened, until)``.

        A pause without an end counts up to `until`. `elapsed_s(opened, until)` less this is the time on the clock.
        nan if either instant is missing. One-dimensional, one value per request.
        """
        (since, no_since), (to, no_to) = microseconds(opened), microseconds(until)
        since, to, unknown = np.broadcast_arrays(since, to, no_since | no_to)
        starts, no_start = microseconds(pauses.start)
        ends, on_hold = microseconds(pauses.end)
        hours = self._hours((since, no_since), (to, no_to), (starts, no_start), (ends, on_hold))
        request = pauses.request_index
        begun = np.maximum(starts, since[request])
        resumed = np.minimum(np.where(on_hold, NEVER, ends), to[request])
        cost = np.where(resumed > begun, hours.before(resumed) - hours.before(begun), 0)
        total = np.bincount(request, weights=cost, minlength=len(since))
        return np.where(unknown, np.nan, total / SECOND)

    def end_of_nth_business_day(self, opened: Any, n: Any, *, midnight: bool = False) -> Instants:
        """Return closing time on the n-th business day after the local day of `opened`.

        A business day is one with opening hours; the day of `opened` itself never counts, early as it may be. With
        `midnight` the day ends as a calendar day does, at its last microsecond. `n` is one number or one per request.

        Raises
        ------
        ValueError
            If `n` is less than 1.
        """
        given, missing = microseconds(opened)
        day, count, unknown = np.broadcast_arrays(civil_date(opened, self.tz), np.asarray(n, np.int64), missing)
        if (count < 1).any():
            raise ValueError("The n-th business day is counted from 1.")
        hours = self._hours((given, missing))
        known = np.where(unknown, hours.days[0], day)
        # As many business days as have begun by the day of opening, and n more.
        nth = np.searchsorted(hours.days, known, side="right") + count - 1
        furthest = nth.max(initial=0)
        hours = self._extended(hours, lambda laid: len(laid.days) > furthest)
        if midnight:
            end, _ = microseconds(end_of_civil_day(hours.days[nth], self.tz))
        else:
            end = np.asarray(hours.last_close[nth])
        self._refuse_unknown_days(end[~unknown])
        return from_microseconds(end, unknown)

    def _hours(self, *given: tuple[Whole, Flags]) -> _OpeningHours:
        """Return the opening hours of all decades in which the instants lie."""
        present = np.concatenate([instants[~missing].ravel() for instants, missing in given])
        self._refuse_unknown_days(present)
        return _opening_hours(self, *decades(present, np.zeros(present.shape, bool)))

    def _extended(self, hours: _OpeningHours, enough: Callable[[_OpeningHours], bool]) -> _OpeningHours:
        """Return opening hours that reach far enough on. The first year stays, so F keeps its values."""
        first, last = hours.years
        # A promise for centuries is a target in the wrong unit.
        latest = min(last + 200, 9999)
        while not enough(hours):
            if last == latest:
                raise BadRequest(f"A target is so long that it does not fall due by the year {latest}.")
            last = min(last + max(10, last - first + 1), latest)
            hours = _opening_hours(self, first, last)
        return hours

    def _refuse_unknown_days(self, present: Whole) -> None:
        if not present.size or (self.start is None and self.end is None):
            return
        days = civil_date(np.array([present.min(), present.max()]).astype("datetime64[us]"), self.tz)
        for day in days.astype(object):
            if (self.start is not None and day < self.start) or (self.end is not None and day >= self.end):
                known = " ".join(
                    part
                    for part in (self.start and f"from {self.start}", self.end and f"until {self.end - timedelta(1)}")
                    if part
                )
                raise BadRequest(f"Opening hours are known {known}; {day} lies outside.")


@dataclass(frozen=True, eq=False)
class _OpeningHours:
    """The opening windows of whole years as UTC microseconds, in order, and the business time before each."""

    years: tuple[int, int]
    opens: Whole
    closes: Whole
    spent: Whole  # business time before each window, and at the end that of all of them
    days: Instants  # civil days with opening hours
    last_close: Whole  # of each of these days

    @property
    def total(self) -> int:
        return int(self.spent[-1])

    def before(self, at: Whole) -> Whole:
        """F: the business time before instants."""
        window = np.maximum(np.searchsorted(self.opens, at, side="right") - 1, 0)
        return self.spent[window] + np.clip(at, self.opens[window], self.closes[window]) - self.opens[window]

    def when(self, spent: Whole) -> Whole:
        """F⁻¹: the earliest instant before which this much business time lies."""
        window = np.maximum(np.searchsorted(self.spent, spent, side="left") - 1, 0)
        return self.opens[window] + spent - self.spent[window]


@lru_cache(maxsize=16)
def _opening_hours(calendar: BusinessCalendar, first_year: int, last_year: int) -> _OpeningHours:
    """Lay out the calendar from `first_year` to `last_year`.

    Two days more on either side, because a local year begins up to a day before or after the UTC year. Opening hours
    are wall-clock times: a window that a change of the clocks falls into is an hour longer or shorter.
    """
    first = max(date(first_year, 1, 1).toordinal() - 2, 5)
    last = min(date(last_year, 12, 31).toordinal() + 2, date.max.toordinal() - 5)
    epoch = date(1970, 1, 1).toordinal()
    days = np.arange(first - epoch, last + 1 - epoch)
    exceptions = cast(tuple[tuple[date, Windows], ...], calendar.closed_days)
    ordinary = days[~np.isin(days, [day.toordinal() - epoch for day, _ in exceptions])]
    laid: list[tuple[Whole, Windows]] = [
        (ordinary[(ordinary + 3) % 7 == weekday], windows) for weekday, windows in enumerate(calendar.windows)
    ]
    laid += [(np.array([day.toordinal() - epoch]), windows) for day, windows in exceptions]
    parts = [
        np.stack([on, on * DAY + _minute(opening) * MINUTE, on * DAY + _minute(closing) * MINUTE])
        for on, windows in laid
        for opening, closing in windows
        if len(on) and first - epoch <= on[0] <= last - epoch
    ]
    on, opening, closing = np.concatenate(parts, axis=1)
    order = np.argsort(opening, kind="stable")
    on = on[order]
    opens, closes = (
        localise(each[order].astype("datetime64[us]"), calendar.tz).utc.view(np.int64) for each in (opening, closing)
    )
    # A window that lies wholly in the hour the clocks skip does not take place.
    real = closes > opens
    on, opens, closes = on[real], opens[real], closes[real]
    last_of_day = np.append(on[1:] != on[:-1], True)
    return _OpeningHours(
        years=(first_year, last_year),
        opens=opens,
        closes=closes,
        spent=np.append(0, np.cumsum(closes - opens)),
        days=on[last_of_day].astype("datetime64[D]"),
        last_close=closes[last_of_day],
    )


def _turns(request_index: Whole) -> Iterable[Whole]:
    """Yield the positions of every request's first pause, then of every second one, and so on.

    Within a turn each request occurs once, so a turn is one vectorised step; there are as many turns as the request
    paused most often has pauses.
    """
    ordinal = pd.Series(request_index).groupby(request_index).cumcount().to_numpy()
    order = np.argsort(ordinal, kind="stable")
    bounds = np.append(0, np.cumsum(np.bincount(ordinal)))
    return (order[a:b] for a, b in itertools.pairwise(bounds))


def _written(windows: Windows, day: str) -> tuple[tuple[str, str], ...]:
    """Return the windows of a day in order, once they are known to make sense."""
    ordered = tuple(sorted((str(opening), str(closing)) for opening, closing in windows))
    for opening, closing in ordered:
        if _minute(closing) <= _minute(opening):
            raise BadRequest(f"{day}: the window {opening}–{closing} ends before it starts. Split it at 24:00.")
    for (_, closing), (opening, _) in itertools.pairwise(ordered):
        if _minute(opening) < _minute(closing):
            raise BadRequest(f"{day}: a window opens at {opening}, before the one before it closes at {closing}.")
    return ordered


def _minute(clock: str) -> int:
    """Return the minute of the day that ``HH:MM`` says."""
    match = re.fullmatch(r"(\d\d):([0-5]\d)", clock)
    minute = int(match[1]) * 60 + int(match[2]) if match else None
    if minute is None or minute > 24 * 60:
        raise BadRequest(f"“{clock}” is not a time of day such as 08:30.")
    return minute
