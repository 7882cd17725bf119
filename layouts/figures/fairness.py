"""Districts held against the whole city: a funnel of gaps, rows with intervals, gaps along time, classes on a map.

Never a ranking: a funnel is laid out by how much is known, rows and small figures by name. Pure: numbers in, plain
Plotly dictionaries out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from dashboard.domain.funnel import CONTROL, WARNING, Limits
from dashboard.domain.intervals import standard_errors
from layouts import html
from layouts.components import marker
from layouts.figures.comparisons import faded, label_weights
from layouts.figures.funnels import limits_of_chance
from layouts.figures.series import note, unit_note
from layouts.figures.steps import Steps

LIMITS = (standard_errors(WARNING), standard_errors(CONTROL))
"""Standard errors to either side within which 95 % and 99.8 % lie by chance."""
WITHIN, LONGER, SHORTER = "no more than chance explains", "longer than overall", "shorter than overall"
QUIET = "shorter, but clearly fewer reports"
_MARKS = {
    WITHIN: ("series", "circle"), LONGER: ("misses", "diamond"), SHORTER: ("cat-3", "square"),
    QUIET: ("text-2", "circle-open"),
}  # fmt: skip
UNKNOWN = "too few to compare"
ON_MAP = {WITHIN: "seq-2", LONGER: "cat-4", SHORTER: "cat-3", QUIET: "series-2", UNKNOWN: "hex-none"}
"""The colour of a district on the map, by its verdict."""


class Side(NamedTuple):
    """A district: its name, its verdict, and what a hover box says of it."""

    name: str
    verdict: str
    words: str


def key_of(sides: Sequence[Side]) -> html.Span:
    """The key: each verdict there is, as shape and words."""
    found = [words for words in _MARKS if any(side.verdict == words for side in sides)]
    return html.Span([html.Span([marker(*_MARKS[words]), words]) for words in found], className="legend")


def said(verdict: str) -> html.Span:
    """A verdict in a table: its shape and its words."""
    return html.Span([marker(*_MARKS[verdict]), verdict]) if verdict in _MARKS else html.Span(verdict)


def funnel_of_gaps(
    sides: Sequence[Side], gaps: np.ndarray, errors: np.ndarray, single: float, unit: str, across: str,
    whole: str, selected: Sequence[str] = (),
) -> dict[str, Any]:  # fmt: skip
    """Each gap by how many requests tell of it, with limits around none that narrow with them.

    `single` is the standard deviation of a single request; a gap with error e is told by (single ÷ e)² of them. `whole`
    is what has no gap.
    """
    many = (single / errors) ** 2
    most = float(many.max()) * 1.08
    x = np.geomspace(max(float(many.min()) * 0.6, 2.0), most, 80)
    inner, outer = (reach * single / np.sqrt(x) for reach in LIMITS)
    data = [*limits_of_chance(x, Limits(-inner, inner), Limits(-outer, outer)), *_marked(sides, many, gaps, selected)]
    reach = 1.25 * max(float(np.abs(gaps).max()), float(LIMITS[1] * single / np.sqrt(many.min())))
    labels = [
        note(side.name, x=at, y=gap, yshift=14 if gap >= 0 else -14, font={"size": 12, "color": "$text"}, name="dot")
        for side, at, gap in zip(sides, many, gaps, strict=True)
        if side.verdict != WITHIN or side.name in selected
    ]
    none = note(f"<b>{whole}</b>", y=0, xref="paper", x=1, xanchor="left", xshift=8, name="end")
    layout = {
        "hovermode": "closest", "annotations": [unit_note(unit), none, *labels], "margin": {"b": 44, "r": 44},
        "xaxis": {"title": {"text": across, "standoff": 8, "font": {"size": 12}}, "range": [0, most],
                  "tickformat": "~s" if most > 20_000 else ","},
        "yaxis": {"range": [-reach, reach], "rangemode": "normal", "tickformat": ",.2~f"},
    }  # fmt: skip
    return {"data": data, "layout": layout}


def _marked(sides: Sequence[Side], x: np.ndarray, y: Any, selected: Sequence[str]) -> list[dict[str, Any]]:
    """A trace of marks for each verdict there is."""
    opacity = faded([side.name for side in sides], selected)
    traces = []
    for words, (token, symbol) in _MARKS.items():
        at = [i for i, side in enumerate(sides) if side.verdict == words]
        if not at:
            continue
        traces.append({
            "type": "scatter", "mode": "markers", "x": np.asarray(x)[at], "y": np.asarray(y)[at], "name": words,
            "customdata": [sides[i].name for i in at], "cliponaxis": False,
            "hovertext": [sides[i].words for i in at], "hovertemplate": "%{hovertext}<extra></extra>",
            "marker": {"size": 10 if words == WITHIN else 12, "symbol": symbol, "color": f"${token}",
                       "opacity": [opacity[i] for i in at],
                       "line": {"width": 1.5, "color": f"${token}" if words == QUIET else "$surface"}},
        })  # fmt: skip
    return traces


class Row(NamedTuple):
    """A row of a dot-and-interval chart: its name, the value with its interval, what stands at the right, its hover."""

    name: str
    value: float
    low: float
    high: float
    written: tuple[str, str]
    words: str
    token: str = "series"


def rows_with_intervals(
    rows: Sequence[Row], heads: tuple[str, str], middle: tuple[float, str], selected: Sequence[str] = (),
    axis: dict[str, Any] | None = None, most_px: float = 38.0,
) -> dict[str, Any]:  # fmt: skip
    """A dot and its 95 % interval for each row; a line where all of them lie, `middle` (place, name).

    `heads` are the headings of the two columns at the right, the second of which a phone leaves out. A row is as high
    as `most_px` at the most.
    """
    more = (rows, heads, middle, selected, axis or {}, height_of(len(rows), most_px))
    return {
        **_rows_with_intervals(*more, on_phone=False), "narrow": _rows_with_intervals(*more, on_phone=True),
    }  # fmt: skip


def height_of(rows: int, most_px: float = 38.0) -> float:
    """The height of a figure of so many rows: the fewer there are, the more room has each."""
    return 64 + max(30.0, min(most_px, 320 / max(rows, 1))) * rows


def _rows_with_intervals(
    rows: Sequence[Row], heads: tuple[str, str], middle: tuple[float, str], selected: Sequence[str],
    axis: dict[str, Any], height: float, *, on_phone: bool,
) -> dict[str, Any]:  # fmt: skip
    names, places = [row.name for row in rows], list(range(len(rows)))
    opacity = faded(names, selected)
    data: list[dict[str, Any]] = [
        {"type": "scatter", "mode": "lines", "x": [row.low, row.high], "y": [i, i], "hoverinfo": "skip",
         "line": {"width": 2.5, "color": f"${row.token}"}, "opacity": 0.5 if opacity[i] == 1 else 0.25}
        for i, row in enumerate(rows)
    ]  # fmt: skip
    data.append({
        "type": "scatter", "mode": "markers", "x": np.array([row.value for row in rows]), "y": places,
        "customdata": names, "cliponaxis": False, "hovertext": [row.words for row in rows],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "marker": {"size": 10, "color": [f"${row.token}" for row in rows], "opacity": opacity,
                   "line": {"width": 1.5, "color": "$surface"}},
    })  # fmt: skip
    room = (64, 60) if on_phone else (64, 156)
    shifts = (room[0] - 4,) if on_phone else (room[0] - 4, room[1] - 4)
    column = {"x": 1, "xref": "paper", "xanchor": "right", "name": "column"}
    written = [
        note(head, **column, y=1, yref="paper", yshift=20, xshift=at) for head, at in zip(heads, shifts, strict=False)
    ]
    for i, row in enumerate(rows):
        for text, at in zip(row.written, shifts, strict=False):
            strong = f"<b>{text}</b>" if row.name in selected else text
            written.append(note(strong, **column, y=i, xshift=at))
    ends = [middle[0], *(end for row in rows for end in (row.low, row.high))]
    edge = 0.05 * (max(ends) - min(ends) or 1.0)
    at, name = middle
    written.append(note(name, x=at, y=1, yref="paper", yshift=20, name="middle", font={"size": 12, "color": "$text-2"}))
    layout = {
        "hovermode": "closest", "margin": {"t": 28, "b": 28, "r": room[0] if on_phone else room[1]}, "height": height,
        "annotations": written,
        "shapes": [{"type": "line", "x0": at, "x1": at, "yref": "paper", "y0": 0, "y1": 1,
                    "line": {"width": 1, "color": "$text-2"}}],
        "xaxis": {"range": [min(ends) - edge, max(ends) + edge], "showgrid": True, "gridcolor": "$line",
                  "rangemode": "normal", "ticks": "", "showline": False, "zeroline": False, "fixedrange": True,
                  "nticks": 5, "tickangle": 0, **axis},
        "yaxis": {"tickmode": "array", "tickvals": places,
                  "ticktext": label_weights(names, selected, *((18, 2) if on_phone else (24, 2))),
                  "range": [len(places) - 0.5, -0.5], "automargin": True, "showgrid": False, "zeroline": False,
                  "rangemode": "normal", "fixedrange": True},
    }  # fmt: skip
    return {"data": data, "layout": layout}


class Gaps(NamedTuple):
    """A district's gap along time, with the ends of its 95 % interval."""

    name: str
    values: np.ndarray
    low: np.ndarray
    high: np.ndarray


def gaps_along_time(
    rows: Sequence[Gaps], steps: Steps, written: Callable[[float], str], selected: Sequence[str] = ()
) -> dict[str, Any]:
    """A small figure for each district, all on one scale: the gap with its interval, and a line at none."""
    return {
        **_gaps_along_time(rows, steps, written, selected, 4),
        "narrow": _gaps_along_time(rows, steps, written, selected, 2),
    }


ROW_PX = 116
"""The height of a row of small figures."""


def _gaps_along_time(
    rows: Sequence[Gaps], steps: Steps, written: Callable[[float], str], selected: Sequence[str], across: int
) -> dict[str, Any]:
    down = -(-len(rows) // across)
    data, notes, shapes = [], [], []
    values = np.concatenate([part for row in rows for part in (row.values, row.low, row.high)])
    reach = float(np.nanmax(np.abs(values), initial=0.0)) * 1.05 or 1.0
    size = 10.0 ** np.floor(np.log10(reach))
    tick = float(max(one for one in (0.5 * size, size, 2 * size, 5 * size) if one <= 0.8 * reach))
    high = ROW_PX * down + 52
    layout: dict[str, Any] = {
        "hovermode": "closest", "margin": {"l": 44, "r": 12, "t": 24, "b": 28}, "height": float(high),
    }  # fmt: skip
    opacity = faded([row.name for row in rows], selected)
    head = 26 / (high - 52)
    for i, row in enumerate(rows):
        end = "" if i == 0 else str(i + 1)
        column, line = i % across, i // across
        x0, x1 = column / across + 0.02 * (column > 0), (column + 1) / across - 0.02 * (column < across - 1)
        y1, y0 = 1 - line / down - head * (line > 0), 1 - (line + 1) / down
        at = {"xaxis": f"x{end}", "yaxis": f"y{end}"}
        known = np.flatnonzero(np.isfinite(row.values))
        days = [steps.days[j] for j in known]
        band = {"type": "scatter", "mode": "lines", "x": days, "line": {"width": 0}, "hoverinfo": "skip", **at}
        data += [
            {**band, "y": row.low[known]},
            {**band, "y": row.high[known], "fill": "tonexty", "fillcolor": "$series/0.16"},
            {"type": "scatter", "mode": "lines+markers", "x": days, "y": row.values[known], "name": row.name,
             "customdata": [row.name] * len(known), "opacity": opacity[i], "cliponaxis": False,
             "line": {"width": 2, "color": "$series"}, "marker": {"size": 5, "color": "$series"},
             "hovertext": [
                 f"<b>{row.name}</b><br>{steps.name(j)}: {written(row.values[j])}<br>95 % sure of "
                 f"{written(row.low[j])} to {written(row.high[j])}" for j in known
             ], "hovertemplate": "%{hovertext}<extra></extra>", **at},
        ]  # fmt: skip
        last = f" <b>{written(row.values[known[-1]])}</b>" if len(known) else " –"
        letters = 20 if across == 4 else 14
        name = row.name if len(row.name) <= letters else row.name[: letters - 1].rstrip() + "…"
        name = f"<b>{name}</b>" if row.name in selected else name
        notes.append(note(name + last, x=x0, xref="paper", y=y1, yref="paper", xanchor="left", yanchor="bottom",
                          yshift=2, name="title", font={"size": 12, "color": "$text"}))  # fmt: skip
        shapes.append({"type": "line", "xref": f"x{end} domain", "yref": f"y{end}", "x0": 0, "x1": 1, "y0": 0, "y1": 0,
                       "line": {"color": "$text-2", "width": 1}})  # fmt: skip
        if i + across >= len(rows):
            for side, j in (("left", 0), ("right", len(steps) - 1)):
                notes.append(note(steps.name(j), x=x0 if side == "left" else x1, xref="paper", y=y0, yref="paper",
                                  xanchor=side, yanchor="top", yshift=-4, name="axis",
                                  font={"size": 11, "color": "$text-3"}))  # fmt: skip
        layout[f"xaxis{end}"] = {
            "type": "date", "domain": [x0, x1], "anchor": f"y{end}", "showticklabels": False, "ticks": "",
            "fixedrange": True, "showgrid": False, "showline": False,
            "range": [steps.days[0], steps.days[-1]] if len(steps) > 1 else None,
        }  # fmt: skip
        layout[f"yaxis{end}"] = {
            "domain": [y0, y1], "anchor": f"x{end}", "range": [-reach, reach], "tickvals": [-tick, 0, tick],
            "fixedrange": True, "tickformat": ",.2~f", "showgrid": True, "gridcolor": "$line",
            "showticklabels": column == 0,
            "zeroline": False, "rangemode": "normal", "tickfont": {"size": 11, "color": "$text-3"},
        }  # fmt: skip
    return {"data": data, "layout": {**layout, "annotations": notes, "shapes": shapes}}
