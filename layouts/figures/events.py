"""City events on a daily axis: the days of a storm or an election are filled to full height, its name above them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from dashboard.domain.city_events import marks_days
from dashboard.domain.filters import DAY, Period
from layouts.figures.series import note
from layouts.figures.steps import Steps
from layouts.view import Event

PLOT_PX, LETTER_PX, UNIT_PX = 440.0, 6.2, 80.0
"""A card of half the page: its plot, a letter, and what the unit at the left takes of the room above the plot."""


def of_days(events: Iterable[Event]) -> list[Event]:
    """The events that mark days: no new rules, no campaigns, nothing that goes on for weeks."""
    return [one for one in events if marks_days(one.kind, one.start_on, one.end_on)]


def days_of(event: Event) -> str:
    """“16–18 May 2026”."""
    return Period(event.start_on, event.end_on).sentence()


def shade(figure: dict[str, Any], steps: Steps, events: Sequence[Event]) -> dict[str, Any]:
    """Fill the days of `events` behind a daily figure and name them above, the latest first where room is short."""
    if steps.every != "day" or not len(steps):
        return figure
    layout = figure["layout"]
    first, last = steps.starts[0], steps.starts[-1]
    reach = max((last - first).days, 1)
    taken: list[tuple[float, float]] = [(-40.0, UNIT_PX)]
    shapes, names = [], []
    for one in reversed(of_days(events)):
        begin, end = max(one.start_on, first), min(one.end_on, last + DAY)
        if begin >= end:
            continue
        shapes.append({
            "type": "rect", "x0": f"{begin - DAY} 12:00", "x1": f"{end - DAY} 12:00", "yref": "paper", "y0": 0, "y1": 1,
            "fillcolor": "$event", "line": {"width": 0}, "layer": "below",
        })  # fmt: skip
        words = f"{one.name}, {_briefly(one)}"
        left, right = ((day - first).days / reach * PLOT_PX for day in (begin, end - DAY))
        anchor = "right" if right > 0.7 * PLOT_PX else "left"
        begins = right + 8 - LETTER_PX * len(words) if anchor == "right" else left - 8
        ends = begins + LETTER_PX * len(words)
        if any(begins < b + 8 and ends > a - 8 for a, b in taken):
            continue
        taken.append((begins, ends))
        at = end - DAY if anchor == "right" else begin
        place = {"x": at.isoformat(), "xanchor": anchor, "xshift": 8 if anchor == "right" else -8}
        names.append(note(words, **place, y=1, yref="paper", yanchor="bottom", yshift=8, name="event"))
    if shapes:
        layout["shapes"] = [*shapes, *layout.get("shapes", [])]
        layout["annotations"] = [*layout.get("annotations", []), *names]
    return figure


def _briefly(event: Event) -> str:
    """The days without their year: the axis tells it."""
    first, last = event.start_on, event.end_on - DAY
    if first == last:
        return f"{first.day} {first:%b}"
    return f"{first.day}{'' if first.month == last.month else f' {first:%b}'}–{last.day} {last:%b}"


def told(figure: dict[str, Any]) -> str:
    """“shaded: city events”, for the foot of a figure that has no room for all their names."""
    filled = sum(shape.get("fillcolor") == "$event" for shape in figure["layout"].get("shapes", []))
    named = sum(one.get("name") == "event" for one in figure["layout"].get("annotations", []))
    return "shaded: city events" if filled > named else ""
