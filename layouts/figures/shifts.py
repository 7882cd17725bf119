"""Staff by the time of day: the week as a grid of half-hours, a day as lines, the model beside what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from dashboard.domain import methods
from dashboard.domain.staffing import Goal
from data_access.dimensions import WEEKDAYS
from data_access.staffing import Staffed
from layouts import components as c
from layouts import html
from layouts.figures.grids import RAMP, SHORT
from layouts.figures.series import note, unit_note

LIMITS = (-2.5, -1.5, -0.5, 1.5, 3.5)
"""Where the classes of too few and too many agents end."""
CLASSES = ("hot-3", "hot-2", "hot-1", "hex-none", "cold-1", "cold-2")
STEPPED = [[end, f"${token}"] for i, token in enumerate(CLASSES) for end in (i / 6, (i + 1) / 6)]
MOST_WRITTEN = 30
"""Of more columns the cells have no room for numbers."""
BUSY_WEEK = f"busy week: {methods.BUSY}"


def goal(of: Goal) -> str:
    """“80 % within 30 s”."""
    return f"{c.share(of.share, 0)} within {of.within_s:.0f}{c.NBSP}s"


def model(found: Staffed) -> str:
    """Which model tells how many are needed, in words."""
    if found.floor.patience_s is None:
        return "Erlang C: random arrivals, nobody hangs up"
    return f"Erlang A: random arrivals, callers hang up after {c.duration(found.floor.patience_s)} on average"


def busiest(found: Staffed) -> tuple[int, int]:
    """The weekday and the slot that need most agents in a busy week."""
    needed = found.week.needed_high
    day, slot = np.unravel_index(int(needed.argmax()), needed.shape)
    return int(day), int(slot)


def when(found: Staffed, at: tuple[int, int]) -> str:
    """A weekday and a slot: “Monday 9:30”."""
    return f"{WEEKDAYS[at[0]]} {clock(found.slots[at[1]])}"


def key_of(shown: str) -> html.Span:
    """The key of a grid that shows the ``difference``, or numbers of agents."""
    if shown == "difference":
        return c.key(("hot-3", "3 and more too few"), ("hot-2", "2"), ("hot-1", "1 too few"), ("hex-none", "enough"),
                     ("cold-1", "2–3 to spare"), ("cold-2", "more"), ("surface-3", "no calls"))  # fmt: skip
    return c.key(("seq-1", "few"), ("seq-3", "more"), ("seq-6", "most agents"), ("surface-3", "no calls"))


def classes_of(gap: np.ndarray) -> np.ndarray:
    """The class of each difference, 0 to 5; NaN stays."""
    return np.where(np.isfinite(gap), np.digitize(np.nan_to_num(gap), LIMITS), np.nan)


def clock(slot: str) -> str:
    """When a slot begins, as people write it: “9:30”."""
    return f"{int(slot[:2])}{slot[2:]}"


class Cells(NamedTuple):
    """What a grid of the week shows: classes or numbers, what is written on them, and what is said of each."""

    values: np.ndarray
    written: list[list[str]]
    said: list[list[str]]
    is_stepped: bool


def signed(value: float) -> str:
    """“+2”, “−3”, “0”; nothing of what is not known."""
    return "" if value != value else c.signed(value)


def cells_of(found: Staffed, shown: str) -> Cells:
    """The ``difference`` to what a busy week needs, the agents ``needed``, or those ``there``, as a grid shows it."""
    week, gap = found.week, found.gap()
    numbers = {"difference": gap, "there": found.answering, "needed": week.needed_high.astype(float)}[shown]
    write = signed if shown == "difference" else _whole
    days, slots = range(7), range(len(found.slots))
    written = [[write(float(numbers[day, slot])) if week.is_open[day, slot] else "" for slot in slots] for day in days]
    said = [[_said_of(found, gap, day, slot) if week.is_open[day, slot] else "" for slot in slots] for day in days]
    return Cells(classes_of(gap) if shown == "difference" else numbers, written, said, shown == "difference")


def _whole(value: float) -> str:
    return "" if value != value else f"{value:.0f}"


def _said_of(found: Staffed, gap: np.ndarray, day: int, slot: int) -> str:
    week = found.week
    lines = [
        f"{week.calls[day, slot]:.1f} calls, {week.calls_high[day, slot]:.0f} in a busy week, "
        f"{c.duration(week.handle_s[day, slot])} each",
        f"needed {week.needed[day, slot]}, in a busy week {week.needed_high[day, slot]}",
    ]
    if np.isfinite(week.rostered[day, slot]):
        lines.append(f"rostered {week.rostered[day, slot]:.1f}")
    if np.isfinite(week.present[day, slot]):
        lines[-1] += f", present {week.present[day, slot]:.1f}"
    if np.isfinite(gap[day, slot]):
        lines[-1] += f", taking calls {found.answering[day, slot]:.1f}"
    lines.append(f"{week.weeks[day, slot]} weeks")
    return "<br>".join(lines)


def week(
    cells: Cells, slots: Sequence[str], is_open: np.ndarray, selected: Sequence[str] = (), hours_each: float = 0.5
) -> dict[str, Any]:
    """Weekdays by the slots in which the lines are open on any day; where they are shut there is ground only.

    A cell stands for its hour of the week, which a click chooses.
    """
    used = np.flatnonzero(is_open.any(axis=0))
    first, end = (int(used[0]), int(used[-1]) + 1) if len(used) else (0, len(slots))
    shown = slice(first, end)
    z = np.where(is_open, cells.values, np.nan)[:, shown]
    codes = [[str(int(day * 24 + slot * hours_each)) for slot in range(first, end)] for day in range(7)]
    names = [[f"{day} {slots[slot]}" for slot in range(first, end)] for day in WEEKDAYS]
    top = float(np.nanmax(z)) if np.isfinite(z).any() else 1.0
    writes = end - first <= MOST_WRITTEN
    trace = {
        "type": "heatmap", "z": z, "x": list(range(end - first)), "y": list(range(7)), "customdata": codes,
        "hovertext": [[f"<b>{name}</b><br>{said}" for name, said in zip(*pair, strict=True)]
                      for pair in zip(names, [row[shown] for row in cells.said], strict=True)],
        "hovertemplate": "%{hovertext}<extra></extra>", "xgap": 1, "ygap": 1, "showscale": False, "hoverongaps": False,
        "colorscale": STEPPED if cells.is_stepped else RAMP, "zmin": -0.5 if cells.is_stepped else 0.0,
        "zmax": 5.5 if cells.is_stepped else max(top, 1.0),
    }  # fmt: skip
    text = [row[shown] for row in cells.written]
    wide = {**trace, "text": text, "texttemplate": "%{text}", "textfont": {"size": 11}} if writes else trace
    ground = {
        "type": "heatmap", "z": np.where(is_open[:, shown], np.nan, 1.0), "x": trace["x"], "y": trace["y"], "xgap": 1,
        "ygap": 1, "showscale": False, "hoverongaps": False, "hoverinfo": "skip",
        "colorscale": [[0, "$surface-3"], [1, "$surface-3"]],
    }  # fmt: skip
    ticks = [i for i, slot in enumerate(slots[shown]) if slot.endswith(":00")]
    apart = 1 if len(ticks) <= 14 else 3
    layout = {
        "hovermode": "closest", "margin": {"l": 44, "r": 12, "t": 8, "b": 28},
        "xaxis": {"type": "linear", "tickmode": "array", "tickvals": ticks[::apart], "ticks": "", "showline": False,
                  "ticktext": [clock(slots[first + i]) for i in ticks[::apart]], "fixedrange": True,
                  "range": [-0.5, end - first - 0.5], "showgrid": False, "zeroline": False},
        "yaxis": {"tickmode": "array", "tickvals": list(range(7)), "ticktext": list(SHORT), "range": [6.5, -0.5],
                  "showgrid": False, "zeroline": False, "rangemode": "normal", "fixedrange": True},
    }  # fmt: skip

    def data(of: dict[str, Any]) -> list[dict[str, Any]]:
        if not selected:
            return [ground, of]
        chosen = np.isin(np.array(codes), list(selected))
        faded = {key: value for key, value in of.items() if not key.startswith("text")} | {"opacity": 0.42}
        marked = {**of, "z": np.where(chosen, z, np.nan), "hoverinfo": "skip"}
        if "text" not in of:
            return [ground, faded, marked]
        # What is written on cells fades with them: on those not chosen it is written anew, to be read.
        days, places = np.nonzero(~chosen & np.isfinite(z))
        rest = {
            "type": "scatter", "mode": "text", "x": places.tolist(), "y": days.tolist(), "hoverinfo": "skip",
            "text": [text[day][place] for day, place in zip(days, places, strict=True)],
            "textfont": {"size": 11, "color": "$text-2"},
        }  # fmt: skip
        shown_text = [[word if is_in else "" for word, is_in in zip(*pair, strict=True)]
                      for pair in zip(text, chosen, strict=True)]  # fmt: skip
        return [ground, faded, {**marked, "text": shown_text}, rest]

    few = {**layout["xaxis"], "tickvals": ticks[::3], "ticktext": [clock(slots[first + i]) for i in ticks[::3]]}
    return {"data": data(wide), "layout": layout, "narrow": {"data": data(trace), "layout": {**layout, "xaxis": few}}}


def _axis(times: Sequence[str], unit: str, **height: Any) -> dict[str, Any]:
    whole = [time for time in times if time.endswith(":00")]
    return {
        "hovermode": "x unified", "margin": {"r": 12},
        "xaxis": {"type": "category", "tickmode": "array", "tickvals": whole[:: 1 + len(whole) // 9],
                  "ticktext": [clock(time) for time in whole[:: 1 + len(whole) // 9]],
                  "fixedrange": True},
        "yaxis": {"rangemode": "tozero", "fixedrange": True, **height}, "annotations": [unit_note(unit)],
    }  # fmt: skip


def _minutes(time: str) -> int:
    """Minutes after midnight of “09:30”."""
    return 60 * int(time[:2]) + int(time[3:])


class Along(NamedTuple):
    """A line along the day: its numbers, its name, its colour, and how it is drawn."""

    values: np.ndarray
    words: str
    token: str
    dash: str = "solid"
    width: float = 2.0


def day(times: Sequence[str], low: np.ndarray, high: np.ndarray, lines: Sequence[Along]) -> dict[str, Any]:
    """Agents needed, from a usual to a busy week, as a band of steps; those there as lines.

    A step begins with its slot: the last one is drawn to where it ends.
    """
    width = _minutes(times[1]) - _minutes(times[0]) if len(times) > 1 else 30
    ends = _minutes(times[-1]) + width
    x = [*times, f"{ends // 60:02d}:{ends % 60:02d}"]

    def to_end(values: np.ndarray) -> np.ndarray:
        return np.append(values, values[-1])

    steps = {"type": "scatter", "mode": "lines", "x": x, "line": {"width": 0, "shape": "hv"}}
    data = [
        {**steps, "y": to_end(low), "hoverinfo": "skip", "name": "low"},
        {**steps, "y": to_end(high), "name": "needed", "fill": "tonexty", "fillcolor": "$late/0.35",
         "text": list(to_end(low)), "line": {"width": 2, "color": "$late", "shape": "hv"},
         "hovertemplate": "needed <b>%{text:.0f}</b>, in a busy week <b>%{y:.0f}</b><extra></extra>"},
    ]  # fmt: skip
    for line in lines:
        data.append({
            **steps, "y": to_end(line.values), "name": line.words,
            "line": {"width": line.width, "color": f"${line.token}", "dash": line.dash, "shape": "hv"},
            "hovertemplate": f"{line.words} <b>%{{y:.1f}}</b><extra></extra>",
        })  # fmt: skip
    return {"data": data, "layout": _axis(x, "Agents") | {"margin": {"r": 24}}}


def checked(times: Sequence[str], lines: Sequence[Along], target: float) -> dict[str, Any]:
    """Shares in time by the time of day: seen and expected, with a thin line at the target."""
    data = [
        {"type": "scatter", "mode": "lines+markers" if i == 0 else "lines", "x": list(times), "y": line.values,
         "name": line.words, "marker": {"size": 6, "color": f"${line.token}"},
         "line": {"width": line.width, "color": f"${line.token}", "dash": line.dash},
         "hovertemplate": f"{line.words} <b>%{{y:.1%}}</b><extra></extra>"}
        for i, line in enumerate(lines)
    ]  # fmt: skip
    layout = _axis(times, "Share answered in time", range=[0, 1], tickformat=".0%")
    layout["shapes"] = [{"type": "line", "x0": 0, "x1": 1, "xref": "paper", "y0": target, "y1": target,
                         "line": {"width": 1, "color": "$text-3"}}]  # fmt: skip
    return {"data": data, "layout": layout}


def by_size(
    loads: np.ndarray, busy: np.ndarray, agents: np.ndarray, marks: Sequence[tuple[float, float, str]]
) -> dict[str, Any]:
    """How busy agents can be, by how many of them the goal asks for; `marks` are places on it: agents, share, name."""
    data: list[dict[str, Any]] = [
        {"type": "scatter", "mode": "lines", "x": agents, "y": busy, "name": "busy",
         "text": [f"{a:.1f}" for a in loads],
         "line": {"width": 2, "color": "$series"},
         "hovertemplate": "%{x} agents for %{text} erlangs: busy <b>%{y:.0%}</b> of their time<extra></extra>"},
        {"type": "scatter", "mode": "markers", "x": [x for x, _, _ in marks], "y": [y for _, y, _ in marks],
         "marker": {"size": 10, "color": "$accent", "line": {"width": 1.5, "color": "$surface"}}, "name": "here",
         "text": [name for _, _, name in marks], "hovertemplate": "%{text}: <b>%{y:.0%}</b><extra></extra>"},
    ]  # fmt: skip
    notes = [
        note(name, x=float(x), y=y, xanchor="left", yanchor="top", xshift=8, yshift=-2) for x, y, name in marks
    ]  # fmt: skip
    layout = {
        "hovermode": "closest", "margin": {"r": 12},
        "xaxis": {"type": "linear", "fixedrange": True, "title": None, "showgrid": False, "rangemode": "tozero"},
        "yaxis": {"range": [0, 1], "tickformat": ".0%", "fixedrange": True},
        "annotations": [unit_note("Time on calls, by how many agents are needed"), *notes],
    }  # fmt: skip
    return {"data": data, "layout": layout}
