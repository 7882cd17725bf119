"""People held against all of them together: funnels of shares, and ratios with their intervals.

Never a ranking: a funnel is laid out by how many calls, rows by name or by chance. Pure: numbers in, plain Plotly
dictionaries out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from dash import html

from dashboard.domain.funnel import FEWEST, WARNING, Funnel, binomial_limits, widened
from layouts.components import count, marker, share
from layouts.figures.comparisons import label_weights
from layouts.figures.series import note, share_ticks, unit_note

WITHIN, ONCE, TWICE = "within expected variation", "outside now, not the time before", "worth a look"
_MARKS = {WITHIN: ("series", "circle"), ONCE: ("text-2", "circle-open"), TWICE: ("misses", "diamond")}


class Mark(NamedTuple):
    """One person in a figure: the label to show, the value a click chooses (None: none), and the verdict."""

    label: str
    value: str | None
    verdict: str


def verdict(now: int, before: int) -> str:
    """In words whether somebody lies outside the 99.8 % limits now and at the same side the time before.

    Source: measures reference, A15.4.
    """
    if not now:
        return WITHIN
    return TWICE if now == before else ONCE


def key_of(marks: Sequence[Mark]) -> html.Span:
    """The key: each verdict there is, as shape and words."""
    found = [words for words in _MARKS if any(mark.verdict == words for mark in marks)]
    return html.Span([html.Span([marker(*_MARKS[words]), words]) for words in found], className="legend")


def funnel_of_shares(
    marks: Sequence[Mark], over: np.ndarray, under: np.ndarray, found: Funnel, unit: str, things: str,
    selected: Sequence[str] = (),
) -> dict[str, Any]:  # fmt: skip
    """Each share by the number of calls, with the limits that narrow with it; the share of all as a line.

    The named and the flagged are labelled where they lie outside; the others say who they are on hover.
    """
    shares = over / under
    most = float(under.max()) * 1.06
    n = np.unique(np.geomspace(FEWEST, max(most, FEWEST + 1), 80).astype(int))
    outer = widened(binomial_limits(n, found.centre), found.centre, found.phi)
    inner = widened(binomial_limits(n, found.centre, WARNING), found.centre, found.phi)
    low, high = min(float(shares.min()), float(outer.low[-1])), max(float(shares.max()), float(outer.high[-1]))
    room = max(high - low, 0.02)
    bottom, top = max(0.0, low - 0.35 * room), min(1.0, high + 0.35 * room)
    quiet = {"type": "scatter", "mode": "lines", "x": n, "hoverinfo": "skip"}
    data: list[dict[str, Any]] = [
        {**quiet, "y": inner.low, "line": {"width": 0}},
        {**quiet, "y": inner.high, "line": {"width": 0}, "fill": "tonexty", "fillcolor": "$band"},
        {**quiet, "y": outer.low, "line": {"width": 1, "color": "$text-3", "dash": "dash"}},
        {**quiet, "y": outer.high, "line": {"width": 1, "color": "$text-3", "dash": "dash"}},
        {**quiet, "x": [n[0], n[-1]], "y": [found.centre] * 2, "line": {"width": 1, "color": "$text-2"}},
    ]
    hover = [
        f"<b>{mark.label}</b><br>{share(part)} of {count(total)} {things}<br>{mark.verdict}"
        for mark, part, total in zip(marks, shares, under, strict=True)
    ]
    data += _marked(marks, under, shares, hover, selected)
    last = {"xref": "paper", "x": 1, "xanchor": "left", "xshift": 8, "name": "end", "align": "left"}
    notes = [
        unit_note(unit),
        note(f"<b>{share(found.centre)}</b><br>all", y=found.centre, **last),
        *(
            note(mark.label, x=x, y=y, yshift=14, font={"size": 12, "color": "$text"}, name="dot")
            for mark, x, y in zip(marks, under, shares, strict=True)
            if mark.value is not None and (mark.verdict != WITHIN or mark.value in selected)
        ),
    ]
    layout = {
        "hovermode": "closest", "annotations": notes, "margin": {"b": 44},
        "xaxis": {"title": {"text": "Calls handled", "standoff": 8, "font": {"size": 12}}, "range": [0, most],
                  "tickformat": ","},
        "yaxis": {"range": [bottom, top], "rangemode": "normal",
                  **share_ticks(bottom, top, 0.1 if top - bottom > 0.25 else 0.05)},
    }  # fmt: skip
    return {"data": data, "layout": layout}


def _marked(
    marks: Sequence[Mark], x: np.ndarray, y: np.ndarray, hover: Sequence[str], selected: Sequence[str]
) -> list[dict[str, Any]]:
    """A trace for each verdict; those who may be named answer to a click."""
    traces = []
    for words, (token, symbol) in _MARKS.items():
        at = [i for i, mark in enumerate(marks) if mark.verdict == words]
        if not at:
            continue
        edge = f"${token}" if words == ONCE else "$surface"
        opacity = [0.42 if selected and marks[i].value not in selected else 1.0 for i in at]
        traces.append({
            "type": "scatter", "mode": "markers", "x": x[at], "y": y[at], "name": words,
            "customdata": [marks[i].value for i in at], "cliponaxis": False,
            "hovertext": [hover[i] for i in at], "hovertemplate": "%{hovertext}<extra></extra>",
            "marker": {"size": 10 if words == WITHIN else 12, "symbol": symbol, "color": f"${token}",
                       "opacity": opacity, "line": {"width": 1.5, "color": edge}},
        })  # fmt: skip
    return traces


def ratios_with_intervals(
    marks: Sequence[Mark], ratio: np.ndarray, low: np.ndarray, high: np.ndarray, reach: np.ndarray,
    hover: Sequence[str], selected: Sequence[str] = (),
) -> dict[str, Any]:  # fmt: skip
    """Observed over expected, a row each in the order given: dot, 95 % interval, and behind them what is expected.

    `reach` is how far, as a factor, a ratio may lie from 1 within expected variation. Rows without a name have none.
    """
    places = np.arange(len(marks))
    ends = np.concatenate([low, high, 1 / reach, reach])
    ends = ends[np.isfinite(ends)]
    bottom, top = float(ends.min()) - 0.04, float(ends.max()) + 0.04
    colours = [f"${_MARKS[mark.verdict][0]}" for mark in marks]
    data: list[dict[str, Any]] = [
        {"type": "bar", "orientation": "h", "y": places, "base": 1 / reach, "x": reach - 1 / reach, "width": 0.9,
         "marker": {"color": "$band", "line": {"width": 0}}, "hoverinfo": "skip"},
        *({"type": "scatter", "mode": "lines", "x": [low[i], high[i]], "y": [i, i], "hoverinfo": "skip",
           "line": {"width": 2.5, "color": colours[i]}, "opacity": 0.5} for i in places),
        *_marked(marks, ratio, places, hover, selected),
    ]  # fmt: skip
    for trace in data:
        if trace.get("mode") == "markers":
            trace["marker"]["size"] = 8 if trace["name"] == WITHIN else 10
    labels = label_weights([mark.label if mark.value is not None else "" for mark in marks], selected, 24, 1)
    layout = {
        "hovermode": "closest", "bargap": 0, "barcornerradius": 0, "margin": {"t": 28, "b": 28, "r": 12, "l": 20},
        "annotations": [unit_note("Handle time, times that of the others for such calls")],
        "shapes": [{"type": "line", "x0": 1, "x1": 1, "yref": "paper", "y0": 0, "y1": 1,
                    "line": {"width": 1, "color": "$text-2"}}],
        "xaxis": {"range": [bottom, top], "tickformat": ".1f", "ticksuffix": " ×", "showgrid": True,
                  "gridcolor": "$line", "rangemode": "normal", "ticks": "", "showline": False, "fixedrange": True},
        "yaxis": {"tickmode": "array", "tickvals": places, "ticktext": labels, "range": [len(places) - 0.5, -0.5],
                  "automargin": True, "showgrid": False, "zeroline": False, "rangemode": "normal", "fixedrange": True},
    }  # fmt: skip
    return {"data": data, "layout": layout}
