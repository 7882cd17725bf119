"""What a whole is made of: shares by row that add up to 100 %, counts in ordered bands, differences by day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from layouts.components import MINUS, count, share
from layouts.figures.comparisons import faded, label_weights
from layouts.figures.series import count_ticks, note, share_ticks, unit_note


class Part(NamedTuple):
    """A part of every row: what it is called and its colour."""

    words: str
    token: str


def stacked_rows(
    names: Sequence[str], parts: Sequence[Part], counts: np.ndarray, selected: Sequence[str] = ()
) -> dict[str, Any]:
    """A bar of 100 % for each row, cut into `parts`; n at the right. `counts` has a row per name, a column per part.

    The first part is written in its piece.
    """
    totals = counts.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(totals[:, None] > 0, counts / totals[:, None], 0.0)
    places, opacity = list(range(len(names))), faded(names, selected)
    data: list[dict[str, Any]] = []
    for i, part in enumerate(parts):
        data.append({
            "type": "bar", "orientation": "h", "y": places, "x": shares[:, i], "width": 0.62, "name": part.words,
            "customdata": list(names), "cliponaxis": False,
            "marker": {"color": f"${part.token}", "opacity": opacity, "line": {"width": 1, "color": "$surface"}},
            "text": [share(value, 0) if i == 0 and value > 0.12 else "" for value in shares[:, i]],
            "textposition": "inside", "insidetextanchor": "start", "insidetextfont": {"color": "$on-accent"},
            "hovertext": [
                f"<b>{name}</b><br>{share(s)} {part.words}<br>{count(n)} of {count(total)}"
                for name, s, n, total in zip(names, shares[:, i], counts[:, i], totals, strict=True)
            ],
            "hovertemplate": "%{hovertext}<extra></extra>",
        })  # fmt: skip
    column = {"x": 1, "xref": "paper", "xanchor": "right", "name": "column"}
    ends = [note(count(n), **column, y=i, xshift=52) for i, n in enumerate(totals)]
    head = note("n", **column, y=1, yref="paper", yshift=20, xshift=52)
    layout = {
        "barmode": "stack", "hovermode": "closest", "barcornerradius": 0, "annotations": [head, *ends],
        "margin": {"t": 28, "b": 28, "r": 60},
        "xaxis": {"range": [0, 1], **share_ticks(0, 1, 0.5), "showline": False, "ticks": "", "fixedrange": True,
                  "tickangle": 0},
        "yaxis": {"tickmode": "array", "tickvals": places, "ticktext": label_weights(names, selected),
                  "range": [len(places) - 0.5, -0.5], "automargin": True, "showgrid": False, "zeroline": False,
                  "rangemode": "normal", "fixedrange": True},
    }  # fmt: skip
    return {"data": data, "layout": layout}


class Band(NamedTuple):
    """A bar of a chart of bands: what it is called, how many, of which so many, and its colour."""

    name: str
    n: float
    part: float
    token: str


def bands(
    rows: Sequence[Band], unit: str, things: str, part_words: str, selected: Sequence[str] = (),
    ticks: Sequence[str] | None = None, axis: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Counts in ordered bands as upright bars, a part of each inside it from the same zero.

    `ticks` are shorter names for the axis, which `axis` explains.
    """
    names, places = [row.name for row in rows], list(range(len(rows)))
    opacity = faded(names, selected)
    hover = [
        f"<b>{row.name}</b><br>{count(row.n)} {things}" + (f", of which {count(row.part)} {part_words}" if part_words
                                                           else "")
        for row in rows
    ]  # fmt: skip
    common = {"type": "bar", "x": places, "customdata": names, "hovertext": hover,
              "hovertemplate": "%{hovertext}<extra></extra>", "width": 0.72}  # fmt: skip
    data = [
        {**common, "y": np.array([row.n for row in rows], float), "name": things,
         "marker": {"color": [f"${row.token}" for row in rows], "opacity": opacity}},
    ]  # fmt: skip
    if part_words:
        data.append({**common, "y": np.array([row.part for row in rows], float), "name": part_words, "width": 0.36,
                     "marker": {"color": "$cat-4", "opacity": opacity}})  # fmt: skip
    shown = names if ticks is None else list(ticks)
    layout = {
        "barmode": "overlay", "hovermode": "closest", "barcornerradius": 2, "annotations": [unit_note(unit)],
        "margin": {"r": 12, "b": 44 if axis else 28},
        "xaxis": {"type": "linear", "tickmode": "array", "tickvals": places, "ticktext": shown, "ticks": "",
                  "range": [-0.6, len(rows) - 0.4], "fixedrange": True, "tickangle": 0,
                  **({"title": {"text": axis, "standoff": 8, "font": {"size": 12}}} if axis else {})},
        "yaxis": {"rangemode": "tozero", **count_ticks([row.n for row in rows])},
    }  # fmt: skip
    return {"data": data, "layout": layout}


def month_days(differences: np.ndarray, hover: Sequence[str], selected: Sequence[str] = ()) -> dict[str, Any]:
    """For each day of the month, by how much it differs from what such weekdays usually bring, as a share."""
    names = [str(day) for day in range(1, len(differences) + 1)]
    known = np.abs(differences[np.isfinite(differences)])
    reach = max(0.1, float(np.ceil(10 * (known.max() if len(known) else 0)) / 10))
    ticks = np.linspace(-reach, reach, 5)
    data = {
        "type": "bar", "x": list(range(1, len(differences) + 1)), "y": differences, "customdata": names,
        "name": "difference", "width": 0.7, "hovertext": list(hover), "hovertemplate": "%{hovertext}<extra></extra>",
        "marker": {"color": "$series", "opacity": faded(names, selected)},
    }  # fmt: skip
    layout = {
        "hovermode": "closest", "barcornerradius": 2, "margin": {"r": 12, "b": 40},
        "annotations": [unit_note("More or fewer than such weekdays bring")],
        "xaxis": {"type": "linear", "tickmode": "array", "tickvals": [1, 5, 10, 15, 20, 25, 31],
                  "ticktext": ["1st", "5", "10", "15", "20", "25", "31st"], "ticks": "", "range": [0.2, 31.8],
                  "fixedrange": True},
        "yaxis": {"range": [-reach * 1.05, reach * 1.05], "rangemode": "normal", "tickmode": "array",
                  "tickvals": ticks.tolist(),
                  "ticktext": [f"{100 * x:+.0f} %".replace("-", MINUS) if x else "usual" for x in ticks]},
    }  # fmt: skip
    return {"data": [data], "layout": layout}
