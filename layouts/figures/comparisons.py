"""Things beside each other: shares with their intervals, part of a whole by row, a bridge, volume against share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from textwrap import wrap
from typing import Any, NamedTuple

import numpy as np

from dashboard.domain.intervals import wilson
from layouts import html
from layouts.components import count, marker, share, with_sign
from layouts.figures.series import count_ticks, note, share_ticks, target_line, target_note, unit_note
from layouts.figures.steps import Steps

SHAPES = ("circle", "square", "diamond", "triangle-up", "triangle-down", "cross", "circle-open")
CATEGORIES = ("cat-1", "cat-4", "cat-3", "cat-2", "cat-6", "cat-5", "cat-other")
"""Each category has its own colour and its own marker shape; the last is for all others."""


ENOUGH = 20
"""Rows of fewer do not decide where an axis starts."""


def shape_key(groups: Sequence[str]) -> html.Span:
    """The key of dots by group: each with its colour and its shape."""
    shown = list(groups)[: len(SHAPES) - 1]
    entries = [(CATEGORIES[i], SHAPES[i], name) for i, name in enumerate(shown)]
    if len(groups) > len(shown):
        entries.append((CATEGORIES[-1], SHAPES[-1], "other"))
    return html.Span([html.Span([marker(*entry[:2]), entry[2]]) for entry in entries], className="legend")


class Kept(NamedTuple):
    """A row of a dot-and-interval chart: how many of how many."""

    name: str
    over: float
    under: float


def faded(names: Sequence[str], selected: Sequence[str]) -> list[float]:
    """The opacity of each mark: full for the selected ones, or for all where nothing is selected."""
    return [1.0 if not selected or name in selected else 0.42 for name in names]


def label_weights(names: Sequence[str], selected: Sequence[str], letters: int = 24, lines: int = 2) -> list[str]:
    """Row labels in at most so many lines and letters, with the selected ones in bold."""
    wrapped = ["<br>".join(wrap(name, letters, max_lines=lines, placeholder=" …")) for name in names]
    return [f"<b>{words}</b>" if name in selected else words for name, words in zip(names, wrapped, strict=True)]


def shares_with_intervals(
    rows: Sequence[Kept],
    whole: Kept | None,
    target: float | None,
    selected: Sequence[str] = (),
    *,
    said: str = "kept",
    of: str = "due",
    is_small: bool = False,
    beside: tuple[str, Sequence[str]] | None = None,
) -> dict[str, Any]:
    """A dot and its 95 % interval for each row, the target as a tick; value and n stand at the right.

    `said` and `of` head their columns: so many *kept* of so many *due* (of nothing: “n”). The axis starts at a round
    share below the lowest interval and says so with a break mark; shares that are small by nature (`is_small`) have
    one from 0 to a round share above the highest interval. `beside` is another column, between the two: its heading,
    and words for each row and the whole. On a phone names are shorter, and it and n are left to the table.
    """
    words = (said, of)
    return {
        **_shares_with_intervals(rows, whole, target, selected, words, is_small, beside, on_phone=False),
        "narrow": _shares_with_intervals(rows, whole, target, selected, words, is_small, None, on_phone=True),
    }


def _shares_with_intervals(
    rows: Sequence[Kept], whole: Kept | None, target: float | None, selected: Sequence[str], words: tuple[str, str],
    is_small: bool, beside: tuple[str, Sequence[str]] | None, *, on_phone: bool,
) -> dict[str, Any]:  # fmt: skip
    said, of = words
    everyone = [*rows, *([whole] if whole else [])]
    names = [row.name for row in everyone]
    over, under = (np.array([getattr(row, part) for row in everyone], float) for part in ("over", "under"))
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(under > 0, over / under, np.nan)
    low, high = wilson(over, under)[1:]
    start, end = (
        (0.0, axis_end(high))
        if is_small
        else (axis_start(low[(under >= ENOUGH) | (under.max(initial=0) < ENOUGH)], target), 1.0)
    )
    step = (
        {0.05: 0.05 if on_phone else 0.01, 0.25: 0.1}.get(end, end / 2)
        if is_small
        else 0.1
        if start > 0.6
        else 0.2
        if start
        else 0.5
    )
    places = list(range(len(everyone)))
    is_whole = [whole is not None and i == len(rows) for i in places]
    opacity = [1.0 if w else o for w, o in zip(is_whole, faded(names, selected), strict=True)]
    chosen = [name in selected for name in names]
    colour = ["$text-2" if w else "$cat-4" if s else "$series" for w, s in zip(is_whole, chosen, strict=True)]
    data: list[dict[str, Any]] = [
        {
            "type": "scatter", "mode": "lines", "x": [low[i], high[i]], "y": [i, i], "hoverinfo": "skip",
            "line": {"width": 2.5, "color": colour[i]}, "opacity": 0.5 if opacity[i] == 1 else 0.25,
        }
        for i in places if under[i] > 0
    ]  # fmt: skip
    if target is not None:
        data.append({
            "type": "scatter", "mode": "markers", "x": [target] * len(places), "y": places, "hoverinfo": "skip",
            "name": "target",
            "marker": {"symbol": "line-ns-open", "size": 16, "color": "$text-2", "line": {"width": 2}},
        })  # fmt: skip
    data.append({
        "type": "scatter", "mode": "markers", "x": shares, "y": places, "name": said, "cliponaxis": False,
        # The whole city is no value of the dimension: a click on it selects nothing.
        "customdata": [None if w else name for w, name in zip(is_whole, names, strict=True)],
        "hovertext": [
            f"<b>{name}</b><br>{share(s)} of {count(n)} {said}<br>95 % sure of {share(a)} to {share(b)}"
            for name, s, n, a, b in zip(names, shares, under, low, high, strict=True)
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "marker": {"size": 10, "color": colour, "opacity": opacity, "line": {"width": 1.5, "color": "$surface"}},
    })  # fmt: skip
    labels = label_weights(names, [*selected, *([whole.name] if whole else [])], *((20, 1) if on_phone else (24, 2)))
    head = {"x": 1, "xref": "paper", "y": 1, "yref": "paper", "yshift": 20, "xanchor": "right", "name": "column"}
    told = [(said, [share(s) if n >= ENOUGH or not n else "too few" for s, n in zip(shares, under, strict=True)])]
    if not on_phone:
        told += [(beside[0], list(beside[1]))] if beside else []
        told.append((f"n {of}".strip(), [count(n) for n in under]))
    columns = [(title, 52 + 56 * at, column) for at, (title, column) in enumerate(told)]
    written = [note(title, **head, xshift=shift) for title, shift, _ in columns]
    for i in places:
        strong = is_whole[i] or names[i] in selected
        for text, shift in ((column[i], shift) for _, shift, column in columns):
            text = f"<b>{text}</b>" if strong else text
            at = {"x": 1, "xref": "paper", "y": i, "xshift": shift, "xanchor": "right", "name": "column"}
            written.append(note(text, **at))
    shapes = []
    if whole:
        line = {"width": 1, "color": "$line-2"}
        at = len(rows) - 0.5
        shapes.append({"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": at, "y1": at, "line": line})
    for i, name in enumerate(names):
        if name in selected:
            shapes.append({"type": "rect", "xref": "paper", "x0": 0, "x1": 1, "y0": i - 0.5, "y1": i + 0.5,
                           "fillcolor": "$accent-soft", "line": {"width": 0}, "layer": "below"})  # fmt: skip
    layout = {
        "hovermode": "closest", "margin": {"r": 4 + 56 * len(columns), "b": 28, "t": 28}, "shapes": shapes,
        "annotations": written,
        "xaxis": {"range": [start, end * 1.005], **share_ticks(start, end, step),
                  "showgrid": True, "gridcolor": "$line", "showline": False, "ticks": "", "tickangle": 0,
                  "fixedrange": True},
        "yaxis": {"tickmode": "array", "tickvals": places, "ticktext": labels, "range": [len(places) - 0.5, -0.5],
                  "automargin": True, "showgrid": False, "zeroline": False, "rangemode": "normal", "fixedrange": True},
    }  # fmt: skip
    return {"data": data, "layout": layout}


def of_height(figure: dict[str, Any], room: float, least: float = 30) -> None:
    """Give a figure of rows the height `room`, spread over at most 46 pixels a row, or more where its rows need it.

    A row has `least` pixels, four more where names take two lines.
    """
    for layout in (figure["layout"], figure.get("narrow", {}).get("layout")):
        if layout is None:
            continue
        labels = layout["yaxis"]["ticktext"]
        row = least + 4 * any("<br>" in label for label in labels)
        head = layout["margin"]["t"] + layout["margin"]["b"] + 8
        layout["height"] = float(head + len(labels) * max(row, min(46.0, (room - head) / max(len(labels), 1))))


def axis_start(low: np.ndarray, target: float | None) -> float:
    """A round share below everything drawn: 0, or a multiple of 10 % where that leaves more room to compare."""
    known = [value for value in (*low, target) if value is not None and np.isfinite(value)]
    if not known:
        return 0.0
    start = np.floor((min(known) - 0.02) * 10) / 10
    return float(round(start, 1)) if start >= 0.3 else 0.0


def axis_end(high: np.ndarray) -> float:
    """A round share above everything drawn: 5, 10, 25, 50 or 100 %."""
    highest = float(np.nanmax(high)) if np.isfinite(high).any() else 1.0
    return next((limit for limit in (0.05, 0.1, 0.25, 0.5) if highest <= limit), 1.0)


def break_words(figure: dict[str, Any], axis: str = "xaxis") -> str:
    """“the axis starts at 70 %”, for the foot of a figure whose axis does not start at 0."""
    start = figure["layout"][axis]["range"][0]
    return f"the axis starts at {share(start, 0)}" if start > 0.01 else ""


def of_which_rows(
    names: Sequence[str],
    whole: Sequence[float],
    part: Sequence[float],
    selected: Sequence[str] = (),
    things: str = "open",
    part_words: str = "overdue",
) -> dict[str, Any]:
    """Bars by row: the part inside the whole from the same zero, both numbers at the end."""
    opacity = faded(names, selected)
    places = list(range(len(names)))
    common = {"type": "bar", "orientation": "h", "y": places, "customdata": list(names), "width": 0.46}
    hover = [
        f"<b>{name}</b><br>{count(a)} {things}, of which {count(b)} {part_words}"
        for name, a, b in zip(names, whole, part, strict=True)
    ]
    data = [
        {**common, "x": np.asarray(whole, float), "name": things, "hovertext": hover,
         "hovertemplate": "%{hovertext}<extra></extra>", "marker": {"color": "$seq-3", "opacity": opacity}},
        {**common, "x": np.asarray(part, float), "name": part_words, "hovertext": hover,
         "hovertemplate": "%{hovertext}<extra></extra>", "marker": {"color": "$overdue", "opacity": opacity}},
    ]  # fmt: skip
    ends = [
        note(f"<b>{count(a)}</b> {count(b)}", x=a, y=i, xanchor="left", xshift=6, name="end")
        for i, (a, b) in enumerate(zip(whole, part, strict=True))
    ]
    layout = {
        "barmode": "overlay", "hovermode": "closest", "barcornerradius": 2, "annotations": ends,
        "margin": {"t": 8, "b": 8, "r": 84},
        "xaxis": {"visible": False, "range": [0, max([*whole, 1])], "fixedrange": True},
        "yaxis": {"tickmode": "array", "tickvals": places, "ticktext": label_weights(names, selected),
                  "range": [len(places) - 0.5, -0.5], "automargin": True, "showgrid": False, "showline": True,
                  "linecolor": "$line-2", "zeroline": False, "rangemode": "normal", "fixedrange": True},
    }  # fmt: skip
    return {"data": data, "layout": layout}


class Move(NamedTuple):
    """A part of a bridge: its name and by how much it changes the level."""

    name: str
    by: float


def bridge(
    start: tuple[str, float], moves: Sequence[Move], end: tuple[str, float], unit: str,
    say: Callable[[float], str] = count, sign: str = "",
) -> dict[str, Any]:  # fmt: skip
    """From one level to another: in-flows up, out-flows down, dotted connectors.

    `say` writes a level, `sign` stands before the numbers of the axis.

    Raises ValueError if the moves do not lead from `start` to `end`: a bridge that does not add up is never drawn.
    """
    if abs(start[1] + sum(move.by for move in moves) - end[1]) > 1e-6:
        raise ValueError("the moves do not lead from the start to the end")
    names, bases, sizes, tokens, texts = [start[0]], [0.0], [start[1]], ["series"], [say(start[1])]
    level, levels = start[1], [start[1]]
    for move in moves:
        names.append(move.name)
        bases.append(min(level, level + move.by))
        sizes.append(abs(move.by))
        tokens.append("cat-4" if move.by >= 0 else "cat-3")
        texts.append(with_sign(move.by, say) if move.by else "0")
        level += move.by
        levels.append(level)
    names, bases, sizes = [*names, end[0]], [*bases, 0.0], [*sizes, end[1]]
    tokens, texts = [*tokens, "series"], [*texts, say(end[1])]
    places = list(range(len(names)))
    hover = [f"<b>{name.replace('<br>', ', ')}</b><br>{text}" for name, text in zip(names, texts, strict=True)]
    bars = {
        "type": "bar", "x": places, "y": np.array(sizes, float), "base": np.array(bases, float),
        "marker": {"color": [f"${token}" for token in tokens]}, "width": 0.62,
        "hovertext": hover, "hovertemplate": "%{hovertext}<extra></extra>",
    }  # fmt: skip
    tops = [base + size for base, size in zip(bases, sizes, strict=True)]
    labels = [
        note(f"<b>{text}</b>", x=x, y=top, yanchor="bottom", yshift=2, font={"size": 12, "color": "$text"})
        for x, top, text in zip(places, tops, texts, strict=True)
    ]
    connectors = [
        {"type": "line", "x0": i + 0.31, "x1": i + 0.69, "y0": levels[i], "y1": levels[i],
         "line": {"width": 1, "dash": "dot", "color": "$text-3"}}
        for i in range(len(levels))
    ]  # fmt: skip
    narrow = _bridge_lying(names, bases, sizes, tokens, texts, levels)
    layout = {
        "hovermode": "closest", "barcornerradius": 2, "shapes": connectors,
        "margin": {"r": 12, "b": 40}, "annotations": [unit_note(unit), *labels],
        "xaxis": {"type": "linear", "tickmode": "array", "tickvals": places, "ticktext": names, "ticks": "",
                  "range": [-0.5, len(names) - 0.5], "fixedrange": True},
        "yaxis": {"rangemode": "tozero", **count_ticks(tops), **({"tickprefix": sign} if sign else {})},
    }  # fmt: skip
    return {"data": [bars], "layout": layout, "narrow": narrow}


def _bridge_lying(
    names: Sequence[str], bases: Sequence[float], sizes: Sequence[float], tokens: Sequence[str], texts: Sequence[str],
    levels: Sequence[float],
) -> dict[str, Any]:  # fmt: skip
    """The same bridge from top to bottom, for a phone: names at the left, numbers at the bars' ends."""
    places = list(range(len(names)))
    ends = [base + size for base, size in zip(bases, sizes, strict=True)]
    most = max(ends, default=0) or 1
    bars = {
        "type": "bar", "orientation": "h", "y": places, "x": np.array(sizes, float), "base": np.array(bases, float),
        "marker": {"color": [f"${token}" for token in tokens]}, "width": 0.6, "hoverinfo": "skip",
    }  # fmt: skip
    labels = [
        note(f"<b>{text}</b>", x=end, y=y, xanchor="left", xshift=6, font={"size": 12, "color": "$text"})
        for y, end, text in zip(places, ends, texts, strict=True)
    ]
    connectors = [
        {"type": "line", "y0": i + 0.3, "y1": i + 0.7, "x0": level, "x1": level,
         "line": {"width": 1, "dash": "dot", "color": "$text-3"}}
        for i, level in enumerate(levels)
    ]  # fmt: skip
    left = max(84, 12 + 6 * max(map(len, names)))
    room, label = 336 - left - 12, 10 + 7 * max(map(len, texts))  # as wide as a phone's card, and the longest number
    layout = {
        "hovermode": False, "barcornerradius": 2, "shapes": connectors, "annotations": labels,
        "height": 16 + 38 * len(names), "margin": {"l": left, "r": 12, "t": 8, "b": 8},
        "xaxis": {"visible": False, "range": [0, most * max(1.25, room / (room - label))], "fixedrange": True},
        "yaxis": {"tickmode": "array", "tickvals": places, "ticktext": [name.replace("<br>", " ") for name in names],
                  "range": [len(names) - 0.5, -0.5], "showgrid": False, "zeroline": False, "showline": True,
                  "linecolor": "$line-2", "rangemode": "normal", "fixedrange": True},
    }  # fmt: skip
    return {"data": [bars], "layout": layout}


def bridge_sum(start: float, moves: Sequence[Move], end: float) -> str:
    """“3,069 + 2,821 + 107 − 2,496 = 3,501”."""
    parts = "".join(f" {'+' if move.by >= 0 else '−'} {count(abs(move.by))}" for move in moves)
    return f"{count(start)}{parts} = {count(end)}"


def small_multiples(
    rows: Sequence[tuple[str, Steps, np.ndarray, np.ndarray, float | None]], selected: Sequence[str] = ()
) -> dict[str, Any]:
    """A small line of shares for each of up to six things, all from 0 to 100 %; on a phone two beside each other.

    `rows` are ``(name, steps, shares, n, target)``; a step still running is a hollow dot off the line.
    """
    return {**_small_multiples(rows, selected, 3), "narrow": _small_multiples(rows, selected, 2)}


def _small_multiples(
    rows: Sequence[tuple[str, Steps, np.ndarray, np.ndarray, float | None]],
    selected: Sequence[str],
    across: int,
) -> dict[str, Any]:
    down = -(-len(rows) // across)
    letters = 17 if across == 3 else 16
    data, notes, shapes = [], [], []
    layout: dict[str, Any] = {"hovermode": "closest", "margin": {"l": 44, "r": 12, "t": 24, "b": 24}}
    opacity = faded([row[0] for row in rows], selected)
    for i, (name, steps, shares, n, target) in enumerate(rows):
        end = "" if i == 0 else str(i + 1)
        column, line = i % across, i // across
        wide, high = 1 / across, 1 / down
        x0, x1 = column * wide + 0.02 * (column > 0), (column + 1) * wide - 0.02 * (column < across - 1)
        y1 = 1 - line * high - (0.06 if line else 0)
        y0 = 1 - (line + 1) * high + (0.08 if line < down - 1 else 0)
        whole = steps.is_whole
        words = [
            f"<b>{name}</b><br>{steps.name(j)}: {share(shares[j])} of {count(n[j])} kept"
            + ("" if whole[j] else ", to date")
            for j in range(len(steps))
        ]
        common = {"type": "scatter", "x": steps.days, "customdata": [name] * len(steps), "xaxis": f"x{end}",
                  "yaxis": f"y{end}", "hovertext": words, "hovertemplate": "%{hovertext}<extra></extra>",
                  "opacity": opacity[i], "cliponaxis": False}  # fmt: skip
        data.append({**common, "mode": "lines+markers", "y": np.where(whole, shares, np.nan), "name": name,
                     "line": {"width": 2, "color": "$series"}, "marker": {"size": 5, "color": "$series"}})  # fmt: skip
        data.append({**common, "mode": "markers", "y": np.where(whole, np.nan, shares), "name": "to date",
                     "marker": {"size": 7, "color": "$surface", "line": {"width": 2, "color": "$series"}}})  # fmt: skip
        known = np.flatnonzero(whole & np.isfinite(shares))
        last = f" <b>{share(shares[known[-1]], 0)}</b>" if len(known) else ""
        said = name if len(name) <= letters else name[: letters - 1].rstrip() + "…"
        said = f"<b>{said}</b>" if name in selected else said
        notes.append(note(said + last, x=x0, xref="paper", y=y1, yref="paper", xanchor="left", yanchor="bottom",
                          yshift=2, name="title", font={"size": 12, "color": "$text"}))  # fmt: skip
        if target is not None:
            line_style = {"color": "$text-3", "width": 1, "dash": "dash"}
            shapes.append({"type": "line", "xref": f"x{end} domain", "yref": f"y{end}", "x0": 0, "x1": 1,
                           "y0": target, "y1": target, "line": line_style})  # fmt: skip
        if i + across >= len(rows):
            for at, day in (("left", steps.starts[0]), ("right", steps.starts[-1])):
                notes.append(note(f"{day:%b %Y}", x=x0 if at == "left" else x1, xref="paper", y=y0, yref="paper",
                                  xanchor=at, yanchor="top", yshift=-4, name="axis",
                                  font={"size": 11, "color": "$text-3"}))  # fmt: skip
        layout[f"xaxis{end}"] = {
            "type": "date", "domain": [x0, x1], "anchor": f"y{end}", "showticklabels": False, "ticks": "",
            "fixedrange": True, "showgrid": False, "showline": True, "linecolor": "$line-2",
        }  # fmt: skip
        layout[f"yaxis{end}"] = {
            "domain": [y0, y1], "anchor": f"x{end}", "range": [0, 1.02], **share_ticks(0, 1, 0.5), "fixedrange": True,
            "showgrid": True, "gridcolor": "$line", "showticklabels": column == 0, "zeroline": False,
            "tickfont": {"size": 11, "color": "$text-3"},
        }  # fmt: skip
    return {"data": data, "layout": {**layout, "annotations": notes, "shapes": shapes}}


class Dot(NamedTuple):
    """A dot of volume against share: one service type, of `over` of `under`, belonging to `group`."""

    name: str
    group: str
    over: float
    under: float


def volume_against_share(
    dots: Sequence[Dot],
    groups: Sequence[str],
    named: Sequence[str],
    target: float | None,
    selected: Sequence[str] = (),
    own_targets: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """How many fell due (log axis) against the share kept, a dot for each type with its interval.

    `groups` get a colour and a shape each (six, then “other”); the dots in `named` are labelled, the selected too.
    `own_targets` are those of types that have one beside the city's, which is the line.
    """
    goals = {name: f"<br>its own target {share(goal, 0)}" for name, goal in (own_targets or {}).items()}
    low = wilson([dot.over for dot in dots], [dot.under for dot in dots]).lower
    start = axis_start(np.array([dot.over / dot.under for dot in dots]), target)
    start = start if start >= 0.3 else 0.0
    data: list[dict[str, Any]] = []
    known = list(groups)[: len(SHAPES) - 1]
    for i, group in enumerate([*known, None]):
        own = [dot for dot in dots if (dot.group == group if group is not None else dot.group not in known)]
        if not own:
            continue
        over, under = np.array([dot.over for dot in own], float), np.array([dot.under for dot in own], float)
        low, high = wilson(over, under)[1:]
        shares = over / under
        names = [dot.name for dot in own]
        told = np.isin(names, [*named, *selected])
        opacity = faded(names, selected)
        token, symbol = (marks[i if group is not None else -1] for marks in (CATEGORIES, SHAPES))
        data.append({
            "type": "scatter", "mode": "markers", "x": under, "y": shares, "name": group or "other",
            "customdata": names,
            "marker": {"size": 10 if group else 8, "symbol": symbol, "color": f"${token}",
                       "opacity": opacity, "line": {"width": 1.5, "color": "$surface" if group else f"${token}"}},
            # Intervals of all of them would hide the dots: only those that are named have one, the rest on hover.
            "error_y": {"type": "data", "symmetric": False, "array": np.where(told, high - shares, 0),
                        "arrayminus": np.where(told, shares - low, 0),
                        "thickness": 1.5, "width": 0, "color": f"${token}/0.35"},
            "hovertext": [
                f"<b>{dot.name}</b><br>{share(s)} of {count(dot.under)} kept<br>95 % sure of {share(a)} to {share(b)}"
                f"{goals.get(dot.name, '')}<br>{dot.group}" for dot, s, a, b in zip(own, shares, low, high, strict=True)
            ],
            "hovertemplate": "%{hovertext}<extra></extra>",
        })  # fmt: skip
    most = max((dot.under for dot in dots), default=1)
    least = min((dot.under for dot in dots), default=1)
    across = (float(np.log10(least)) - 0.1, float(np.log10(most)) + 0.1)
    told_of = [dot for dot in dots if dot.name in named or dot.name in selected]
    room = (across, (start, TOP))
    layout = {
        "hovermode": "closest", "annotations": [unit_note("Kept"), *_dot_labels(told_of, dots, room, 520.0, 44)],
        "xaxis": {"type": "log",
                  "title": {"text": "Requests that fell due (log scale)", "standoff": 8, "font": {"size": 12}},
                  "range": list(across), "tickformat": ",",
                  "dtick": "D2", "minor": {"showgrid": False}},
        "yaxis": {"range": [start, TOP], **share_ticks(start, 1, 0.1 if start > 0.5 else 0.2 if start else 0.25)},
        "margin": {"b": 44},
    }  # fmt: skip
    if target is not None:
        layout["shapes"] = [target_line(target)]
        layout["annotations"].append(target_note(target, "city target"))
    notes = layout["annotations"]
    others = [one for one in notes if one.get("name") != "dot"]
    narrow = {**layout, "annotations": [*others, *_dot_labels(told_of, dots, room, 270.0, 20)]}
    return {"data": data, "layout": layout, "narrow": {"data": data, "layout": narrow}}


TOP = 1.03
"""Where an axis of shares ends that has dots at 100 %."""
_DOTS_PX, _LETTER_PX, _LINE_PX = 368.0, 6.7, 16.0


def _dot_labels(
    told: Sequence[Dot],
    dots: Sequence[Dot],
    room: tuple[tuple[float, float], tuple[float, float]],
    width: float,
    letters: int,
) -> list[dict[str, Any]]:
    """Names beside their dots, moved up or down with a line to the dot where they would cover a name or a dot.

    `room` is the range of both axes, `width` the plot's in pixels; a name has so many letters and stays inside.
    """
    (x0, x1), (y0, y1) = room

    def place(dot: Dot) -> tuple[float, float]:
        x, y = np.log10(dot.under), dot.over / dot.under
        return float((x - x0) / (x1 - x0) * width), float((y - y0) / (y1 - y0) * _DOTS_PX)

    points = np.array([place(dot) for dot in dots]).reshape(-1, 2)
    labels, taken = [], []
    for dot in sorted(told, key=lambda one: -one.under):
        x, y = place(dot)
        name = dot.name if len(dot.name) <= letters else dot.name[: letters - 1].rstrip() + "…"
        long = _LETTER_PX * len(name)
        best: tuple[float, int, float, tuple[float, ...]] | None = None
        for shift in (0, 16, -16, 28, -28, 42, -42, 58, -58, 76, -76):
            for side in (-1, 1):
                away = 9 if shift == 0 else 14
                left = x + away if side > 0 else x - away - long
                box = (left, left + long, y + shift - _LINE_PX / 2, y + shift + _LINE_PX / 2)
                if box[0] < 0 or box[1] > width + 8 or box[2] < 0 or box[3] > _DOTS_PX:
                    continue
                if any(box[0] < b and a < box[1] and box[2] < d and c < box[3] for a, b, c, d in taken):
                    continue
                inside = (points[:, 0] > box[0] - 5) & (points[:, 0] < box[1] + 5)
                inside &= (points[:, 1] > box[2] - 4) & (points[:, 1] < box[3] + 4)
                cost = 40.0 * inside.sum() + abs(shift) * 0.8 + (side > 0) * 2
                if best is None or cost < best[0]:
                    best = (cost, side, shift, box)
        if best is None:
            continue  # no room at all: hover and table still name it
        _, side, shift, box = best
        taken.append(box)
        at = {"x": float(np.log10(dot.under)), "y": dot.over / dot.under, "name": "dot"}
        anchor = "left" if side > 0 else "right"
        font = {"size": 12, "color": "$text"}
        if shift == 0:
            labels.append(note(f"<b>{name}</b>", **at, xanchor=anchor, xshift=8 * side, font=font))
        else:
            line = {"showarrow": True, "arrowhead": 0, "arrowwidth": 1, "arrowcolor": "$text-3", "standoff": 5}
            labels.append(
                note(f"<b>{name}</b>", **at, xanchor=anchor, ax=14 * side, ay=-shift, font=font, borderpad=1) | line
            )
    return labels
