"""The week as a grid: seven days by twenty-four hours, local time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from data_access.dimensions import WEEKDAYS
from layouts.components import count
from layouts.view import Context

RAMP = [[i / 6, f"$seq-{i}"] for i in range(7)]
SHORT = tuple(day[:3] for day in WEEKDAYS)


def hours_in(begin: date, end: date, tz: str) -> np.ndarray:
    """How often each hour of the week came in ``[begin, end)``: an hour skipped or doubled in spring and autumn counts.

    An array of 168: hour 0 is Monday 00:00 local time.
    """
    hours = pd.date_range(begin, end, freq="h", tz=tz, inclusive="left")
    return np.bincount(hours.day_of_week * 24 + hours.hour, minlength=168)


def hours_known(context: Context) -> np.ndarray:
    """`hours_in` the chosen period as far as the data reaches, without days that are left out or without data."""
    period, clock, tz = context.filters.period, context.clock, context.city.tz
    begin, end = max(period.from_on, clock.first_on), min(period.to_on, clock.end_on)
    if begin >= end:
        return np.zeros(168, dtype=int)
    hours = hours_in(begin, end, tz)
    missing = {
        day
        for first, after in (*clock.gaps, *context.filters.left_out)
        for day in range(max(first, begin).toordinal(), min(after, end).toordinal())
    }
    for day in missing:
        hours = hours - hours_in(date.fromordinal(day), date.fromordinal(day + 1), tz)
    return hours


def by_hour_of_week(frame: pd.DataFrame, measure: str) -> np.ndarray:
    """A measure by hour of the week as an array of 168, 0 where nothing happened."""
    values = np.zeros(168)
    values[frame["hour_of_week"].astype(int).to_numpy()] = frame[measure].fillna(0).to_numpy(dtype=float)
    return values


def hour_of_week_grid(
    values: np.ndarray,
    words: Sequence[str],
    selected: Sequence[str] = (),
    *,
    template: str = "%{text}",
    ramp: Sequence[Sequence[Any]] = RAMP,
    limits: tuple[float, float] | None = None,
) -> dict[str, Any]:
    """A cell for each hour of the week; `words` say each value, selected cells keep their colour while others fade.

    `values` and `words` have 168 entries; NaN is an empty cell, of which nothing is said. `template` is what
    Plotly's says of a cell, with its words in it.
    """
    z = np.asarray(values, float).reshape(7, 24)
    codes = [[str(day * 24 + hour) for hour in range(24)] for day in range(7)]
    known = z[np.isfinite(z)]
    low, high = limits or (0.0, float(known.max()) if len(known) and known.max() > 0 else 1.0)
    names = [[f"{day} {hour}:00–{hour + 1}:00" for hour in range(24)] for day in WEEKDAYS]
    told = [[words[d * 24 + h] if np.isfinite(z[d, h]) else "" for h in range(24)] for d in range(7)]
    cells = {
        "type": "heatmap", "z": z, "x": list(range(24)), "y": list(range(7)), "customdata": codes, "text": told,
        "hovertext": names, "hovertemplate": f"<b>%{{hovertext}}</b><br>{template}<extra></extra>",
        "colorscale": [list(step) for step in ramp], "zmin": low, "zmax": high, "xgap": 1, "ygap": 1,
        "showscale": False, "hoverongaps": False,
    }  # fmt: skip
    data = [cells]
    if selected:
        chosen = np.isin(np.array(codes), list(selected))
        data = [{**cells, "opacity": 0.42}, {**cells, "z": np.where(chosen, z, np.nan), "hoverinfo": "skip"}]
    layout = {
        "hovermode": "closest", "margin": {"l": 44, "r": 12, "t": 8, "b": 28},
        "xaxis": {"type": "linear", "tickmode": "array", "tickvals": list(range(0, 24, 3)), "range": [-0.5, 23.5],
                  "ticktext": [f"{hour}:00" for hour in range(0, 24, 3)], "ticks": "", "showline": False,
                  "fixedrange": True},
        "yaxis": {"tickmode": "array", "tickvals": list(range(7)), "ticktext": list(SHORT), "range": [6.5, -0.5],
                  "showgrid": False, "zeroline": False, "rangemode": "normal", "fixedrange": True},
    }  # fmt: skip
    return {"data": data, "layout": layout}


def busiest(values: np.ndarray, hours: int = 1) -> str:
    """The busiest hour in words: “Monday 10:00–11:00”."""
    at = int(np.nanargmax(values))
    return f"{WEEKDAYS[at // 24]} {at % 24}:00–{at % 24 + hours}:00"


def per_hour_words(totals: np.ndarray, hours: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """The mean in each hour, NaN where the period holds none, and of what it is the mean: “161 in 13” such hours."""
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(hours > 0, totals / hours, np.nan)
    return mean, [f"{count(total)} in {n}" for total, n in zip(totals, hours, strict=True)]


def an_hour(things: str) -> str:
    """The template of `per_hour_words`: “12.4 calls an hour (161 in 13 such hours)”."""
    return f"%{{z:,.1f}} {things} an hour (%{{text}} such hours)"
