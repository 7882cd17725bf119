"""Surges of calls against what was to be expected: by day, and by the half-hour of one day.

Source: measures reference, A13. Pure: answers in, drawings out.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from dashboard.domain.expected import SURE, Days, Expected, Flags, Numbers, expected_days, surges, usual_profile
from dashboard.domain.filters import DAY, Period
from data_access.semantics import Answer
from layouts import components as c
from layouts.figures import events, expectation, series, words
from layouts.figures.steps import Steps
from layouts.view import Context, Drawing

BASE_WEEKS, FEWEST_DAYS = 13, 28
"""The weeks that say what is usual in a half-hour, and how many open days of them it takes."""
LISTED = 6
RULE = "above what 999 of 1,000 such ones stay under, or many a little above (CUSUM over 4)"


def days(history: Answer, context: Context) -> Drawing:
    """The days of the period that surged, in a figure over the usual range and in a table with their events."""
    known = expectation.days_of(history, "offered", context)
    model = expected_days(known)
    if model is None:
        why = "Too little history to say what is usual: it takes eight weeks of usual days."
        return Drawing(c.empty(why), is_empty=True)
    came = np.where(known.is_unknown, np.nan, known.counts)
    is_surge = surges(came, model)
    period = context.filters.period
    inside = [i for i in range(len(known)) if period.from_on <= known.on(i) < period.to_on]
    found = [i for i in inside if is_surge[i]]
    alone = [i for i in inside if not is_surge[i] and came[i] > model.quantile(SURE)[i]]
    text = _surge_words([known.on(i) for i in found], "day", context)
    if alone:
        single = " and ".join(f"**{_with_event(known.on(i), context)}**" for i in alone[:2])
        text += f" High by itself, for one day only: {single}."
    every = Steps(
        pd.DataFrame({"offered": came[inside]}), "day", period, [known.on(i) for i in inside],
        [known.on(i + 1) for i in inside], np.ones(len(inside), bool),
    )  # fmt: skip
    figure = _surge_figure(every, model, inside, is_surge)
    events.shade(figure, every, context.events)
    rule = (
        "surge: two days in a row above what 999 of 1,000 such days stay under, or many a little above (CUSUM over 4)"
    )
    key = c.key(("series-raw", "day"), ("overdue", "surge"), ("band", "usual, 998 of 1,000 days"))
    return Drawing(
        c.sentence(text), figure, _surge_table(known, came, model, [*found, *alone], context),
        words.foot(key, rule, events.told(figure)),
    )  # fmt: skip


def _surge_figure(steps: Steps, model: Expected, at: list[int], is_surge: Flags) -> dict[str, Any]:
    low, high = (values[at] for values in model.range(2 * SURE - 1))
    came, flags = steps.values("offered"), is_surge[at]
    dots = {
        "type": "scatter", "mode": "markers", "x": steps.days, "y": came, "name": "day", "customdata": steps.days,
        "marker": {"size": [9 if flag else 4 for flag in flags], "line": {"width": 0},
                   "symbol": ["diamond" if flag else "circle" for flag in flags],
                   "color": ["$overdue" if flag else "$series-raw" for flag in flags]},
        "cliponaxis": False, "hovertemplate": "<b>%{y:,}</b> calls<extra></extra>",
    }  # fmt: skip
    figure = {"data": [dots], "layout": series.time_layout("Calls a day")}
    figure["layout"]["margin"] = {"r": 12}
    if len(steps) > 1:
        figure["layout"]["xaxis"]["range"] = [steps.days[0], steps.days[-1]]
    return expectation.band_behind(figure, steps, low, high)


def _with_event(day: date, context: Context) -> str:
    event = expectation.event_on(day, context.events)
    return expectation.named(day) + (f" ({event.name})" if event else "")


def _surge_words(found: list[date], what: str, context: Context) -> str:
    if not found:
        return f"No {what} of the period surged above what is usual."
    names = dict.fromkeys(
        event.name for day in found if (event := expectation.event_on(day, context.events)) is not None
    )
    told = f" The city’s events: {words.listed(list(names))}." if names else " No city event is known for them."
    listed = words.listed([expectation.named(day) for day in found[-3:]])
    more = f", and {len(found) - 3} before" if len(found) > 3 else ""
    return f"Calls surged on {words.plural(len(found), what)}: {listed}{more}.{told}"


def _surge_table(days: Days, came: Numbers, model: Expected, at: list[int], context: Context) -> Any:
    """The surges, the largest first: how many came, how many were to be expected, the event."""
    if not at:
        return None
    ordered = sorted(at, key=lambda i: model.mu[i] - came[i])[:LISTED]
    rows = []
    for i in ordered:
        day = days.on(i)
        event = expectation.event_on(day, context.events)
        rows.append([
            c.link(expectation.named(day), context.filters.during(Period(day, day + DAY)).to_search()),
            c.count(came[i]), c.count(model.mu[i]), c.signed(came[i] - model.mu[i]), event.name if event else c.NOTHING,
        ])  # fmt: skip
    columns = [c.Column("Day"), c.Column("Calls", True), c.Column("Expected", True), c.Column("More", True, False),
               c.Column("City event")]  # fmt: skip
    return c.table(columns, rows, caption="Days on which calls surged")


def half_hours(lately: Answer, context: Context) -> Drawing | None:
    """The half-hours of the day that surged most; None if there are too few weeks to say what is usual."""
    frame = lately.frame
    wide = frame.pivot_table(index="day", columns="half_hour", values="offered", aggfunc="sum").fillna(0.0)
    wide = wide.reindex(columns=sorted(wide.columns))
    whole = expectation.days_of(
        Answer(lately.query, frame.groupby("day", as_index=False)["offered"].sum(), lately.as_of, "day"),
        "offered",
        context,
    )
    if not len(whole):
        return None
    grid = wide.set_axis([stamp.date() for stamp in pd.DatetimeIndex(wide.index)])
    grid = grid.reindex([whole.on(i) for i in range(len(whole))]).fillna(0.0)
    period = context.filters.period
    inside = np.array([period.from_on <= day < period.to_on for day in grid.index])
    base = whole.is_usual & ~inside & (whole.counts > 0)
    if base.sum() < FEWEST_DAYS or not inside.any():
        return None
    weekday = np.array([day.weekday() for day in grid.index])
    came = grid.to_numpy(float)
    expected = usual_profile(came, weekday, base)
    mu = np.where(inside[:, None] & np.isnan(expected.mu), 0.0, expected.mu)  # a weekday that is always closed
    flags = np.zeros(came.shape, bool)
    for i in np.flatnonzero(inside & ~whole.is_unknown):
        flags[i] = surges(came[i], Expected(mu[i], expected.k))
    surged = [i for i in np.flatnonzero(inside) if flags[i].any()]
    above = np.where(flags, came - mu, 0.0).sum(axis=1)
    most = (
        max(surged, key=lambda i: above[i])
        if surged
        else int(np.flatnonzero(inside)[came[inside].sum(axis=1).argmax()])
    )
    times = [str(one) for one in grid.columns]
    shown = Expected(mu[most], expected.k)
    figure = expectation.half_hours(grid.index[most], times, came[most], shown, flags[most], "calls")
    if surged:
        hours = np.flatnonzero(flags[most])
        text = _surge_words([grid.index[i] for i in surged], "day", context)
        text += (
            f" Most of all **{expectation.named(grid.index[most])}**, in **{len(hours)}** half-hours from "
            f"{times[hours[0]]}: **{c.count(above[most])}** more calls than usual in them."
        )
    else:
        text = (
            f"No half-hour of the period surged; shown is its busiest day, **{expectation.named(grid.index[most])}**."
        )
    rule = f"surge: two half-hours in a row {RULE}"
    key = c.key(("series", "calls"), ("overdue", "surge"), ("band", "usual, 998 of 1,000"))
    n = f"usual: {int(base.sum())} days of the {BASE_WEEKS} weeks before"
    return Drawing(c.sentence(text), figure, foot=words.foot(key, n, rule))
