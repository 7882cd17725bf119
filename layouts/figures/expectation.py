"""What is expected beside what came: the usual range behind days, surges above it, and the days ahead.

Pure: answers in, plain Plotly dictionaries out. The arithmetic is `dashboard.domain.expected` and `.forecasting`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import product
from typing import Any

import numpy as np

from dashboard.domain.expected import SURE, Days, Expected, Flags, Numbers, expected_days
from dashboard.domain.filters import DAY
from dashboard.domain.forecasting import Forecast
from data_access.semantics import Answer
from layouts.components import count
from layouts.figures import events
from layouts.figures.series import DAY_MS, end_note, few, note, time_layout
from layouts.figures.steps import Steps
from layouts.view import Context, Event

HALF_HOUR_MS = 1_800_000
HISTORY_DAYS = 1096
"""Three years: two to know the season from, and one to test forecasts on."""


def days_of(answer: Answer, measure: str, context: Context) -> Days:
    """The days of `answer` from the first on which anything came, with what is known about each."""
    counts = answer.column(measure).astype(float)
    if not counts.sum():
        nothing = np.zeros(0, bool)
        return Days(context.clock.first_on, np.zeros(0), nothing, nothing, nothing)
    at = answer.column("day").astype("datetime64[D]").astype(int)
    begin, last = at[counts != 0].min(), at.max()
    known, is_event, is_closed = (np.zeros(last + 1 - begin, kind) for kind in (float, bool, bool))
    is_unknown = np.ones(last + 1 - begin, bool)
    counted = at >= begin
    known[at[counted] - begin] = counts[counted]
    is_unknown[at[counted] - begin] = False
    first: date = begin.astype("datetime64[D]").item()

    def place(day: date) -> int:
        return max((day - first).days, 0)

    for one in events.of_days(context.events):
        is_event[place(one.start_on) : place(one.end_on)] |= one.kind != "data_gap"
    for day in context.closed_on:
        is_closed[place(day) : place(day + DAY)] = True
    for start, end in context.clock.gaps:
        is_unknown[place(start) : place(end)] |= known[place(start) : place(end)] == 0
    return Days(first, known, is_event, is_closed, is_unknown)


def of_steps(steps: Steps, days: Days, values: Numbers) -> Numbers:
    """`values` of `days` on the days of `steps`; NaN on those that are not among them."""
    at = np.array([(day - days.first_on).days for day in steps.starts])
    known = (at >= 0) & (at < len(values))
    return np.where(known, values[np.clip(at, 0, max(len(values) - 1, 0))], np.nan)


def usual(steps: Steps, days: Days) -> tuple[Expected, Numbers, Numbers] | None:
    """What is expected on the days of `steps`, and between which counts 95 % of such days lie; None if unknown."""
    if steps.every != "day" or not len(steps):
        return None
    model = expected_days(days)
    if model is None:
        return None
    low, high = model.range()
    on_steps = [of_steps(steps, days, values) for values in (model.mu, low, high)]
    return (Expected(on_steps[0], model.k), on_steps[1], on_steps[2]) if np.isfinite(on_steps[0]).any() else None


def band_behind(figure: dict[str, Any], steps: Steps, low: Numbers, high: Numbers) -> dict[str, Any]:
    """The range drawn behind a daily figure, and its ends in the hover box."""
    if any(trace["type"] == "bar" for trace in figure["data"]):
        # Lines always lie over bars: behind bars the range is drawn of bars as well.
        said = [f"usually {count(a)} to {count(b)}" if np.isfinite(a) else "" for a, b in zip(low, high, strict=True)]
        hover = {"text": said, "hovertemplate": "%{text}<extra></extra>", "customdata": steps.days}
        figure["data"] = [_range_of_bars(steps.days, low, high, DAY_MS) | hover, *figure["data"]]
        figure["layout"]["barmode"] = "overlay"
        return figure
    common = {"type": "scatter", "mode": "lines", "x": steps.days, "line": {"width": 0, "shape": "hvh"}}
    figure["data"] = [
        {**common, "y": low, "hoverinfo": "skip", "name": "low"},
        {**common, "y": high, "fill": "tonexty", "fillcolor": "$band", "name": "usual", "text": low,
         "hovertemplate": "usually %{text:,.0f} to %{y:,.0f}<extra></extra>", "customdata": steps.days},
        *figure["data"],
    ]  # fmt: skip
    return figure


def _range_of_bars(at: Sequence[str], low: Numbers, high: Numbers, width_ms: float) -> dict[str, Any]:
    return {
        "type": "bar", "x": list(at), "y": high - low, "base": low, "width": width_ms, "name": "usual",
        "marker": {"color": "$band", "line": {"width": 0}, "cornerradius": 0}, "textposition": "none",
    }  # fmt: skip


def event_on(day: date, known: Sequence[Event]) -> Event | None:
    """The event that marks `day`, the shortest if there are several."""
    found = [one for one in events.of_days(known) if one.start_on <= day < one.end_on]
    return min(found, key=lambda one: one.end_on - one.start_on, default=None)


def named(day: date) -> str:
    """“Sat 16 May 2026”."""
    return f"{day:%a} {day.day} {day:%b %Y}"


def ahead(days: Days, found: Forecast, things: str, shown: int = 56) -> dict[str, Any]:
    """The last eight weeks as they were and the days ahead, dashed, in their range."""
    n, horizon = len(days), len(found.mean)
    past = [days.on(i).isoformat() for i in range(max(n - shown, 0), n)]
    came = np.where(days.is_unknown, np.nan, days.counts)[-shown:]
    coming = [days.on(n + i).isoformat() for i in range(horizon)]
    range_said = [f"{count(a)} to {count(b)}" for a, b in zip(found.low, found.high, strict=True)]
    edge = {"type": "scatter", "mode": "lines", "x": coming, "line": {"width": 0}, "hoverinfo": "skip"}
    data = [
        {**edge, "y": found.low, "name": "low"},
        {**edge, "y": found.high, "name": "range", "fill": "tonexty", "fillcolor": "$series/0.14"},
        {
            "type": "scatter", "mode": "lines+markers", "x": past, "y": came, "name": "came", "connectgaps": False,
            "line": {"width": 1.5, "color": "$series"}, "marker": {"size": 4, "color": "$series"},
            "hovertemplate": f"<b>%{{y:,}}</b> {things}<extra></extra>",
        },
        {
            "type": "scatter", "mode": "lines", "x": coming, "y": found.mean, "name": "expected", "text": range_said,
            "line": {"width": 2, "color": "$series", "dash": "dot"},
            "hovertemplate": f"<b>%{{y:,.0f}}</b> {things} expected, %{{text}}<extra></extra>",
        },
    ]  # fmt: skip
    mean = float(found.mean.mean())
    layout = time_layout(f"{things.capitalize()} a day")
    layout["annotations"].append(end_note(coming[-1], mean, few(mean), "a day<br>expected"))
    layout["annotations"].append(
        note("forecast", x=coming[0], y=1, yref="paper", xanchor="left", yanchor="bottom", yshift=8, name="forecast")
    )
    layout["xaxis"]["range"] = [past[0], coming[-1]]
    line = {"color": "$line-2", "width": 1}
    border = f"{days.on(n - 1)} 12:00"
    layout["shapes"] = [
        {"type": "line", "x0": border, "x1": border, "yref": "paper", "y0": 0, "y1": 1, "line": line, "layer": "below"}
    ]
    return {"data": data, "layout": layout}


def shade_past(figure: dict[str, Any], days: Days, known: Sequence[Event], shown: int = 56) -> None:
    """Fill the event days of the weeks behind a forecast and name the latest, where the unit leaves room."""
    first, end = days.on(max(len(days) - shown, 0)), days.on(len(days))
    layout = figure["layout"]
    unit = max(len(one["text"]) for one in layout["annotations"] if one.get("name") == "unit")
    weeks = (date.fromisoformat(layout["xaxis"]["range"][1]) - first).days
    named_days: list[dict[str, Any]] = []
    for one in events.of_days(known):
        begin, until = max(one.start_on, first), min(one.end_on, end)
        if begin < until:
            x0, x1 = f"{begin - DAY} 12:00", f"{until - DAY} 12:00"
            figure["layout"]["shapes"].append({
                "type": "rect", "x0": x0, "x1": x1, "yref": "paper", "y0": 0, "y1": 1, "fillcolor": "$event",
                "line": {"width": 0}, "layer": "below",
            })  # fmt: skip
            words = events.name_of(one)
            before = (until - first).days / weeks * events.PHONE_PX + events.UNIT_LEFT_PX * -1
            if before > events.LETTER_PX * (unit + len(words)) + 8:
                place = {"x": x1, "xanchor": "right", "y": 1, "yref": "paper", "yanchor": "bottom", "yshift": 8}
                named_days = [note(words, **place, name="event")]
    layout["annotations"] += named_days


def half_hours(
    days: Sequence[date], times: Sequence[str], came: Numbers, expected: Expected, is_surge: Flags
) -> dict[str, Any]:
    """The half-hours of a few days as bars over their usual range; those that surge in the colour of what is late.

    `came`, `expected` and `is_surge` have a row per day and a column per half-hour; the hours between the last of one
    day and the first of the next are cut out of the axis.
    """
    low, high = (values.ravel() for values in expected.range(2 * SURE - 1))
    at = [f"{day} {time}" for day, time in product(days, times)]
    flags, numbers = is_surge.ravel(), came.ravel()
    said = [
        f"<b>{named(day)}, {time}</b><br>{count(n)} calls, usually {count(a)} to {count(b)}"
        for (day, time), n, a, b in zip(product(days, times), numbers, low, high, strict=True)
    ]
    bars = {
        "type": "bar", "x": at, "y": numbers, "width": 0.7 * HALF_HOUR_MS, "name": "calls", "text": said,
        "textposition": "none", "marker": {"color": ["$overdue" if flag else "$series" for flag in flags]},
        "customdata": [day.isoformat() for day in days for _ in times], "hovertemplate": "%{text}<extra></extra>",
    }  # fmt: skip
    layout = time_layout("Calls in half an hour") | {"hovermode": "closest", "barcornerradius": 0, "barmode": "overlay"}
    noon = [time for time in times if time in ("12:00", "16:00")] if len(days) == 1 else ["12:00"]
    ticks = {f"{day} {times[0]}": f"{times[0]}<br>{day:%a} {day.day} {day:%b}" for day in days}
    ticks |= {f"{day} {time}": time for day in days for time in noon}
    first, last = days[0], days[-1]
    between = [first + timedelta(days=i) for i in range((last - first).days)]
    shut = [day.isoformat() for day in between if day not in days]
    opens, closes = (int(time[:2]) + int(time[3:]) / 60 for time in (times[0], times[-1]))
    cuts: list[dict[str, Any]] = [{"bounds": [closes + 0.75, opens - 0.25], "pattern": "hour"}] if len(days) > 1 else []
    layout["xaxis"] |= {
        "tickmode": "array", "tickvals": list(ticks), "ticktext": list(ticks.values()),
        "rangebreaks": [*cuts, *([{"values": shut}] if shut else [])],
    }  # fmt: skip
    layout["margin"] = {"r": 12, "b": 44}
    band = _range_of_bars(at, low, high, HALF_HOUR_MS) | {"hoverinfo": "skip"}
    return {"data": [band, bars], "layout": layout}
