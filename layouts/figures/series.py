"""Numbers along time: days with their mean, part of a whole, bars a month, shares a month.

Pure: steps in, plain Plotly dictionaries out; colours are token names painted in the browser.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from dashboard.domain.filters import DAY
from layouts.components import count, key, share
from layouts.figures.steps import Steps, month_ticks, seven_day_mean, seven_day_share

HATCH = {"shape": "/", "size": 5, "solidity": 0.3, "fillmode": "overlay"}
DAY_MS = 86_400_000
HAS_ROOM = 90_000
"""Beside an axis that reaches higher, a tick of 100,000 would be cut."""


class Line(NamedTuple):
    """One line: the measure's name in the frame, its name in words, its colour; for a share also its two totals."""

    measure: str
    words: str
    token: str = "series"
    over: str = ""
    under: str = ""


def note(text: str, **place: Any) -> dict[str, Any]:
    """A piece of text on a figure, without an arrow."""
    return {"text": text, "showarrow": False, "font": {"size": 12, "color": "$text-2"}, **place}


def unit_note(text: str) -> dict[str, Any]:
    """The unit, at the top left instead of a turned axis title."""
    place = {"x": 0, "xref": "paper", "xanchor": "left", "xshift": -40}
    return note(text, **place, y=1, yref="paper", yanchor="bottom", yshift=8, name="unit")


def end_note(x: Any, y: float, value: str, words: str) -> dict[str, Any]:
    """The value at a line's end, in bold, and its name under it: a direct label instead of a legend."""
    text = f"<b>{value}</b><br>{words}" if words else f"<b>{value}</b>"
    font = {"size": 12, "color": "$text"}
    return note(text, x=x, y=y, xanchor="left", xshift=8, align="left", font=font, name="end")


def count_ticks(*counts: Any) -> dict[str, str]:
    """How the ticks of an axis are written that reaches as high as these: “100k” where “100,000” has no room."""
    highest = max((float(np.nanmax(one)) for one in map(np.asarray, counts) if np.isfinite(one).any()), default=0.0)
    return {"tickformat": "~s" if highest > HAS_ROOM else ","}


def time_layout(unit: str, notes: Sequence[dict] = (), **axis: Any) -> dict[str, Any]:
    """The layout of a figure along time."""
    return {
        "hovermode": "x unified",
        "xaxis": {"type": "date", "hoverformat": "%a %-d %b %Y"},
        "yaxis": {"rangemode": "tozero", "tickformat": ",", **axis},
        "annotations": [unit_note(unit), *notes],
    }


def over_time(steps: Steps, measure: str, unit: str, things: str) -> dict[str, Any]:
    """A count in each step: raw days as dots under their seven-day mean; two weeks or less, and months, as bars."""
    values = steps.known(measure)
    if steps.every == "day" and len(steps) > 14:
        return _dots_and_mean(steps, values, unit, things)
    if len(steps) <= 14:
        return _bars(steps, values, unit, things)
    return lines(steps, (Line(measure, things),), unit)


def key_of(figure: dict[str, Any]) -> Any:
    """The key of a figure from `over_time`: dots and line, or the hatch of a step still running."""
    if any(trace.get("name") == "7-day mean" for trace in figure["data"]):
        return key(("series-raw", "day"), ("series", "7-day mean"))
    bars = next((trace for trace in figure["data"] if trace["type"] == "bar"), None)
    if bars and "/" in bars["marker"]["pattern"]["shape"]:
        return "Hatched: not complete"
    if any(trace.get("name") == "to date" for trace in figure["data"]):
        return "○ not complete"
    return ""


def _dots_and_mean(steps: Steps, values: np.ndarray, unit: str, things: str) -> dict[str, Any]:
    mean = seven_day_mean(values)
    last = steps.days[-1]
    raw = {
        "type": "scatter", "mode": "markers", "x": steps.days, "y": values, "name": "day",
        "marker": {"size": 4, "color": "$series-raw", "line": {"width": 0}}, "customdata": steps.days,
        "cliponaxis": False,
        "hovertemplate": f"<b>%{{y:,}}</b> {things}<extra></extra>",
    }  # fmt: skip
    smooth = {
        "type": "scatter", "mode": "lines", "x": steps.days, "y": mean, "name": "7-day mean",
        "line": {"width": 2, "color": "$series"}, "text": [few(value) for value in mean],
        "hovertemplate": "7-day mean %{text}<extra></extra>",
    }  # fmt: skip
    layout = time_layout(unit, [end_note(last, mean[-1], few(mean[-1]), "7-day mean")], **count_ticks(values))
    layout["xaxis"] |= _reach(steps)
    if np.nanmax(values, initial=0) <= 4:
        layout["yaxis"]["dtick"] = 1
    return {"data": [raw, smooth, _end_dot(last, mean[-1], "series")], "layout": layout}


def few(value: float) -> str:
    """A mean: whole, or with one decimal under ten."""
    return count(value) if not abs(value) < 10 else f"{value:.1f}"


def _bars(steps: Steps, values: np.ndarray, unit: str, things: str) -> dict[str, Any]:
    bars = {
        "type": "bar", "x": steps.days, "y": values, "width": _widths(steps), "customdata": steps.days,
        "marker": partly_hatched(steps, "series"), "hovertext": _step_words(steps),
        "hovertemplate": f"<b>%{{hovertext}}</b><br>%{{y:,}} {things}<extra></extra>",
        "text": [count(value) if np.isfinite(value) else "" for value in values], "textposition": "outside",
        "cliponaxis": False, "textfont": {"color": "$text"},
    }  # fmt: skip
    layout = time_layout(unit, **count_ticks(values)) | {"hovermode": "closest", "barcornerradius": 2}
    layout["xaxis"] |= _step_ticks(steps)
    layout["margin"] = {"r": 12, "b": 56}
    return {"data": [bars], "layout": layout}


def lines(
    steps: Steps,
    drawn: Sequence[Line],
    unit: str,
    *,
    share_axis: bool = False,
    target: float | None = None,
    written=None,
) -> dict[str, Any]:
    """One line or a few over complete steps; a step still running is a hollow dot off the line, “to date”.

    More than two weeks of days are dots under their seven-day line, except durations, which cannot be averaged.
    `written` turns a value into words (a count or a share if it is not given). Where there are many steps the
    markers cannot be seen, but a line without any cannot be brushed.
    """
    written = written or (share if share_axis else count)
    data, notes = [], []
    for line in drawn:
        values = steps.known(line.measure)
        smooth = _smooth(steps, line, values, written)
        if smooth is not None:
            data.append({
                "type": "scatter", "mode": "markers", "x": steps.days, "y": values, "name": "day",
                "marker": {"size": 4, "color": f"${line.token}/0.35"}, "cliponaxis": False, "customdata": steps.days,
                "text": [written(value) for value in values],
                "hovertemplate": f"<b>%{{text}}</b> {line.words}<extra></extra>",
            })  # fmt: skip
            values = smooth
        data.append({
            "type": "scatter", "mode": "lines+markers", "x": steps.days,
            "name": line.words if smooth is None else f"{line.words}, 7-day",
            "y": np.where(steps.is_whole, values, np.nan), "customdata": steps.days,
            "text": [written(value) for value in values], "connectgaps": False,
            "line": {"width": 2, "color": f"${line.token}"},
            "marker": {"size": 5, "color": f"${line.token}", "opacity": float(len(steps) <= 31)},
            "hovertemplate": f"<b>%{{text}}</b> {line.words}{', 7-day' if smooth is not None else ''}<extra></extra>",
        })  # fmt: skip
        partial = np.flatnonzero(~steps.is_whole & np.isfinite(values))
        if len(partial):
            data.append({
                "type": "scatter", "mode": "markers", "x": [steps.days[i] for i in partial], "y": values[partial],
                "marker": {"size": 8, "color": "$surface", "line": {"width": 2, "color": f"${line.token}"}},
                "text": [written(values[i]) for i in partial], "name": "to date", "cliponaxis": False,
                "hovertemplate": f"<b>%{{text}}</b> {line.words}, incomplete<extra></extra>",
            })  # fmt: skip
        known = np.flatnonzero(steps.is_whole & np.isfinite(values))
        if len(known):
            at = known[-1]
            data.append(_end_dot(steps.days[at], values[at], line.token))
            beside = -1 if len(partial) and partial[-1] == len(steps) - 1 else at  # what is “to date” stands between
            notes.append(end_note(steps.days[beside], values[at], written(values[at]), line.words))
    axis: dict[str, Any] = count_ticks(*(trace["y"] for trace in data))
    if share_axis:
        top = 1.0 if target is not None else _round_share(data)
        axis = {"range": [0, top * 1.02], **share_ticks(0, top, top / 4 if top == 1 else top / 5)}
    if target is not None:
        notes.append(target_note(target))
    highest = max((float(np.nanmax(t["y"])) for t in data if np.isfinite(t["y"]).any()), default=0.0)
    layout = time_layout(unit, apart(notes, axis["range"][1] if share_axis else 1.06 * highest), **axis)
    layout["xaxis"] |= _reach(steps)
    if target is not None:
        layout["shapes"] = [target_line(target)]
    return {"data": data, "layout": layout}


def _smooth(steps: Steps, line: Line, values: np.ndarray, written: Any) -> np.ndarray | None:
    """The seven-day line of more than two weeks of days; None for longer steps and for durations."""
    if steps.every != "day" or len(steps) <= 14:
        return None
    if line.over:
        return seven_day_share(steps.known(line.over), steps.known(line.under))
    return seven_day_mean(values) if written is count else None


def share_ticks(low: float, high: float, step: float) -> dict[str, Any]:
    """Ticks of an axis of shares: “25 %”, with a space."""
    places = np.arange(round(low / step), round(high / step) + 1) * step
    return {"tickmode": "array", "tickvals": places.round(4).tolist(), "ticktext": [share(x, 0) for x in places]}


def _round_share(data: Sequence[dict]) -> float:
    """A round share above everything drawn: 5, 10, 20, 25, 50 or 100 %."""
    highest = max((float(np.nanmax(t["y"])) for t in data if np.isfinite(t["y"]).any()), default=1.0)
    return next((limit for limit in (0.05, 0.1, 0.2, 0.25, 0.5) if highest <= limit), 1.0)


def _reach(steps: Steps) -> dict[str, Any]:
    """From the first to the last step, so that the axis does not run beyond the data.

    One step alone has its name on the axis instead of the hours around it.
    """
    if len(steps) == 1:
        around = [f"{steps.starts[0] - DAY} 12:00", f"{steps.starts[0]} 12:00"]
        return {"range": around, "tickmode": "array", "tickvals": steps.days, "ticktext": [steps.name(0)]}
    return {"range": [steps.days[0], steps.days[-1]]}


def target_line(target: float) -> dict[str, Any]:
    """A dashed line across the figure at the target."""
    line = {"color": "$text-3", "width": 1.5, "dash": "dash"}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": target, "y1": target, "line": line}


def target_note(target: float, words: str = "target") -> dict[str, Any]:
    """The target's name at the right end of its line; on a phone it stands above the line."""
    text = f"{words}<br>{share(target, 0)}"
    return note(text, x=1, xref="paper", y=target, xanchor="left", xshift=8, align="left", name="target")


def of_which(steps: Steps, whole: Line, part: Line, unit: str) -> dict[str, Any]:
    """A line and the part of it that is worse, from the same zero, both numbers at the end."""
    ends, data = [], []
    for line, fill in ((part, {"fill": "tozeroy", "fillcolor": f"${part.token}/0.16"}), (whole, {})):
        values = steps.values(line.measure)
        data.append({
            "type": "scatter", "mode": "lines+markers", "x": steps.days, "y": values, "name": line.words,
            "marker": {"size": 5, "opacity": 0}, "customdata": steps.days,
            "line": {"width": 2 if line is whole else 1.5, "color": f"${line.token}"},
            "hovertemplate": f"<b>%{{y:,}}</b> {line.words}<extra></extra>", **fill,
        })  # fmt: skip
        data.append(_end_dot(steps.days[-1], values[-1], line.token))
        ends.append(end_note(steps.days[-1], values[-1], count(values[-1]), line.words))
    counts = steps.values(whole.measure)
    layout = time_layout(unit, apart(ends, 1.06 * float(counts.max())), **count_ticks(counts))
    layout["xaxis"] |= _reach(steps)
    return {"data": data, "layout": layout}


def paired_bars(steps: Steps, pair: Sequence[Line], unit: str) -> dict[str, Any]:
    """Two or three bars a step side by side; the running step hatched."""
    data = [
        {
            "type": "bar", "x": steps.days, "y": steps.known(line.measure), "name": line.words,
            "marker": partly_hatched(steps, line.token), "hovertext": _step_words(steps), "customdata": steps.days,
            "hovertemplate": f"<b>%{{y:,}}</b> {line.words}<extra></extra>",
        }
        for line in pair
    ]  # fmt: skip
    written = count_ticks(*(trace["y"] for trace in data))
    layout = time_layout(unit, **written) | {
        "barmode": "group",
        "bargap": 0.3,
        "bargroupgap": 0.08,
        "barcornerradius": 2,
    }
    layout["xaxis"] |= {**_step_ticks(steps), "hoverformat": "%b %Y"}
    layout["margin"] = {"r": 12, "b": 56}
    return {"data": data, "layout": layout}


def stacked_shares(steps: Steps, parts: Sequence[Line], unit: str, label_over: float = 0.1) -> dict[str, Any]:
    """What became of the requests of each month, as shares of the month that add up to 100 %.

    The first part is written in its segment, the last one (undecided) where it is over `label_over`.
    """
    counts = np.array([steps.values(part.measure) for part in parts])
    totals = counts.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(totals > 0, counts / totals, np.nan)
    data = []
    for i, part in enumerate(parts):
        if i == 0:
            inside = [share(value, 0) if value > label_over else "" for value in shares[i]]
        elif i == len(parts) - 1:
            inside = [f"<b>{share(value, 0)}</b>" if value > label_over else "" for value in shares[i]]
        else:
            inside = [""] * len(steps)
        # A hatch would cross out the words in it: there they get a ground of their own.
        inside = [text if full else "" for text, full in zip(inside, steps.is_whole, strict=True)]
        data.append({
            "type": "bar", "x": steps.days, "y": shares[i], "width": _widths(steps), "name": part.words,
            "marker": partly_hatched(steps, part.token) | {"line": {"width": 1, "color": "$surface"}},
            "text": inside, "textposition": "inside", "insidetextanchor": "middle", "textangle": 0,
            "insidetextfont": {"color": ["$on-accent" if i == 0 and full else "$text" for full in steps.is_whole]},
            "customdata": steps.days,
            "hovertext": [f"{count(n)} of {count(total)}" for n, total in zip(counts[i], totals, strict=True)],
            "hovertemplate": f"<b>%{{y:.1%}}</b> {part.words}, %{{hovertext}}<extra></extra>",
        })  # fmt: skip
    layout = time_layout(unit, range=[0, 1], **share_ticks(0, 1, 0.25))
    layout |= {"barmode": "stack", "barcornerradius": 0, "uniformtext": {"mode": "hide", "minsize": 11}}
    ticks = _step_ticks(steps)
    # n stands in one line, right under the month's name
    parted = [text.partition("<br>") for text in ticks["ticktext"]]
    ticks["ticktext"] = [f"{a}<br>{count(n)}{br}{b}" for (a, br, b), n in zip(parted, totals, strict=True)]
    layout["xaxis"] |= ticks | {"hoverformat": "%b %Y"}
    layout["annotations"] += _on_hatch(steps, shares, label_over)
    layout["annotations"] += _stack_labels(parts, counts[:, -1], shares[:, -1])
    layout["margin"] = {"r": 132, "b": 72}
    return {"data": data, "layout": layout}


def _on_hatch(steps: Steps, shares: np.ndarray, label_over: float) -> list[dict]:
    """The first and the last part of a month that is still running, written on a ground that covers its hatch."""
    bases = np.nancumsum(shares, axis=0) - shares
    return [
        note(
            f"<b>{share(shares[i, at], 0)}</b>" if i else share(shares[i, at], 0), x=steps.days[at],
            y=bases[i, at] + shares[i, at] / 2, bgcolor="$surface", borderpad=1, name="inside",
            font={"size": 12, "color": "$text"},
        )
        for at in np.flatnonzero(~steps.is_whole) for i in (0, len(shares) - 1) if shares[i, at] > label_over
    ]  # fmt: skip


def _stack_labels(parts: Sequence[Line], counts: np.ndarray, shares: np.ndarray) -> list[dict]:
    """The parts of the last month, named at its right from bottom to top."""
    places, below, lowest = [], 0.0, -1.0
    for i, part in enumerate(parts):
        if not counts[i]:
            continue
        middle = max(below + (shares[i] if np.isfinite(shares[i]) else 0) / 2, lowest + 0.075)
        below += shares[i] if np.isfinite(shares[i]) else 0
        lowest = middle
        place = {"x": 1, "xref": "paper", "xanchor": "left", "y": middle, "align": "left", "name": "beside"}
        places.append(note("■", **place, xshift=8) | {"font": {"size": 14, "color": f"${part.token}"}})
        places.append(note(f"<b>{count(counts[i])}</b> {part.words}", **place, xshift=24))
    overshoot = max(0.0, lowest - 0.98)
    for place in places:
        place["y"] -= overshoot
    return places


def _end_dot(x: Any, y: float, token: str) -> dict[str, Any]:
    marker = {"size": 8, "color": f"${token}", "line": {"width": 1.5, "color": "$surface"}}
    return {"type": "scatter", "mode": "markers", "x": [x], "y": [y], "marker": marker, "hoverinfo": "skip",
            "cliponaxis": False}  # fmt: skip


def partly_hatched(steps: Steps, token: str) -> dict[str, Any]:
    """Full colour for complete steps; hatched with an outline in the same hue for those still running."""
    shapes = ["" if whole else "/" for whole in steps.is_whole]
    pattern = {**HATCH, "shape": shapes, "fgcolor": f"${token}", "bgcolor": "$surface", "fillmode": "replace"}
    return {"color": f"${token}", "pattern": pattern, "line": {"width": 1, "color": f"${token}"}}


def _widths(steps: Steps) -> list[float]:
    shortest = min((b - a).days for a, b in zip(steps.starts, steps.ends, strict=True))
    return [0.66 * shortest * DAY_MS] * len(steps)


def _step_words(steps: Steps) -> list[str]:
    return [steps.name(i) + ("" if steps.is_whole[i] else ", to date") for i in range(len(steps))]


def _step_ticks(steps: Steps) -> dict[str, Any]:
    if steps.every == "month":
        words = month_ticks(steps.starts)
    elif steps.every == "day":
        words = [f"{start:%a}<br>{start.day} {start:%b}" for start in steps.starts]
    else:
        words = [steps.name(i).removeprefix("week from ") for i in range(len(steps))]
    words = [text if whole else f"{text}<br><b>to date</b>" for text, whole in zip(words, steps.is_whole, strict=True)]
    return {"tickmode": "array", "tickvals": steps.days, "ticktext": words, "tickangle": 0}


PLOT_PX = 186.0
"""The height of the plot in a figure of 248 pixels."""
LABEL_PX = 34.0
"""Two lines of a label and a little air."""


def apart(notes: list[dict], top: float) -> list[dict]:
    """End labels of two lines moved up or down as far as they need to leave each other room; `top` ends the axis."""
    reach = top or 1.0
    ordered = sorted(notes, key=lambda one: one["y"])
    wanted = [one["y"] / reach * PLOT_PX for one in ordered]
    for one, own, place in zip(ordered, wanted, spread(wanted, LABEL_PX, PLOT_PX + 8), strict=True):
        if abs(place - own) >= 0.5:
            one["yshift"] = round(place - own)
    return notes


def spread(places: Sequence[float], room: float, top: float) -> list[float]:
    """Ascending places moved as little as keeps each `room` above the one before and none above `top`."""
    groups: list[list[float]] = []  # of labels that touch: how many, and the sum of where their lowest wants to be
    for place in places:
        groups.append([1, place])
        while len(groups) > 1 and groups[-2][1] / groups[-2][0] + room * groups[-2][0] > groups[-1][1] / groups[-1][0]:
            n, total = groups.pop()
            groups[-1][1] += total - n * room * groups[-1][0]
            groups[-1][0] += n
    found: list[float] = []
    for n, total in groups:
        lowest = total / n
        found += [lowest + i * room for i in range(int(n))]
    for i in range(len(found) - 1, -1, -1):
        found[i] = min(found[i], top - room * (len(found) - 1 - i))
    return found


def in_minutes(figure: dict[str, Any]) -> None:
    """Turn a figure of seconds into minutes where they are long enough, words staying as they are."""
    longest = max((float(np.nanmax(t["y"])) for t in figure["data"] if np.isfinite(t["y"]).any()), default=0.0)
    if longest < 120:
        figure["layout"]["annotations"][0]["text"] = "Seconds until answered"
        return
    for trace in figure["data"]:
        trace["y"] = np.asarray(trace["y"], float) / 60
    for one in figure["layout"]["annotations"][1:]:
        one["y"] /= 60
