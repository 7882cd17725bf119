"""Steps of time in an answer: which are complete, what they are called, and their seven-day mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from dashboard.domain.filters import DAY, Clock, Period, add_months
from data_access.semantics import Answer, Standing

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_EACH = {"day": "a day", "week": "a week", "month": "a month", "quarter": "a quarter", "year": "a year"}


@dataclass(frozen=True)
class Steps:
    """An answer's rows in order of time, without those before the data begins, column by column.

    `is_whole` tells which steps lie wholly inside the period and the data; the others are drawn hatched or hollow
    and stay out of means, limits and words (measures R7).
    """

    columns: Mapping[str, np.ndarray]
    every: str
    period: Period
    starts: list[date]
    ends: list[date]
    is_whole: np.ndarray
    clock: Clock | None = None

    def __len__(self) -> int:
        return len(self.starts)

    def values(self, name: str) -> np.ndarray:
        """A measure's values as floats."""
        return self.columns[name].astype(float)

    def only(self, at: Sequence[int] | np.ndarray) -> Steps:
        """The steps in these places."""
        columns = {name: values[at] for name, values in self.columns.items()}
        starts, ends = [self.starts[i] for i in at], [self.ends[i] for i in at]
        return replace(self, columns=columns, starts=starts, ends=ends, is_whole=self.is_whole[at])

    def known(self, name: str) -> np.ndarray:
        """A measure's values as they are drawn: missing, not 0, on days about which there is no data."""
        values = self.values(name)
        if self.every != "day" or self.clock is None or not self.clock.gaps:
            return values
        in_gap = np.array([self.clock.is_in_gap(day) for day in self.starts], dtype=bool)
        return np.where(in_gap & (values == 0), np.nan, values)

    @property
    def days(self) -> list[str]:
        """The first day of each step, as an axis takes it."""
        return [start.isoformat() for start in self.starts]

    @property
    def each(self) -> str:
        """“a day”, “a week” …"""
        return _EACH[self.every]

    def name(self, at: int) -> str:
        """A step in words: “Wed 20 May 2026”, “May 2026”."""
        start = self.starts[at]
        match self.every:
            case "day":
                return f"{start:%a} {start.day} {start:%b %Y}"
            case "week":
                return f"week from {start.day} {start:%b %Y}"
            case "month":
                return f"{start:%b %Y}"
            case "quarter":
                return f"Q{(start.month + 2) // 3} {start.year}"
        return str(start.year)

    def when(self, at: int) -> str:
        """A step as part of a sentence: “on Wed 20 May 2026”, “in the week from 18 May 2026”, “in May 2026”."""
        return {"day": "on ", "week": "in the "}.get(self.every, "in ") + self.name(at)


def steps_of(answer: Answer, period: Period, clock: Clock) -> Steps:
    """The steps of `answer`, which was asked of `period`."""
    assert answer.every is not None
    starts = answer.column(answer.every)
    order = np.argsort(starts, kind="stable")
    columns = {name: values[order] for name, values in answer.numbers().items()}
    return _steps(answer, starts[order], columns, period, clock)


def steps_by(answer: Answer, dimension: str, measure: str, period: Period, clock: Clock) -> Steps:
    """The steps of `answer`, with the sum of `measure` for each value of `dimension` as a column of that name."""
    assert answer.every is not None
    words, codes = answer.coded(dimension)
    starts, at = np.unique(answer.column(answer.every), return_inverse=True)
    size = (len(starts), len(words))
    sums = np.bincount(at * size[1] + codes, answer.column(measure).astype(float), size[0] * size[1]).reshape(size)
    return _steps(answer, starts, dict(zip(words, sums.T, strict=True)), period, clock)


def _steps(
    answer: Answer, starting: np.ndarray, columns: Mapping[str, np.ndarray], period: Period, clock: Clock
) -> Steps:  # fmt: skip
    every = answer.every
    starts: list[date] = starting.astype("datetime64[D]").tolist()
    ends = [_end(start, every) for start in starts]
    # Nothing came in after the last request, yet what stood open is known as long as closings are.
    measures = answer.query.measures
    stands = bool(measures) and all(isinstance(measure, Standing) for measure in measures)
    last = min(period.to_on, clock.end_on if stands else clock.last_on + DAY)
    shown = [i for i in range(len(starts)) if ends[i] > clock.first_on and starts[i] < last]
    if len(shown) < len(starts):
        columns = {name: values[shown] for name, values in columns.items()}
        starts, ends = [starts[i] for i in shown], [ends[i] for i in shown]
    first = max(period.from_on, clock.first_on)
    whole = [a >= first and b <= last and _mostly_counted(a, b, answer) for a, b in zip(starts, ends, strict=True)]
    return Steps(columns, every, period, starts, ends, np.array(whole, dtype=bool), clock)


def _mostly_counted(start: date, end: date, answer: Answer) -> bool:
    """Whether less than a quarter of the days of a step are left out; the few of a month hardly change it."""
    out = sum(max((min(b, end) - max(a, start)).days, 0) for a, b in answer.left_out)
    return 4 * out < (end - start).days or not out


def seven_day_share(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    """The share over a day and the six before it: both totals added up first, divided last (measures R4)."""
    sums = [_rolling(values).sum().to_numpy() for values in (over, under)]
    share = np.divide(*sums, out=np.full(len(over), np.nan), where=sums[1] > 0)
    share[:6] = np.nan
    return share


def seven_day_mean(values: np.ndarray) -> np.ndarray:
    """The mean of a day and the six before it; unknown until there are seven, of which two may be missing."""
    mean = _rolling(values).mean().to_numpy(copy=True)
    mean[:6] = np.nan
    return mean


def _rolling(values: np.ndarray) -> Any:
    return pd.Series(values).rolling(7, min_periods=5)


def month_ticks(starts: list[date]) -> list[str]:
    """“May<br>2025”, “Jun”, …: the year under the first month and under every January."""
    return [
        f"{start:%b}<br>{start.year}" if i == 0 or start.month == 1 else f"{start:%b}" for i, start in enumerate(starts)
    ]


def _end(start: date, every: str) -> date:
    if every in _MONTHS:
        return add_months(start, _MONTHS[every])
    return start + timedelta(days=7 if every == "week" else 1)
