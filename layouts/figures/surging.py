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
SHOWN_DAYS = 3
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
    limit = model.quantile(SURE)
    alone = [i for i in inside if not is_surge[i] and came[i] > limit[i]]
    text = _surge_words([known.on(i) for i in found], context)
    if alone:
        single = " and ".join(f"**{_with_event(known.on(i), context)}**" for i in alone[:2])
        text += f" High by itself, for one day only: {single}."
    every = Steps(
        {"offered": came[inside]}, "day", period, [known.on(i) for i in inside],
        [known.on(i + 1) for i in inside], np.ones(len(inside), bool),
    )  # fmt: skip
    figure = _surge_figure(every, model, inside, is_surge)
    events.shade(figure, every, context.events)
    rule = "surge: two days in a row above the usual range, or many a little above (CUSUM over 4)"
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


def _surge_words(found: list[date], context: Context) -> str:
    out = " Event days are left out." if context.filters.left_out else ""
    if not found:
        return f"No day of the period surged above what is usual.{out}"
    names = dict.fromkeys(
        event.name for day in found if (event := expectation.event_on(day, context.events)) is not None
    )
    told = f" The city’s events: {words.listed(list(names))}." if names else out or " No city event is known for them."
    listed = words.listed([expectation.named(day) for day in found[-3:]])
    more = f", and {len(found) - 3} before" if len(found) > 3 else ""
    return f"Calls surged on {words.plural(len(found), 'day')}: {listed}{more}.{told}"


def _surge_table(days: Days, came: Numbers, model: Expected, at: list[int], context: Context) -> Any:
    """The surges, the largest first: how many came, how many were to be expected, the event."""
    if not at:
        return None
    ordered = sorted(at, key=lambda i: model.mu[i] - came[i])[:LISTED]
    rows = []
    for i in ordered:
        day = days.on(i)
        event = expectation.event_on(day, context.events)
        usual, more = c.count(model.mu[i]), c.signed(came[i] - model.mu[i])
        if model.mu[i] < 0.5:  # the lines are closed on such days: nothing to hold it against
            usual, more = "closed on such days", c.NOTHING
        rows.append([
            c.link(expectation.named(day), context.filters.during(Period(day, day + DAY)).to_search()),
            c.count(came[i]), usual, more, event.name if event else c.NOTHING,
        ])  # fmt: skip
    columns = [c.Column("Day"), c.Column("Calls", True), c.Column("Expected", True), c.Column("More", True, False),
               c.Column("City event")]  # fmt: skip
    return c.table(columns, rows, caption="Days on which calls surged")


def half_hours(lately: Answer, history: Answer, context: Context) -> Drawing | None:
    """The half-hours of the days that surged most; None if there are too few weeks to say what is usual."""
    known = expectation.days_of(history, "offered", context)
    model = expected_days(known)
    frame = lately.frame[["day", "half_hour", "offered"]]
    frame = frame.assign(day=[stamp.date() for stamp in pd.DatetimeIndex(frame["day"])])
    grid = frame.groupby(["day", "half_hour"])["offered"].sum().unstack(fill_value=0.0)
    grid = grid.loc[[day for day in grid.index if day >= known.first_on], sorted(grid.columns)]
    if model is None or grid.empty:
        return None
    days, times, came = list(grid.index), [str(one) for one in grid.columns], grid.to_numpy(float)
    at = np.array([(day - known.first_on).days for day in days])
    period = context.filters.period
    inside = np.array([period.from_on <= day < period.to_on for day in days]) & ~known.is_unknown[at]
    base = known.is_usual[at] & ~inside & (known.counts[at] > 0)
    if base.sum() < FEWEST_DAYS or not inside.any():
        return None
    weekday = np.array([day.weekday() for day in days])
    expected = usual_profile(came, model.mu[at], weekday, base)
    flags = np.zeros(came.shape, bool)
    for i in np.flatnonzero(inside):
        flags[i] = surges(came[i], Expected(expected.mu[i], expected.k))
    above = np.where(flags, came - expected.mu, 0.0).sum(axis=1)
    surged = [int(i) for i in np.flatnonzero(flags.any(axis=1))]
    shown = sorted(sorted(surged, key=lambda i: -above[i])[:SHOWN_DAYS])
    if surged:
        most = max(surged, key=lambda i: above[i])
        at_times = np.flatnonzero(flags[most])
        text = (
            f"Calls surged in {words.plural(int(flags.sum()), 'half-hour')} of {words.plural(len(surged), 'day')}, "
            f"most of all **{_with_event(days[most], context)}**: {words.plural(len(at_times), 'half-hour')} from "
            f"{times[at_times[0]]}, **{c.count(above[most])}** more calls than usual in them."
        )
    else:
        shown = [int(np.flatnonzero(inside)[came[inside].sum(axis=1).argmax()])]
        busiest = expectation.named(days[shown[0]])
        text = f"No half-hour of the period surged; shown is its busiest day, **{busiest}**."
    figure = expectation.half_hours(
        [days[i] for i in shown], times, came[shown], Expected(expected.mu[shown], expected.k), flags[shown]
    )  # fmt: skip
    key = c.key(("series", "calls"), ("overdue", "surge"), ("band", "usual, 998 of 1,000"))
    n = f"spread over the day as on {int(base.sum())} days of the {BASE_WEEKS} weeks before"
    table = _table_of_half_hours(days, times, flags, above, context) if surged else None
    return Drawing(c.sentence(text), figure, table, words.foot(key, n, f"surge: two half-hours in a row {RULE}"))


def _table_of_half_hours(
    days: list[date], times: list[str], flags: Flags, above: Numbers, context: Context
) -> Any:  # fmt: skip
    """The days with surging half-hours, the largest first."""
    rows = []
    for i in sorted(np.flatnonzero(flags.any(axis=1)), key=lambda i: -above[i])[:LISTED]:
        event = expectation.event_on(days[i], context.events)
        here = context.filters.during(Period(days[i], days[i] + DAY)).to_search()
        rows.append([
            c.link(expectation.named(days[i]), here), c.count(flags[i].sum()), times[int(flags[i].argmax())],
            c.signed(above[i]), event.name if event else c.NOTHING,
        ])  # fmt: skip
    columns = [
        c.Column("Day"), c.Column("Half-hours", True), c.Column("From", True, False), c.Column("More calls", True),
        c.Column("City event"),
    ]  # fmt: skip
    return c.table(columns, rows, caption="Days with half-hours in which calls surged")
