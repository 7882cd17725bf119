"""City events on an axis of time: the days of a storm or an election are filled to full height, its name above."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from dashboard.domain.city_events import marks_days
from dashboard.domain.filters import DAY, Period
from layouts.figures.series import note
from layouts.figures.steps import Steps
from layouts.view import Event

_MARK = "event: "
PLOT_PX, PHONE_PX, LETTER_PX, UNIT_LEFT_PX = 440.0, 260.0, 6.2, -40.0
"""The plot of a card of half the page and on a phone, a letter, and where the unit begins left of the plot."""
BESIDE_PX, PHONE_BESIDE_PX = 76.0, 12.0
"""What is right of these plots."""
LONG_AXIS_DAYS = 330
"""From here on an axis tells no year for certain, and a day is named with it."""


def of_days(events: Iterable[Event]) -> list[Event]:
    """The events that mark days: no new rules, no campaigns, nothing that goes on for weeks."""
    return [one for one in events if marks_days(one.kind, one.start_on, one.end_on)]


def days_of(event: Event) -> str:
    """“16–18 May 2026”."""
    return Period(event.start_on, event.end_on).sentence()


def name_of(event: Event) -> str:
    """“Storm, 16–18 May”."""
    return f"{event.name}, {_briefly(event)}"


def shade(figure: dict[str, Any], steps: Steps, events: Sequence[Event], *, layer: str = "below") -> dict[str, Any]:
    """Mark `events` on a figure along time, the latest first where names have no room; `layer`: below or above it.

    Days of a storm are filled behind the figure; on an axis of weeks or months the step that holds them is. A new rule
    has no end: a dotted line stands where it began.
    """
    if not len(steps):
        return figure
    layout = figure["layout"]
    first, last = steps.starts[0], steps.ends[-1] - DAY
    axis_end = steps.starts[-1]
    reach = max((axis_end - first).days, 1)
    unit = max((len(one["text"]) for one in layout.get("annotations", []) if one.get("name") == "unit"), default=0)
    unit_px = (UNIT_LEFT_PX, UNIT_LEFT_PX + LETTER_PX * unit)
    taken = [unit_px]
    shapes, names = [], []
    days = set(of_days(events))
    for one in sorted(events, key=lambda event: event.start_on, reverse=True):
        begin, end = max(one.start_on, first), min(one.end_on, last + DAY)
        if begin >= end or (one not in days and one.start_on < first):
            continue
        begin, end, fill = _place(one, begin, end, steps, one in days)
        words = name_of(one) if one in days else f"{one.name}, from {_day(one.start_on, reach)}"
        shapes.append(fill | {"name": _MARK + words, "layer": layer})
        left, right = ((day - first).days / reach for day in (begin, end))
        beyond = left * PLOT_PX - 8 + LETTER_PX * len(words) > PLOT_PX + BESIDE_PX
        anchor = "right" if right > 0.7 or beyond else "left"

        def room(plot: float, ends=right, begins=left, anchor=anchor, words=words) -> tuple[float, float]:
            at = ends * plot + 8 - LETTER_PX * len(words) if anchor == "right" else begins * plot - 8
            return at, at + LETTER_PX * len(words)

        if any(_meet(room(PLOT_PX), other) for other in taken):
            continue
        taken.append(room(PLOT_PX))
        on_phone = room(PHONE_PX)
        has_no_room = _meet(on_phone, unit_px) or on_phone[1] > PHONE_PX + PHONE_BESIDE_PX
        name = "event-wide" if has_no_room else "event"
        at = end if anchor == "right" else begin
        place = {"x": at.isoformat(), "xanchor": anchor, "xshift": 8 if anchor == "right" else -8}
        names.append(note(words, **place, y=1, yref="paper", yanchor="bottom", yshift=8, name=name))
    if shapes:
        layout["shapes"] = [*shapes, *layout.get("shapes", [])]
        layout["annotations"] = [*layout.get("annotations", []), *names]
    return figure


def _meet(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] < other[1] + 8 and one[1] > other[0] - 8


def _place(event: Event, begin: date, end: date, steps: Steps, has_days: bool) -> tuple[date, date, dict[str, Any]]:
    """The first and the last mark of the axis that an event touches, and what is drawn there."""
    if steps.every == "day":
        first, last, half = begin, end - DAY, timedelta(hours=12)
    else:
        held = [i for i, start in enumerate(steps.starts) if start < end and steps.ends[i] > begin]
        first, last = steps.starts[held[0]], steps.starts[held[-1]]
        half = 0.4 * (steps.ends[held[0]] - first)
    if not has_days:
        line = {"color": "$text-3", "width": 1, "dash": "dot"}
        at = {"x0": first.isoformat(), "x1": first.isoformat(), "yref": "paper", "y0": 0, "y1": 1}
        return first, first, {"type": "line", **at, "line": line}
    x0, x1 = _instant(first) - half, _instant(last) + half
    shape = {
        "type": "rect", "x0": f"{x0:%Y-%m-%d %H:%M}", "x1": f"{x1:%Y-%m-%d %H:%M}", "yref": "paper", "y0": 0, "y1": 1,
        "fillcolor": "$event", "line": {"width": 0},
    }  # fmt: skip
    return first, last, shape


def _instant(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a place on an axis of civil days


def _day(day: date, reach: int) -> str:
    return f"{day.day} {day:%b %Y}" if reach > LONG_AXIS_DAYS else f"{day.day} {day:%b}"


def _briefly(event: Event) -> str:
    """The days without their year: the axis tells it."""
    first, last = event.start_on, event.end_on - DAY
    if first == last:
        return f"{first.day} {first:%b}"
    return f"{first.day}{'' if first.month == last.month else f' {first:%b}'}–{last.day} {last:%b}"


def told(figure: dict[str, Any]) -> str:
    """“shaded: Flood, 4–8 Apr; dotted: New routes, from 4 May”, for what a figure has no room to name.

    Of two the axis tells the days: their names stand in its order.
    """
    notes = figure["layout"].get("annotations", [])
    named = {one["text"] for one in notes if one.get("name") in ("event", "event-wide")}
    shapes = [shape for shape in figure["layout"].get("shapes", []) if shape.get("name", "").startswith(_MARK)]
    parts = []
    for kind, word, many in (("rect", "shaded", "city events"), ("line", "dotted", "changes began")):
        marked = [shape["name"].removeprefix(_MARK) for shape in shapes if shape["type"] == kind]
        left = [words for words in reversed(marked) if words not in named]  # the earliest first
        if left:
            if len(left) == 2:
                left = [" and ".join(words.rsplit(", ", 1)[0] for words in left)]
            parts.append(f"{word}: {left[0] if len(left) == 1 else many}")
    return "; ".join(parts)
