"""Riverton's civil days and working hours, as arrays: which UTC instant a wall clock shows, and business seconds.

The dashboard's own SLA clock is in `dashboard.domain`; this one only lets the made-up staff work in office hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from data_access.demo.frames import DAY, NEVER

ZONE = ZoneInfo("America/New_York")
_EPOCH = date(1970, 1, 1)


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def day_of(number: int) -> date:
    """The date of a day number."""
    return _EPOCH + timedelta(days=int(number))


class CivilDays:
    """The civil days ``first`` to ``last`` of the city: between day numbers, seconds of the wall clock and UTC.

    On the night the clocks go back, half of the wall clocks between one and two are taken to be the second ones.
    """

    def __init__(self, first: date, last: date) -> None:
        self.first = day_number(first)
        self.days = np.arange(self.first, day_number(last) + 1)
        midnights: list[int] = []
        noons: list[int] = []
        for number in (*self.days, self.days[-1] + 1):
            day = day_of(number)
            for hour, into in ((0, midnights), (12, noons)):
                wall = datetime(day.year, day.month, day.day, hour, tzinfo=ZONE)
                into.append(int(wall.astimezone(UTC).timestamp()) - (number * DAY + hour * 3600))
        self._early, self._late = np.array(midnights), np.array(noons)
        self.midnights = np.arange(self.first, self.days[-1] + 2) * DAY + self._early

    def utc(self, days: np.ndarray, wall_s: np.ndarray) -> np.ndarray:
        """UTC seconds at ``wall_s`` seconds on the wall clock of each day."""
        at = np.asarray(days) - self.first
        wall_s = np.asarray(wall_s, dtype=np.int64)
        after = (wall_s >= 7200) | ((wall_s >= 3600) & (wall_s % 2 == 1) & (self._late[at] > self._early[at]))
        return (at + self.first) * DAY + wall_s + np.where(after, self._late[at], self._early[at])

    def day(self, utc_s: np.ndarray) -> np.ndarray:
        """Day number of each UTC instant, kept within the range."""
        at = np.searchsorted(self.midnights, utc_s, side="right") - 1
        return np.clip(at, 0, len(self.days) - 1) + self.first

    def wall(self, utc_s: np.ndarray) -> np.ndarray:
        """Seconds on the wall clock at each UTC instant."""
        at = self.day(utc_s) - self.first
        since = utc_s - self.midnights[at]
        moved = self._early[at] - self._late[at]
        return np.where((moved != 0) & (since >= 7200), since + moved, since)


class Clock:
    """Business seconds over opening windows: how many have elapsed, and when so many will have.

    Beyond its last window it never gets there: `at` answers `NEVER`.
    """

    def __init__(self, starts: np.ndarray, ends: np.ndarray) -> None:
        self.starts, self.ends = starts, ends
        self.before = np.concatenate([[0], np.cumsum(ends - starts)])

    def elapsed(self, utc_s: np.ndarray) -> np.ndarray:
        """Business seconds from the first window to each instant."""
        at = np.clip(np.searchsorted(self.starts, utc_s, side="right") - 1, 0, len(self.starts) - 1)
        inside = np.clip(utc_s - self.starts[at], 0, self.ends[at] - self.starts[at])
        return self.before[at] + inside

    def at(self, business_s: np.ndarray) -> np.ndarray:
        """The earliest instant at which so many business seconds have elapsed."""
        business_s = np.asarray(business_s, dtype=np.int64)
        window = np.searchsorted(self.before, business_s, side="left") - 1
        ok = window < len(self.starts)
        window = np.clip(window, 0, len(self.starts) - 1)
        return np.where(ok, self.starts[window] + (business_s - self.before[window]), NEVER)

    def end_of_day(self, utc_s: np.ndarray, more_days: np.ndarray) -> np.ndarray:
        """Closing time of the n-th opening day after the one each instant lies in or follows."""
        at = np.searchsorted(self.starts, utc_s, side="right") - 1 + np.asarray(more_days, dtype=np.int64)
        return np.where(at < len(self.ends), self.ends[np.clip(at, 0, len(self.ends) - 1)], NEVER)


@dataclass(frozen=True)
class Exception_:
    """A day on which a calendar departs from its week. ``windows`` None: the week's own, if a business day."""

    day: date
    is_business: bool
    holiday: str | None = None
    windows: tuple[tuple[str, str], ...] | None = None
    reason: str | None = None


def _nth(year: int, month: int, weekday: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def _observed(day: date) -> date:
    return day + timedelta(days={5: -1, 6: 1}.get(day.weekday(), 0))


def holidays(year: int) -> dict[date, str]:
    """The city's holidays of a calendar year, on the day they are observed."""
    last_monday = max(date(year, 5, d) for d in range(25, 32) if date(year, 5, d).weekday() == 0)
    thanksgiving = _nth(year, 11, 3, 4)
    return {
        _observed(date(year, 1, 1)): "New Year's Day",
        _nth(year, 1, 0, 3): "Martin Luther King Jr. Day",
        _nth(year, 2, 0, 3): "Presidents' Day",
        last_monday: "Memorial Day",
        _observed(date(year, 6, 19)): "Juneteenth",
        _observed(date(year, 7, 4)): "Independence Day",
        _nth(year, 9, 0, 1): "Labor Day",
        _observed(date(year, 11, 11)): "Veterans Day",
        thanksgiving: "Thanksgiving Day",
        thanksgiving + timedelta(days=1): "Day after Thanksgiving",
        _observed(date(year, 12, 25)): "Christmas Day",
    }


def _seconds(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60


def windows_of(week: Sequence[Sequence[tuple[str, str]]], exceptions: Sequence[Exception_], days: CivilDays) -> Clock:
    """The clock of a calendar over all of ``days``."""
    special = {day_number(e.day): e for e in exceptions}
    on, opens, closes = [], [], []
    for number in days.days:
        exception = special.get(int(number))
        today: Sequence[tuple[str, str]] = week[(int(number) + 3) % 7]
        if exception is not None:
            today = exception.windows or (today if exception.is_business else ())
        for start, end in today:
            on.append(number)
            opens.append(_seconds(start))
            closes.append(_seconds(end))
    at = np.array(on)
    midnight_next = np.array(closes) == DAY
    ends = days.utc(at + midnight_next, np.where(midnight_next, 0, closes))
    return Clock(days.utc(at, np.array(opens)), ends)
