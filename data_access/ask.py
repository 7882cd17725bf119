"""Ask a question and get an answer: compile, run, merge, divide.

Every number on a screen, in an export and on the command line comes out of `ask`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlalchemy import Select

from dashboard.domain.filters import DAY, Clock, Filters, Period, add_months
from dashboard.domain.fiscal_years import left_out, names_of, touched
from dashboard.domain.policy import Scope
from dashboard.domain.survival import quantiles_by_group
from data_access.compile import Frame, caveats, compile_query, compile_values, parts_of
from data_access.grid import Grid, Read, spread_columns, told_columns
from data_access.rollups import NOTHING_HELD, Held
from data_access.semantics import Answer, Dimension, Fact, Measure, Query, Ratio, Spread, Standing

SENSITIVE = "Without sensitive types, which are shown only as published."


class Reader(Protocol):
    """What `ask` needs of a warehouse."""

    def table(self, statement: Select) -> pa.Table:
        """The rows of `statement`, as the engine gives them."""

    def frame(self, statement: Select) -> pd.DataFrame:
        """The rows of `statement`: dates as datetime64, counts as numbers."""


def ask(reader: Reader, query: Query, filters: Filters, scope: Scope, clock: Clock, frame: Frame) -> Answer:
    """Answer `query` for the rows in `filters` and `scope`.

    The answer has a row per division and step of time, without gaps. Totals of a step with nothing in it are 0; a
    ratio over nothing is missing, never 0 (measures R5). Steps end where the data ends.
    """
    if any(measure.fact.by_year for measure in parts_of(query.measures)):  # type: ignore[attr-defined]
        filters, outside = of_whole_years(query, filters, clock)
    else:
        period, outside = known_part(filters.period, clock)
        filters = filters.during(period)
    period = filters.period
    query = replace(query, every=step_in(query.every, period))
    statements = compile_query(query, filters, scope, frame)
    steps = steps_of(period, query.every) if query.every else None
    if steps is not None and query.days is not None:
        steps = steps[steps.isin(pd.DatetimeIndex(query.days))]
    tables = [(reader.table(statement.select), statement.has_step) for statement in statements]
    grid = Grid(tables, query.by, query.every, steps)
    parts: dict[str, np.ndarray] = {}
    for measure in parts_of(query.measures):
        read: dict[str, list[Read]] = {}
        for statement, rows in zip(statements, grid.read, strict=True):
            if measure in statement.measures:
                read.setdefault(statement.part, []).append(rows)
        parts |= _part(measure, read, grid)
    columns = told_columns(query, parts)
    first = query.measures[0]
    size = columns[first.under.name if isinstance(first, Ratio) else first.name]
    return Answer(
        query,
        grid.rows(columns, grid.order(size), _counted_days(query, filters, steps)),
        frame.as_of,
        query.every,
        outside + caveats(query, filters) + _steps_said(query, filters, frame) + _hidden(scope),
    )


def notes_on(measure: Measure, filters: Filters, scope: Scope) -> tuple[str, ...]:
    """What rows say of themselves that are told for a number of `measure`, as the number does."""
    return caveats(Query((measure,)), filters) + _hidden(scope)


def _hidden(scope: Scope) -> tuple[str, ...]:
    return (SENSITIVE,) if scope.hides else ()


def _steps_said(query: Query, filters: Filters, frame: Frame) -> tuple[str, ...]:
    spreads = [measure for measure in query.measures if isinstance(measure, Spread)]
    wide = any(frame.held.is_wide(spread.fact, filters.period.days) for spread in spreads)
    return ("Of so many, times over an hour are told to within 1.5 %.",) if wide else ()


def values_of(
    reader: Reader, dimension: Dimension, readable: Iterable[tuple[Fact, Scope]], held: Held = NOTHING_HELD
) -> list[str]:
    """Every value of `dimension` in what may be read, facts with the scope of each; the most frequent first."""
    counts: dict[str, int] = {}
    for fact, scope in readable:
        if (statement := compile_values(dimension, fact, scope, held)) is None:
            continue
        for value, n in reader.frame(statement).itertuples(index=False):
            name = dimension.missing if pd.isna(value) else dimension.to_value(value)
            counts[name] = counts.get(name, 0) + (0 if fact.is_served else int(n))
    return sorted(counts, key=lambda name: (-counts[name], name))


def steps_of(period: Period, every: str) -> pd.DatetimeIndex:
    """The first civil day of every step that touches `period`, the first one possibly before it begins."""
    day = period.from_on
    match every:
        case "day":
            return pd.date_range(day, period.to_on, freq="D", inclusive="left", unit="us")
        case "week":
            return pd.date_range(
                day - timedelta(days=day.weekday()), period.to_on, freq="7D", inclusive="left", unit="us"
            )
    months = {"month": 1, "quarter": 3, "year": 12}[every]
    first = date(day.year, (day.month - 1) // months * months + 1, 1)
    found = []
    while first < period.to_on:
        found.append(first)
        first = add_months(first, months)
    return pd.DatetimeIndex(found).as_unit("us")


def known_part(period: Period, clock: Clock) -> tuple[Period, tuple[str, ...]]:
    """`period` as far as the data reaches, so that no step shows a zero for days nobody knows about.

    A period that lies wholly outside stays as asked, with a sentence that says so.
    """
    if period.to_on == clock.first_on:
        return period, ()  # what the data begins with: nothing
    if period.from_on >= clock.end_on or period.to_on < clock.first_on:
        known = Period(clock.first_on, clock.end_on).sentence()
        return period, (f"The data covers {known}; {period.sentence()} lies outside.",)
    return period.within(clock.first_on, clock.end_on), ()


def of_whole_years(query: Query, filters: Filters, clock: Clock) -> tuple[Filters, tuple[str, ...]]:
    """`filters` for all days of the fiscal years that their period touches, with a sentence that says which.

    Money is known by the fiscal year; what it is divided by is counted on the same days, event days among them.
    """
    contacts = any(measure.fact.name == "contact" for measure in parts_of(query.measures))  # type: ignore[attr-defined]
    period = touched(filters.period, clock, contacts=contacts)
    if period is None:  # nothing is told, rather than a year's money over some months of work
        nothing = Period(clock.end_on, clock.end_on + DAY)
        told = "No fiscal year of this period has both its budget lines and all of its work in the data."
        return filters.during(nothing), (told,)
    asked, notes = filters.period, []
    if (period.from_on, period.to_on) != (asked.from_on, asked.to_on) or filters.left_out:
        named = names_of(period, clock.fiscal_year_start_month)
        notes.append(f"Money is known by the fiscal year: {named}, {period.sentence()}.")
    if gone := left_out(asked, clock, contacts=contacts):
        notes.append(f"Without {', '.join(gone)}: not all of its work is in the data.")
    return filters.during(period).switch("event_days", "in"), tuple(notes)


def _counted_days(query: Query, filters: Filters, steps: pd.DatetimeIndex | None) -> np.ndarray | None:
    """The steps that are told: all but days left out, as a day that is not counted is no day with nothing."""
    standing = any(isinstance(measure, Standing) for measure in parts_of(query.measures))
    if steps is None or query.every != "day" or standing or not filters.left_out:
        return None
    out = np.zeros(len(steps), bool)
    for begin, end in filters.left_out:
        out |= (steps >= pd.Timestamp(begin)) & (steps < pd.Timestamp(end))
    return np.flatnonzero(~out)


def step_in(every: str | None, period: Period) -> str | None:
    """The step that `every` (of a `Query`) means for `period`."""
    if every not in ("auto", "weeks"):
        return every
    if period.days > 740:
        return "month"
    return "day" if period.days <= 120 and every == "auto" else "week"


def _part(measure: Measure, read: Mapping[str, list[Read]], grid: Grid) -> dict[str, np.ndarray]:
    """What was read for one measure, by the columns it brings."""

    def summed(part: str) -> np.ndarray:
        return sum((grid.summed(rows, measure.name) for rows in read[part]), np.zeros(grid.shape))

    if isinstance(measure, Spread):
        return _quantiles(measure, read["spread"], grid)
    if isinstance(measure, Standing) and "baseline" in read:
        # What stands at the end of each step: what stood at the beginning + started − ended, added up.
        first, starts, ends = (summed(part) for part in ("baseline", "starts", "ends"))
        return {measure.name: first[:, :1] + np.cumsum(starts - ends, axis=1)}
    return {measure.name: summed("total")}


def _quantiles(measure: Spread, read: list[Read], grid: Grid) -> dict[str, np.ndarray]:
    """Median, nine in ten, number and closed-only median of each division and step that has any."""
    found = {name: np.full(grid.shape, np.nan) for name in spread_columns(measure)}
    median, ninety, number, ended_only = found.values()
    number[:] = 0
    at = np.concatenate([rows.division * grid.shape[1] + rows.step for rows in read])
    durations, ended, n = (
        np.concatenate([rows.numbers(name) for rows in read]) for name in ("duration_s", "ended", "n")
    )
    cells, reached, of_ended = quantiles_by_group(at, durations, ended, n - ended, (0.5, 0.9))
    median.flat[cells], ninety.flat[cells], ended_only.flat[cells] = reached[:, 0], reached[:, 1], of_ended
    np.add.at(number.reshape(-1), at, n)
    return found
