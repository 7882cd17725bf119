"""People held against all of them together: funnels of shares, and ratios with their intervals.

Never a ranking: a funnel is laid out by how many calls, rows by name or by chance. Pure: numbers in, plain Plotly
dictionaries out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from dashboard.domain.funnel import FEWEST, WARNING, Funnel, Limits, binomial_limits, ratio_limits, widened
from layouts import html
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


def limits_of_chance(x: np.ndarray, inner: Limits, outer: Limits) -> list[dict[str, Any]]:
    """The traces of a funnel's limits along `x`: a band between the inner ones, dashed lines at the outer ones."""
    quiet = {"type": "scatter", "mode": "lines", "x": x, "hoverinfo": "skip"}
    dashed = {"width": 1, "color": "$text-3", "dash": "dash"}
    return [
        {**quiet, "y": inner.low, "line": {"width": 0}},
        {**quiet, "y": inner.high, "line": {"width": 0}, "fill": "tonexty", "fillcolor": "$band"},
        {**quiet, "y": outer.low, "line": dashed},
        {**quiet, "y": outer.high, "line": dashed},
    ]


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
    data: list[dict[str, Any]] = [
        *limits_of_chance(n, inner, outer),
        {"type": "scatter", "mode": "lines", "x": [n[0], n[-1]], "y": [found.centre] * 2, "hoverinfo": "skip",
         "line": {"width": 1, "color": "$text-2"}},
    ]  # fmt: skip
    hover = [
        f"<b>{mark.label}</b><br>{share(part)} of {count(total)} {things}<br>{mark.verdict}"
        for mark, part, total in zip(marks, shares, under, strict=True)
    ]
    data += _marked(marks, under, shares, hover, selected)
    last = {"xref": "paper", "x": 1, "xanchor": "left", "xshift": 8, "name": "end", "align": "left"}
    named = [
        (mark.label, float(x), float(y))
        for mark, x, y in zip(marks, under, shares, strict=True)
        if mark.value is not None and (mark.verdict != WITHIN or mark.value in selected)
    ]
    notes = [
        unit_note(unit),
        note(f"<b>{share(found.centre)}</b><br>all", y=found.centre, **last),
        *_names(named, float(most), top - bottom),
    ]
    layout = {
        "hovermode": "closest", "annotations": notes, "margin": {"b": 44},
        "xaxis": {"title": {"text": "Calls handled", "standoff": 8, "font": {"size": 12}}, "range": [0, most],
                  "tickformat": ","},
        "yaxis": {"range": [bottom, top], "rangemode": "normal",
                  **share_ticks(bottom, top, 0.1 if top - bottom > 0.25 else 0.05)},
    }  # fmt: skip
    return {"data": data, "layout": layout}


def _names(named: Sequence[tuple[str, float, float]], width: float, height: float) -> list[dict[str, Any]]:
    """Labels of marks at x and y, each above its own; below it where another's lies there already."""
    above: list[tuple[float, float]] = []
    labels = []
    for label, x, y in sorted(named, key=lambda one: one[1]):
        is_free = all(abs(x - at) > 0.35 * width or abs(y - high) > 0.1 * height for at, high in above)
        above += [(x, y)] if is_free else []
        side = {"xanchor": "right", "xshift": 8} if x > 0.8 * width else {}
        font = {"size": 12, "color": "$text"}
        labels.append(note(label, x=x, y=y, yshift=14 if is_free else -14, font=font, name="dot", **side))
    return labels


def _marked(
    marks: Sequence[Mark], x: np.ndarray, y: np.ndarray, hover: Sequence[str], selected: Sequence[str]
) -> list[dict[str, Any]]:
    """A trace for each verdict; those who may be named answer to a click, and stand before the others."""
    bright = set(selected) or {mark.value for mark in marks if mark.value is not None} or {None}
    traces = []
    for words, (token, symbol) in _MARKS.items():
        at = [i for i, mark in enumerate(marks) if mark.verdict == words]
        if not at:
            continue
        edge = f"${token}" if words == ONCE else "$surface"
        opacity = [1.0 if marks[i].value in bright else 0.42 for i in at]
        traces.append({
            "type": "scatter", "mode": "markers", "x": x[at], "y": y[at], "name": words,
            "customdata": [marks[i].value for i in at], "cliponaxis": False,
            "hovertext": [hover[i] for i in at], "hovertemplate": "%{hovertext}<extra></extra>",
            "marker": {"size": 10 if words == WITHIN else 12, "symbol": symbol, "color": f"${token}",
                       "opacity": opacity, "line": {"width": 1.5, "color": edge}},
        })  # fmt: skip
    return traces


def funnel_of_ratios(
    marks: Sequence[Mark], observed: np.ndarray, expected: np.ndarray, phi: float, unit: str, across: str, things: str,
    selected: Sequence[str] = (),
) -> dict[str, Any]:  # fmt: skip
    """Observed over expected numbers by how many were expected, with exact limits around one that narrow with them.

    `phi` is how much more they vary than chance would have it, by which the limits are wider (`ratio_limits`).
    """
    ratios = observed / expected
    most = float(expected.max()) * 1.08
    x = np.geomspace(max(float(expected.min()) * 0.7, 1.0), most, 80)
    inner, outer = ratio_limits(x, phi, WARNING), ratio_limits(x, phi)
    hover = [
        f"<b>{mark.label}</b><br>{ratio:.2f} × as many {things} as expected<br>{count(n)}, of {expect:,.0f} expected"
        f"<br>{mark.verdict}"
        for mark, ratio, n, expect in zip(marks, ratios, observed, expected, strict=True)
    ]
    data = [*limits_of_chance(x, inner, outer), *_marked(marks, expected, ratios, hover, selected)]
    top = 1.15 * max(float(ratios.max()), float(outer.high[np.searchsorted(x, expected.min()).clip(0, 79)]))
    named = [
        (mark.label, float(at), float(y))
        for mark, at, y in zip(marks, expected, ratios, strict=True)
        if mark.verdict != WITHIN or mark.value in selected
    ]
    labels = _names(named, most, top)
    layout = {
        "hovermode": "closest", "annotations": [unit_note(unit), *labels], "margin": {"b": 44, "r": 12},
        "shapes": [{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 1, "y1": 1,
                    "line": {"width": 1, "color": "$text-2"}}],
        "xaxis": {"title": {"text": across, "standoff": 8, "font": {"size": 12}}, "range": [0, most],
                  "tickformat": ","},
        "yaxis": {"range": [0, top], "rangemode": "normal", "tickformat": ".2~f", "ticksuffix": " ×"},
    }  # fmt: skip
    return {"data": data, "layout": layout}


ROOM_NAMED, ROOM_UNNAMED, ROOM_BETWEEN = 24, 9, 12
"""Pixels of a row with a name, of one without, and between the two groups."""


def ratios_with_intervals(
    marks: Sequence[Mark], ratio: np.ndarray, low: np.ndarray, high: np.ndarray, reach: np.ndarray,
    hover: Sequence[str], unit: str, selected: Sequence[str] = (),
) -> dict[str, Any]:  # fmt: skip
    """Observed over expected, a row each in the order given: dot, 95 % interval, and behind them what is expected.

    `reach` is how far, as a factor, a ratio may lie from 1 within expected variation. The named come first and have
    room for their names; the others stand close together under one heading. Drawn as high as its rows need.
    """
    is_named = np.array([mark.value is not None for mark in marks])
    pitch = np.where(is_named, ROOM_NAMED, ROOM_UNNAMED).astype(float)
    between = ROOM_BETWEEN if is_named.any() and not is_named.all() else 0
    places = np.cumsum(pitch) - pitch / 2 + np.where(is_named, 0, between)
    ends = np.concatenate([low, high, 1 / reach, reach])
    colours = [f"${_MARKS[mark.verdict][0]}" for mark in marks]
    data: list[dict[str, Any]] = [
        {"type": "bar", "orientation": "h", "y": places, "base": 1 / reach, "x": reach - 1 / reach,
         "width": pitch * 0.84, "marker": {"color": "$band", "line": {"width": 0}}, "hoverinfo": "skip"},
        *({"type": "scatter", "mode": "lines", "x": [low[i], high[i]], "y": [y, y], "hoverinfo": "skip",
           "line": {"width": 2.5, "color": colours[i]}, "opacity": 0.5} for i, y in enumerate(places)),
        *_marked(marks, ratio, places, hover, selected),
    ]  # fmt: skip
    for trace in data:
        if trace.get("mode") == "markers":
            trace["marker"]["size"] = [10 if value is not None else 7 for value in trace["customdata"]]
    names = [mark.label for mark, named in zip(marks, is_named, strict=True) if named]
    ticks = [(y, words) for y, words in zip(places[is_named], label_weights(names, selected, 24, 1), strict=True)]
    if not is_named.all():
        several = f"{int((~is_named).sum())} {'others' if names else 'agents'}, unnamed"
        ticks.append((float(places[~is_named].mean()), several.replace(", ", ",<br>")))
    bottom, top = float(ends.min()), float(ends.max())
    edge = 0.04 * (top - bottom)
    last = float(places[-1] + pitch[-1] / 2)
    layout = {
        "hovermode": "closest", "bargap": 0, "barcornerradius": 0, "height": 72 + last,
        "margin": {"t": 28, "b": 36, "r": 12, "l": 20},
        "annotations": [{**unit_note(unit), "xshift": 0}],
        "shapes": [{"type": "line", "x0": 1, "x1": 1, "yref": "paper", "y0": 0, "y1": 1,
                    "line": {"width": 1, "color": "$text-2"}}],
        "xaxis": {"range": [bottom - edge, top + edge], "tickformat": ".1f", "ticksuffix": " ×", "showgrid": True,
                  "gridcolor": "$line", "rangemode": "normal", "ticks": "", "showline": False, "fixedrange": True},
        "yaxis": {"tickmode": "array", "tickvals": [y for y, _ in ticks], "ticktext": [words for _, words in ticks],
                  "range": [last + 4, -4], "automargin": True, "showgrid": False, "zeroline": False,
                  "rangemode": "normal", "fixedrange": True},
    }  # fmt: skip
    return {"data": data, "layout": layout}


def said(verdict: str, words: str = "") -> html.Span:
    """A verdict in a table: its shape and its words."""
    return html.Span([marker(*_MARKS[verdict]), words or verdict])
