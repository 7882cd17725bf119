"""Local time: what the city's wall clock shows at UTC instants, and back.

The only place where a time zone is applied. Instants come and go as naive UTC `datetime64[us]` arrays, as the `_at`
columns hold them; whatever numpy can read as such (a Series, an index, a list) will do.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.domain.errors import BadRequest, UnknownName

Instants = npt.NDArray[np.datetime64]
Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

# Later and earlier than every instant, yet far enough from the ends of int64 to add an offset to.
NEVER = 2**62
_EVER = -NEVER


class Localised(NamedTuple):
    """Wall-clock times turned into UTC instants, with the doubtful ones marked.

    `ambiguous` marks times that the clock showed twice (the first is taken), `nonexistent` those it skipped (the first
    instant after the gap is taken).
    """

    utc: Instants
    ambiguous: Flags
    nonexistent: Flags


def localise(local: Any, tz: str) -> Localised:
    """Return the UTC instants of wall-clock times in `tz`, and which of them are in doubt.

    Parameters
    ----------
    local
        Times without a zone: a Series, an index or an array. A missing time stays missing and is not in doubt.
    tz
        IANA name, such as ``America/New_York``.

    Raises
    ------
    BadRequest
        If the times already carry a zone: converting them twice would move them.
    UnknownName
        If there is no such time zone.

    Source: measures reference, R2.
    """
    if getattr(getattr(local, "dtype", None), "tz", None) is not None:
        raise BadRequest("These times already carry a time zone; they are not local wall-clock times.")
    given, missing = microseconds(local)
    starts, offsets = offset_periods(tz, *decades(given, missing))
    # Each period of one offset ends, on its own wall clock, at these times. The first period that has not ended yet is
    # the earliest that can have shown the time: that is what makes an ambiguous time its first occurrence.
    ends = starts[1:] + offsets[:-1]
    period = np.searchsorted(ends, given, side="right")
    exists = given >= (starts + offsets)[period]
    shown_again = given >= np.append(starts[1:] + offsets[1:], NEVER)[period]
    utc = np.where(exists, given - offsets[period], starts[period])
    return Localised(from_microseconds(utc, missing), exists & shown_again & ~missing, ~exists & ~missing)


def wall_clock(tz: str, first: date, last: date) -> pd.DataFrame:
    """What the wall clock of `tz` does on each day from `first` to `last`, so that a database can localise.

    One row per day; whole numbers are microseconds, of UTC or of the wall clock taken as such. A time w of the day
    belongs to the first period if ``w < ends``, else to the second (``_2``). Its instant is
    ``max(w - offset, start)``; it does not exist if ``w - offset < start``, and is shown again if ``w >= again``.
    Says for each time what `localise` says.

    Columns: day, ends, offset, start, again, offset_2, start_2, again_2.

    Source: measures reference, R2.
    """
    days = np.arange(np.datetime64(first), np.datetime64(last) + 1).astype("datetime64[us]")
    given = days.view(np.int64)
    starts, offsets = offset_periods(tz, *decades(given, np.zeros(given.shape, bool)))
    ends = np.append(starts[1:] + offsets[:-1], NEVER)
    again = np.append(starts[1:] + offsets[1:], NEVER)
    period = np.searchsorted(ends, given, side="right")
    following = np.minimum(period + 1, len(offsets) - 1)
    return pd.DataFrame(
        {
            "day": days, "ends": ends[period],
            "offset": offsets[period], "start": starts[period], "again": again[period],
            "offset_2": offsets[following], "start_2": starts[following], "again_2": again[following],
        }
    )  # fmt: skip


def to_local(utc: Any, tz: str) -> Instants:
    """Return what the wall clock of `tz` shows at UTC instants, as naive `datetime64[us]`."""
    local, missing = _local_microseconds(utc, tz)
    return from_microseconds(local, missing)


def civil_date(utc: Any, tz: str) -> Instants:
    """Return the local calendar day of UTC instants, as `datetime64[D]`."""
    return to_local(utc, tz).astype("datetime64[D]")


def hour_of_week(utc: Any, tz: str) -> pd.arrays.IntegerArray:
    """Return the local hour of the week of UTC instants: 0 is Monday 00:00–01:00, 167 Sunday 23:00–24:00.

    Missing instants have a missing hour, hence the nullable `Int16`. The night the clocks go back counts one of its
    hours twice, the night they go forward has one hour less.
    """
    local, missing = _local_microseconds(utc, tz)
    since_monday = local // HOUR + 3 * 24  # 1970-01-01 was a Thursday
    return pd.arrays.IntegerArray((since_monday % 168).astype(np.int16), missing)


def half_hour(utc: Any, tz: str) -> pd.arrays.IntegerArray:
    """Return the local half hour of the day of UTC instants: 0 is 00:00–00:30, 47 is 23:30–24:00; nullable `Int16`."""
    local, missing = _local_microseconds(utc, tz)
    return pd.arrays.IntegerArray((local // (30 * MINUTE) % 48).astype(np.int16), missing)


def end_of_civil_day(on: Any, tz: str) -> Instants:
    """Return the last instant (UTC) of local calendar days: what a due date without a time means.

    It is one microsecond before the next day begins, so that both “closed ≤ due” and the civil date of the due time
    come out right.

    Source: measures reference, R3.
    """
    next_day = np.asarray(on, dtype="datetime64[D]") + np.timedelta64(1, "D")
    return localise(next_day, tz).utc - np.timedelta64(1, "us")


def end_of_day_after(opened: Any, days: Any, tz: str) -> Instants:
    """Return the last instant of the local day that lies `days` calendar days after the day of `opened`."""
    return end_of_civil_day(civil_date(opened, tz) + _timedelta(days, "D"), tz)


def same_time_after(opened: Any, days: Any, tz: str) -> Instants:
    """Return the instant `days` calendar days after `opened` at which the wall clock shows the same time.

    Across a change of the clocks that is not a multiple of 24 hours. A time shown twice is taken the first time, but
    never before `opened`; one that is skipped becomes the first instant after the gap.
    """
    then = localise(to_local(opened, tz) + _timedelta(days, "D"), tz).utc
    return np.maximum(then, np.asarray(opened, dtype="datetime64[us]"))


def _local_microseconds(utc: Any, tz: str) -> tuple[Whole, Flags]:
    given, missing = microseconds(utc)
    starts, offsets = offset_periods(tz, *decades(given, missing))
    return given + offsets[np.searchsorted(starts, given, side="right") - 1], missing


@lru_cache(maxsize=64)
def offset_periods(tz: str, first_year: int, last_year: int) -> tuple[Whole, Whole]:
    """Return when `tz` takes each of its UTC offsets, and the offsets, both in microseconds.

    pandas asks `zoneinfo` once per row, which takes seconds for a million rows; asking once per day of the decades in
    question and bisecting the changes takes milliseconds, after which a row is a look-up.
    """
    try:
        zone = ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UnknownName("time zone", tz, available_timezones()) from None

    epoch = datetime(1970, 1, 1, tzinfo=UTC)

    def offset(second: int) -> timedelta:
        return cast(timedelta, (epoch + timedelta(seconds=second)).astimezone(zone).utcoffset())

    day_s = 86_400
    # Three days more on either side, because a local year begins up to a day before or after the UTC year.
    first = max(date(first_year, 1, 1).toordinal() - 3, 3) - epoch.toordinal()
    last = min(date(last_year, 12, 31).toordinal() + 3, date.max.toordinal() - 2) - epoch.toordinal()
    starts, offsets = [_EVER], [offset(first * day_s)]
    for day in range(first + 1, last + 1):
        after = offset(day * day_s)
        if after != offsets[-1]:
            old, new = (day - 1) * day_s, day * day_s
            while new - old > 1:
                middle = (old + new) // 2
                if offset(middle) == offsets[-1]:
                    old = middle
                else:
                    new = middle
            starts.append(new * SECOND)
            offsets.append(after)
    microsecond = timedelta(microseconds=1)
    return np.array(starts, np.int64), np.array([each // microsecond for each in offsets], np.int64)


def microseconds(instants: Any) -> tuple[Whole, Flags]:
    """Return instants as whole microseconds since 1970, missing ones as 0, and which are missing."""
    values = np.asarray(instants, dtype="datetime64[us]")
    missing = np.isnat(values)
    return np.where(missing, 0, values.view(np.int64)), missing


def from_microseconds(since_1970: Whole, missing: Flags) -> Instants:
    """Return whole microseconds since 1970 as instants, missing where told."""
    return np.where(missing, np.datetime64("NaT", "us"), since_1970.astype("datetime64[us]"))


def _timedelta(count: Any, unit: str) -> npt.NDArray[np.timedelta64]:
    return np.asarray(count).astype(f"timedelta64[{unit}]")


def decades(given: Whole, missing: Flags) -> tuple[int, int]:
    """Return the first and last year of the decades that the instants lie in.

    Whole decades, so that a few tables serve all questions.
    """
    present = given[~missing]
    if not present.size:
        return 1970, 1979
    ends = np.array([present.min(), present.max()]).astype("datetime64[us]").astype("datetime64[Y]").astype(int) + 1970
    first, last = int(ends[0]), int(ends[1])
    if first < 1 or last > 9999:
        raise BadRequest("A time lies outside the years 1 to 9999.")
    return max(first // 10 * 10, 1), last // 10 * 10 + 9
