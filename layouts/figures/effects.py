"""Before and after a change: two groups beside each other, each step against those before, a series and its break,
and effects with their intervals.

Pure: numbers in, plain Plotly dictionaries out; ratios stand on a scale on which half and double are as far from 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np

from dashboard.domain.difference_in_differences import Effect
from layouts import components as c
from layouts.figures.comparisons import label_weights
from layouts.figures.series import end_note, note, time_layout, unit_note
from layouts.figures.steps import Steps

RATIOS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
"""Ticks of an axis of ratios."""
NARROW = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
"""Ticks of one that does not reach far."""
COARSE = (0.25, 0.5, 1.0, 2.0, 4.0)
"""The same where they stand closer."""
ROOM, PHONE_ROOM = 0.08, 0.32
"""How much of the axis a tick's words take."""
TIMES = 2.0
"""From so many times as many a ratio is told as such, and not in percent."""


def as_change(ratio: float) -> str:
    """0.57 → “−43 %”; 1.13 → “+13 %”; 6.1 → “× 6.1”; unknown → “–”."""
    if ratio != ratio:
        return c.NOTHING
    if round(ratio, 3) >= TIMES:
        return f"×{c.NBSP}{ratio:.1f}" if ratio < 100 else f"×{c.NBSP}{ratio:,.0f}"
    return c.signed_share(ratio - 1, 0)


def as_range(low: float, high: float) -> str:
    """“−54 to −30 %”, “× 3.4 to 10.9”."""
    if low != low or high != high:
        return c.NOTHING
    if high >= TIMES and (low >= 1 or high >= 2 * TIMES):
        return f"×{c.NBSP}{low:.1f} to {high:.1f}"
    ends = (f"{100 * (one - 1):+.0f}".replace("-", c.MINUS) for one in (low, high))
    first, last = ("0" if one in ("+0", f"{c.MINUS}0") else one for one in ends)
    return f"{first} to {last}{c.NBSP}%"


def mark_change(figure: dict[str, Any], steps: Steps, start_on: date) -> dict[str, Any]:
    """A line between the last step before the change and the first after it, with its day."""
    if not len(steps) or not steps.starts[0] < start_on <= steps.starts[-1]:
        return figure
    after = min(one for one in steps.starts if one >= start_on)
    half = timedelta(days=(steps.ends[0] - steps.starts[0]).days / 2)
    at = (after - half).isoformat()
    is_late = (after - steps.starts[0]).days > 0.55 * (steps.starts[-1] - steps.starts[0]).days
    line = {"type": "line", "x0": at, "x1": at, "yref": "paper", "y0": 0, "y1": 1,
            "line": {"color": "$text-2", "width": 1.5}}  # fmt: skip
    layout = figure["layout"]
    layout["shapes"] = [*layout.get("shapes", []), line]
    words = note(f"changed {start_on.day} {start_on:%b %Y}", x=at, y=1, yref="paper", yanchor="top",
                 xanchor="right" if is_late else "left", xshift=-4 if is_late else 4, name="change",
                 bgcolor="$surface", borderpad=1)  # fmt: skip
    layout["annotations"] = [*layout.get("annotations", []), words]
    return figure


def both_groups(
    steps: Steps, treated: np.ndarray, comparison: np.ndarray, unit: str, written: Callable[[float], str]
) -> dict[str, Any]:
    """Two lines over steps counted from the change: where it was made, and what it is held against."""
    data, notes, last = [], [], len(steps) - 1
    for values, token, words, dash in (
        (comparison, "cat-other", "comparison", "dot"), (treated, "series", "changed", "solid"),
    ):  # fmt: skip
        data.append({
            "type": "scatter", "mode": "lines+markers", "x": steps.days, "y": values, "name": words,
            "line": {"width": 2, "color": f"${token}", "dash": dash}, "marker": {"size": 5, "color": f"${token}"},
            "text": [written(value) for value in values], "connectgaps": False, "cliponaxis": False,
            "hovertemplate": f"<b>%{{text}}</b> {words}<extra></extra>",
        })  # fmt: skip
        known = np.flatnonzero(np.isfinite(values))
        if len(known) and known[-1] >= last - 1:
            notes.append(end_note(steps.days[last], float(values[known[-1]]), written(values[known[-1]]), words))
    top = _top(treated, comparison)
    layout = time_layout(unit, _apart(notes, top), range=[0, top])
    layout["xaxis"] |= {"range": [steps.days[0], steps.days[-1]]}
    return {"data": data, "layout": layout}


def _top(*lines: np.ndarray) -> float:
    """Where an axis ends that holds them, with room for the words above."""
    every = np.concatenate(lines)
    return 1.22 * float(every[np.isfinite(every)].max(initial=0.0)) or 1.0


def _apart(notes: list[dict[str, Any]], top: float) -> list[dict[str, Any]]:
    """Two labels at the ends of lines, moved so far apart that neither covers the other."""
    if len(notes) == 2:
        low, high = sorted(notes, key=lambda one: one["y"])
        missing = 0.2 * top - (high["y"] - low["y"])
        if missing > 0:
            high["y"] = min(high["y"] + missing / 2, 0.93 * top)
            low["y"] = max(high["y"] - 0.2 * top, 0.02 * top)
    return notes


def _ratio_axis(effects: Sequence[Effect], few: bool = False) -> dict[str, Any]:
    """A logarithmic axis that holds every ratio, and of intervals what lies within two and a half times beyond.

    It has room for `few` ticks on a phone.
    """
    known = [one for one in effects if one.is_known]
    ratios = [one.ratio for one in known] or [1.0]
    low, high = min(ratios), max(ratios)
    low = max(min([one.low for one in known] or [0.8]), low / 2.5)
    high = min(max([one.high for one in known] or [1.25]), high * 2.5)
    ends = float(np.log10(min(low, 0.8) / 1.1)), float(np.log10(max(high, 1.25) * 1.1))
    reach = ends[1] - ends[0]
    among = NARROW if reach < 0.8 and not few else COARSE if reach < 1.4 else RATIOS
    ticks = [1.0]  # and from there those that have room beside it
    for one in sorted(among, key=lambda ratio: abs(np.log10(ratio))):
        apart = min(abs(np.log10(one / other)) for other in ticks)
        if ends[0] <= np.log10(one) <= ends[1] and apart >= (PHONE_ROOM if few else ROOM) * reach:
            ticks.append(one)
    ticks.sort()
    # Of a log axis Plotly takes ticks as values and ranges as logarithms.
    return {"type": "log", "range": list(ends), "tickmode": "array", "tickvals": ticks,
            "ticktext": [_tick(one) for one in ticks]}  # fmt: skip


def _tick(ratio: float) -> str:
    return "same" if ratio == 1 else f"×{c.NBSP}{ratio:g}" if ratio >= 2 else as_change(ratio)


def _at_one(axis: str) -> dict[str, Any]:
    """A line at 1: no difference."""
    other = "x" if axis == "y" else "y"
    place = {f"{other}ref": "paper", f"{other}0": 0, f"{other}1": 1, f"{axis}0": 1, f"{axis}1": 1}
    return {"type": "line", **place, "line": {"color": "$text-3", "width": 1}, "layer": "below"}


def each_step(numbers: Sequence[int], names: Sequence[str], effects: Sequence[Effect], every: str) -> dict[str, Any]:
    """A dot with its interval for each step, counted from the change; before it they should lie at “same”."""
    axis = _ratio_axis(effects)
    low, high = (10**end for end in axis["range"])
    data = []
    for is_after, token, words in ((False, "cat-other", "before"), (True, "series", "after")):
        among = [i for i, n in enumerate(numbers) if (n >= 0) is is_after and effects[i].is_known]
        ratio = np.array([effects[i].ratio for i in among])
        data.append({
            "type": "scatter", "mode": "markers", "name": words, "x": [numbers[i] + 0.5 for i in among], "y": ratio,
            "marker": {"size": 8, "color": f"${token}", "symbol": "circle" if is_after else "square",
                       "line": {"width": 1, "color": "$surface"}},
            "error_y": {"type": "data", "symmetric": False, "thickness": 2, "width": 0, "color": f"${token}/0.45",
                        "array": np.array([min(effects[i].high, high) for i in among]) - ratio,
                        "arrayminus": ratio - np.array([max(effects[i].low, low) for i in among])},
            "hovertext": [f"<b>{names[i]}</b><br>{as_change(effects[i].ratio)} against the comparison<br>95 % sure of "
                          f"{as_range(effects[i].low, effects[i].high)}" for i in among],
            "hovertemplate": "%{hovertext}<extra></extra>",
        })  # fmt: skip
    first, last = min(numbers), max(numbers) + 1
    ticks = sorted({n for n in range(first, last + 1) if n % (6 if every == "month" else 4) == 0} | {0})
    layout = {
        "hovermode": "closest", "annotations": [unit_note("Against the comparison, other times before = same")],
        "shapes": [_at_one("y"), {"type": "line", "x0": 0, "x1": 0, "yref": "paper", "y0": 0, "y1": 1,
                                  "line": {"color": "$text-2", "width": 1.5}}],
        "xaxis": {"type": "linear", "range": [first - 0.5, last + 0.5], "tickmode": "array", "tickvals": ticks,
                  "ticktext": ["change" if n == 0 else f"{n:+d}".replace("-", c.MINUS) for n in ticks],
                  "title": {"text": f"{every.capitalize()}s from the change", "standoff": 8, "font": {"size": 12}}},
        "yaxis": {**axis, "rangemode": "normal", "zeroline": False}, "margin": {"l": 52, "r": 12, "b": 44},
    }  # fmt: skip
    return {"data": data, "layout": layout}


def broken_series(
    steps: Steps, rates: np.ndarray, fitted: np.ndarray | None, without: np.ndarray | None, is_after: np.ndarray,
    unit: str, written: Callable[[float], str],
) -> dict[str, Any]:  # fmt: skip
    """What was counted as dots, the model's line, and dashed what would have come without the change."""
    data: list[dict[str, Any]] = [{
        "type": "scatter", "mode": "markers", "x": steps.days, "y": rates, "name": "counted",
        "marker": {"size": 6 if len(steps) < 60 else 4, "color": "$series-raw", "line": {"width": 0}},
        "text": [written(value) for value in rates], "cliponaxis": False,
        "hovertemplate": "<b>%{text}</b> counted<extra></extra>",
    }]  # fmt: skip
    notes, last = [], steps.days[-1]
    if fitted is not None and without is not None:
        for part, is_first in ((~is_after, True), (is_after, False)):
            at = np.flatnonzero(part)
            data.append({
                "type": "scatter", "mode": "lines", "x": [steps.days[i] for i in at], "y": fitted[at], "name": "model",
                "line": {"width": 2, "color": "$series"}, "text": [written(fitted[i]) for i in at],
                "hovertemplate": "%{text} by the model<extra></extra>", "legendgroup": str(is_first),
            })  # fmt: skip
        at = np.flatnonzero(is_after)
        data.append({
            "type": "scatter", "mode": "lines", "x": [steps.days[i] for i in at], "y": without[at], "name": "without",
            "line": {"width": 2, "color": "$cat-4", "dash": "dash"}, "text": [written(without[i]) for i in at],
            "hovertemplate": "%{text} had it gone on as before<extra></extra>",
        })  # fmt: skip
        notes = [end_note(last, float(fitted[-1]), written(fitted[-1]), "model"),
                 end_note(last, float(without[-1]), written(without[-1]), "as before")]  # fmt: skip
    top = _top(*(one for one in (rates, fitted, without) if one is not None))
    layout = time_layout(unit, _apart(notes, top), range=[0, top])
    layout["xaxis"] |= {"range": [steps.days[0], last]}
    return {"data": data, "layout": layout}


class Row(NamedTuple):
    """A row of `effects`: its name and effect; `kind` ``real``, ``date``, ``group``, or ``all`` for a range of many."""

    name: str
    effect: Effect
    kind: str


def effects(rows: Sequence[Row]) -> dict[str, Any]:
    """A dot and an interval for each effect: the real one first, then those where nothing was changed."""
    return {**_effects(rows, 26), "narrow": _effects(rows, 20, on_phone=True)}


def _effects(rows: Sequence[Row], letters: int, on_phone: bool = False) -> dict[str, Any]:
    axis = _ratio_axis([row.effect for row in rows], on_phone)
    low, high = (10**end for end in axis["range"])
    tokens = {"real": "series", "date": "cat-other", "group": "cat-other", "all": "cat-other"}
    symbols = {"real": "circle", "date": "square", "group": "diamond", "all": "line-ns-open"}
    data: list[dict[str, Any]] = []
    for i, row in enumerate(rows):
        ends = [max(row.effect.low, low), min(row.effect.high, high)]
        data.append({"type": "scatter", "mode": "lines", "x": ends, "y": [i, i], "hoverinfo": "skip",
                     "line": {"width": 6 if row.kind == "all" else 2.5,
                              "color": f"${tokens[row.kind]}/0.45"}})  # fmt: skip
    for kind in dict.fromkeys(row.kind for row in rows):
        at = [i for i, row in enumerate(rows) if row.kind == kind]
        said = "most lie between" if kind == "all" else "95 % sure of"
        data.append({
            "type": "scatter", "mode": "markers", "name": kind, "x": [rows[i].effect.ratio for i in at], "y": at,
            "cliponaxis": False,
            "marker": {"size": 10, "symbol": symbols[kind], "color": f"${tokens[kind]}",
                       "line": {"width": 2 if kind == "all" else 1,
                                "color": "$text-2" if kind == "all" else "$surface"}},
            "hovertext": [f"<b>{rows[i].name}</b><br>{as_change(rows[i].effect.ratio)}<br>{said} "
                          f"{as_range(rows[i].effect.low, rows[i].effect.high)}" for i in at],
            "hovertemplate": "%{hovertext}<extra></extra>",
        })  # fmt: skip
    names = label_weights([row.name for row in rows], [rows[0].name], letters, 1)
    column = {"x": 1, "xref": "paper", "xanchor": "right", "name": "column"}
    ends_said = [note(as_change(row.effect.ratio), **column, y=i, xshift=52) for i, row in enumerate(rows)]
    layout = {
        "hovermode": "closest", "shapes": [_at_one("x")], "annotations": ends_said,
        "margin": {"t": 8, "b": 28, "r": 60},
        "xaxis": {**axis, "ticks": "", "showline": False, "fixedrange": True, "showgrid": True,
                  "gridcolor": "$line", "tickangle": 0},
        "yaxis": {"tickmode": "array", "tickvals": list(range(len(rows))), "ticktext": names,
                  "range": [len(rows) - 0.5, -0.5], "automargin": True, "showgrid": False, "zeroline": False,
                  "rangemode": "normal", "fixedrange": True},
    }  # fmt: skip
    return {"data": data, "layout": layout}
