"""What a whole is made of, along time: parts stacked on each other, as shares or as amounts.

Pure: steps in, plain Plotly dictionaries out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from layouts.figures.series import DAY_MS, note, partly_hatched, share_ticks, spread, time_layout, unit_note
from layouts.figures.steps import Steps

FADE = 0.35
PLOT_PX = 190.0
LINE_PX, LETTER_PX = 17.0, 6.6
BARS, WORDED = 14, 7
"""So many steps or fewer are bars, more are areas; so many bars or fewer all say when they begin, else every third."""


class Part(NamedTuple):
    """One part: its value in each step, what it is called, its colour, and what a click on it chooses."""

    values: np.ndarray
    words: str
    token: str
    chooses: str = ""
    is_faded: bool = False


def stacked(
    steps: Steps, parts: Sequence[Part], unit: str, written: Callable[[float], str], *, top: float | None = None
) -> dict[str, Any]:
    """`parts` stacked from the first at the bottom, each named beside its last value; `top` 1 is an axis of shares.

    Bars of steps that are not whole are hatched (`key_of` says so).
    """
    data: list[dict[str, Any]] = []
    # A mean of seven days is unknown on the first six: the stack begins after them.
    begin = min((int(np.isfinite(part.values).argmax()) for part in parts), default=0)
    days = steps.days[begin:]
    for part in parts:
        values = part.values[begin:]
        trace = {
            "x": days, "y": np.nan_to_num(values), "name": part.words,
            "customdata": [part.chooses] * len(days) if part.chooses else days,
            "text": [written(value) for value in values],
            "hovertemplate": f"<b>%{{text}}</b> {part.words}<extra></extra>",
        }  # fmt: skip
        fade = FADE if part.is_faded else 1.0
        if len(steps) <= BARS:
            marker = partly_hatched(steps.only(range(begin, len(steps))), part.token)
            marker |= {"opacity": fade, "line": {"width": 1, "color": "$surface"}}
            width = [0.8 * min((b - a).days for a, b in zip(steps.starts, steps.ends, strict=True)) * DAY_MS] * len(
                days
            )
            data.append({"type": "bar", "marker": marker, "textposition": "none", "width": width, **trace})
        else:
            data.append({
                "type": "scatter", "mode": "lines", "stackgroup": "parts", "fillcolor": f"${part.token}/{fade}",
                "line": {"width": 0.5, "color": "$surface"}, **trace,
            })  # fmt: skip
    axis = {"range": [0, top], **share_ticks(0, 1, 0.25)} if top == 1 else {}
    layout = time_layout(unit, _beside(parts, top), **axis) | {"barmode": "stack", "barcornerradius": 0, "bargap": 0.2}
    if len(steps) <= WORDED or (len(steps) <= BARS and steps.every == "week"):
        worded = slice(None, None, 1 if len(steps) <= WORDED else 3)
        layout["xaxis"] |= {"tickmode": "array", "tickvals": steps.days[worded],
                            "ticktext": [f"{day.day} {day:%b}" for day in steps.starts[worded]]}  # fmt: skip
    if len(steps) > BARS:
        layout["xaxis"]["range"] = [steps.days[0], steps.days[-1]]
    longest = max((len(part.words) for part in parts), default=0)
    layout["margin"] = {"r": round(20 + LETTER_PX * longest)}
    return {"data": data, "layout": layout}


def key_of(steps: Steps) -> str:
    """What the hatch of `stacked` means; nothing where there is none."""
    return f"hatched: {steps.every} not complete" if len(steps) <= BARS and not steps.is_whole.all() else ""


def times_of_day(times: Sequence[str], parts: Sequence[Part], said: Sequence[str], unit: str) -> dict[str, Any]:
    """`parts` stacked for each time of day; `said` heads the hover box of each time."""
    data = [
        {
            "type": "bar", "x": list(times), "y": part.values, "name": part.words, "text": list(said),
            "textposition": "none", "marker": {"color": f"${part.token}"},
            "hovertemplate": f"%{{text}}<br><b>%{{y:,.1f}}</b> {part.words}<extra></extra>",
        }
        for part in parts
    ]  # fmt: skip
    whole = [time for time in times if time.endswith(":00")]
    layout = {
        "hovermode": "closest", "barmode": "stack", "bargap": 0.18, "barcornerradius": 0, "margin": {"r": 12},
        "xaxis": {"type": "category", "tickmode": "array", "tickvals": whole[::2], "fixedrange": True},
        "yaxis": {"rangemode": "tozero", "tickformat": ","}, "annotations": [unit_note(unit)],
    }  # fmt: skip
    return {"data": data, "layout": layout}


def _beside(parts: Sequence[Part], top: float | None) -> list[dict[str, Any]]:
    """The parts' names at the right, at the height of their last values, moved apart where they are thin."""
    last = np.array([part.values[np.isfinite(part.values)][-1] if np.isfinite(part.values).any() else 0.0
                     for part in parts])  # fmt: skip
    whole = top or 1.06 * max(float(np.nansum([part.values for part in parts], axis=0).max()), 1e-9)
    middles = (np.cumsum(last) - last / 2) / whole * PLOT_PX
    places = spread(middles.tolist(), LINE_PX, PLOT_PX)
    return [
        note(
            part.words, x=1, xref="paper", xanchor="left", xshift=8, y=place / PLOT_PX, yref="paper", yanchor="middle",
            name="beside", font={"size": 12, "color": "$text-3" if part.is_faded else "$text-2"},
        )
        for part, place in zip(parts, places, strict=True)
    ]  # fmt: skip
