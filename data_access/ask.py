"""Ask a question and get an answer: compile, run, merge, divide.

Every number on a screen, in an export and on the command line comes out of `ask`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from functools import reduce
from typing import Protocol

import numpy as np
import pandas as pd
from sqlalchemy import Select, func, select

from dashboard.domain.filters import Clock, Filters, Period, add_months
from dashboard.domain.policy import Scope
from dashboard.domain.survival import closed_only_quantile, kaplan_meier
from data_access.compile import Frame, Statement, caveats, compile_query, parts_of, permitted
from data_access.semantics import AMOUNTS, Answer, Dimension, Fact, Measure, Query, Ratio, Spread, Standing

SENSITIVE = "Without sensitive types, which are shown only as published."


class Reader(Protocol):
    """What `ask` needs of a warehouse."""

    def frame(self, statement: Select) -> pd.DataFrame:
        """The rows of `statement`: dates as datetime64, counts as numbers."""


def ask(reader: Reader, query: Query, filters: Filters, scope: Scope, clock: Clock, frame: Frame) -> Answer:
    """Answer `query` for the rows in `filters` and `scope`.

    The answer has a row per division and step of time, without gaps. Totals of a step with nothing in it are 0; a
    ratio over nothing is missing, never 0 (measures R5). Steps end where the data ends.
    """
    period, outside = known_part(filters.period, clock)
    query = replace(query, every=_step(query.every, period))
    filters = filters.during(period)
    read = [(statement, _read(reader, statement, query)) for statement in compile_query(query, filters, scope, frame)]
    keys = [dimension.name for dimension in query.by] + ([query.every] if query.every else [])
    steps = steps_of(period, query.every) if query.every else None
    pieces = [
        _piece(measure, [(statement, rows) for statement, rows in read if measure in statement.measures], keys, steps)
        for measure in parts_of(query.measures)
    ]
    merged = _completed(_merged(pieces, keys), keys, query, steps)
    if query.every == "day" and not any(isinstance(measure, Standing) for measure in parts_of(query.measures)):
        merged = merged[~_is_left_out(merged["day"], filters)]  # a day that is not counted is not a day with nothing
    return Answer(
        query,
        _sorted(_divided(merged, query, keys), query),
        frame.as_of,
        query.every,
        outside + caveats(query, filters) + ((SENSITIVE,) if scope.hides else ()),
    )


def values_of(reader: Reader, dimension: Dimension, readable: Iterable[tuple[Fact, Scope]]) -> list[str]:
    """Every value of `dimension` in what may be read, facts with the scope of each; the most frequent first."""
    counts: dict[str, int] = {}
    for fact, scope in readable:
        if (column := dimension.columns.get(fact.name)) is None:
            continue
        statement = (
            select(column.label("value"), func.count().label("n"))
            .select_from(fact.table)
            .where(*permitted(fact, scope))
            .group_by(column)
        )
        for value, n in reader.frame(statement).itertuples(index=False):
            name = dimension.missing if pd.isna(value) else dimension.to_value(value)
            counts[name] = counts.get(name, 0) + int(n)
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
        return period, (f"The data covers {known}: this period lies outside.",)
    begin, end = max(period.from_on, clock.first_on), min(period.to_on, clock.end_on)
    if (begin, end) == (period.from_on, period.to_on):
        return period, ()
    whole = period.whole_to_on or (period.to_on if end < period.to_on else None)
    return replace(period, from_on=begin, to_on=end, whole_to_on=whole), ()


def _is_left_out(days: pd.Series, filters: Filters) -> np.ndarray:
    found = np.zeros(len(days), bool)
    for begin, end in filters.left_out:
        found |= ((days >= pd.Timestamp(begin)) & (days < pd.Timestamp(end))).to_numpy()
    return found


def _step(every: str | None, period: Period) -> str | None:
    if every != "auto":
        return every
    return "day" if period.days <= 120 else "week" if period.days <= 740 else "month"


def _read(reader: Reader, statement: Statement, query: Query) -> pd.DataFrame:
    """The rows of `statement`, its divisions in the reader's words."""
    rows = reader.frame(statement.select)
    for dimension in query.by:
        words = {raw: dimension.to_value(raw) for raw in rows[dimension.name].dropna().unique()}
        rows[dimension.name] = rows[dimension.name].map(words).astype(object).fillna(dimension.missing).astype("str")
    if statement.has_step:
        rows[query.every] = pd.to_datetime(rows[query.every]).astype("datetime64[us]")
    return rows


def _piece(measure: Measure, read: list[tuple[Statement, pd.DataFrame]], keys: list[str], steps) -> pd.DataFrame:
    """What was read for one measure, a row per division."""
    if isinstance(measure, Spread):
        return _quantiles(measure, read[0][1], keys)
    if isinstance(measure, Standing) and steps is not None:
        return _running(measure, {statement.part: rows for statement, rows in read}, keys, steps)
    return read[0][1][[*keys, measure.name]]


def _running(
    measure: Standing, rows: dict[str, pd.DataFrame], keys: list[str], steps: pd.DatetimeIndex
) -> pd.DataFrame:
    """What stands at the end of each step: what stood at the beginning + started − ended, added up."""
    *divisions, step = keys
    change = pd.concat(
        [rows["starts"], rows["ends"].assign(**{measure.name: -rows["ends"][measure.name]})], ignore_index=True
    )
    baseline = rows["baseline"]
    if not divisions:
        by_step = change.groupby(step)[measure.name].sum().reindex(steps, fill_value=0)
        total = by_step.cumsum() + int(baseline[measure.name].iloc[0])
        return total.rename_axis(step).reset_index()
    grid = change.pivot_table(index=divisions, columns=step, values=measure.name, aggfunc="sum", fill_value=0)
    grid = grid.reindex(columns=steps, fill_value=0)
    start = baseline.set_index(divisions)[measure.name]
    grid = grid.reindex(grid.index.union(start.index), fill_value=0)
    standing = grid.cumsum(axis=1).add(start.reindex(grid.index, fill_value=0), axis=0)
    found = standing.reset_index().melt(id_vars=divisions, var_name=step, value_name=measure.name)
    if found.empty:  # its column of words has no chunks, and two such columns cannot be merged
        found = found.astype(dict.fromkeys(divisions, object))
    return found.astype({step: "datetime64[us]"})


def _quantiles(measure: Spread, rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    def row(group: pd.DataFrame) -> dict[str, float]:
        ordered = group.sort_values("duration_s")
        duration, ended, n = (ordered[name].to_numpy(float) for name in ("duration_s", "ended", "n"))
        curve = kaplan_meier(duration, ended, n - ended)
        reached = {name: curve.quantile(share) for name, share in (("", 0.5), ("_p90", 0.9))}
        return {
            **{measure.name + name: np.nan if value is None else value for name, value in reached.items()},
            f"{measure.name}_n": int(n.sum()),
            f"{measure.name}_ended_only": closed_only_quantile(duration, ended, 0.5),
        }

    if not keys:
        empty = {f"{measure.name}{end}": np.nan for end in ("", "_p90", "_ended_only")} | {f"{measure.name}_n": 0}
        return pd.DataFrame([row(rows) if len(rows) else empty])
    found = [dict(zip(keys, division, strict=True)) | row(group) for division, group in rows.groupby(keys, sort=False)]
    columns = [*keys, *(measure.name + end for end in ("", "_p90", "_n", "_ended_only"))]
    return pd.DataFrame(found, columns=columns)


def _merged(pieces: list[pd.DataFrame], keys: list[str]) -> pd.DataFrame:
    if not keys:
        return pd.concat([piece.reset_index(drop=True) for piece in pieces], axis=1)
    return reduce(lambda left, right: left.merge(right, on=keys, how="outer"), pieces)


def _completed(merged: pd.DataFrame, keys: list[str], query: Query, steps: pd.DatetimeIndex | None) -> pd.DataFrame:
    """Every division at every step, and 0 where nothing was counted."""
    if steps is not None:
        *divisions, step = keys
        spine = pd.DataFrame({step: steps})
        if divisions:
            spine = merged[divisions].drop_duplicates().merge(spine, how="cross")
        merged = spine.merge(merged, on=keys, how="left")
    for measure in parts_of(query.measures):
        counted = f"{measure.name}_n" if isinstance(measure, Spread) else measure.name
        numbers = pd.to_numeric(merged[counted]).fillna(0)
        merged[counted] = numbers if measure.unit in AMOUNTS and counted == measure.name else numbers.astype("int64")
    return merged


def _divided(merged: pd.DataFrame, query: Query, keys: list[str]) -> pd.DataFrame:
    """The measures asked for, ratios beside the two totals they are made of."""
    columns: list[str] = []
    for measure in query.measures:
        if isinstance(measure, Ratio):
            under = merged[measure.under.name].to_numpy(float)
            over = merged[measure.over.name].to_numpy(float)
            merged[measure.name] = np.divide(over, under, out=np.full(len(merged), np.nan), where=under != 0)
            columns += [measure.name, measure.over.name, measure.under.name]
        elif isinstance(measure, Spread):
            columns += [measure.name + end for end in ("", "_p90", "_n", "_ended_only")]
        else:
            columns.append(measure.name)
    return merged[[*keys, *dict.fromkeys(columns)]]


def _sorted(frame: pd.DataFrame, query: Query) -> pd.DataFrame:
    """Ordered dimensions in their own order, others by size then name; steps of time last."""
    if not query.by:
        return frame.reset_index(drop=True)
    order = pd.DataFrame(index=frame.index)
    first = query.measures[0]
    size = next(column for column in frame.columns if column not in {d.name for d in query.by} | {query.every})
    size = first.under.name if isinstance(first, Ratio) else size
    for dimension in query.by:
        name = dimension.name
        if dimension.ordered is not None:
            rank = {value: position for position, value in enumerate(dimension.ordered)}
            order[name] = frame[name].map(rank).fillna(len(rank))
        else:
            order[f"{name} size"] = -frame.groupby(name)[size].transform("sum")
            order[name] = frame[name]
    if query.every:
        order[query.every] = frame[query.every]
    return frame.loc[order.sort_values(list(order.columns), kind="stable").index].reset_index(drop=True)
