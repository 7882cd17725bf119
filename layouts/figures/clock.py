"""The clock of one request as a strip: running, paused, overdue, and what is left of the promise."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.domain.calendar import BusinessCalendar
from data_access.timeline import Timeline
from layouts import components as c

STATES = {
    "running": ("ontime", "clock running"),
    "paused": ("series-2", "paused"),
    "overdue": ("overdue", "overdue"),
    "left": ("notdue", "time left"),
}
DAY_MS = 86_400_000
SHADED_DAYS = 45
"""Longer strips do not shade single closed days."""


def strip(told: Timeline, tz: str) -> dict[str, Any]:
    """Stretches along local time, the due time as a line, openings and closings named above."""
    zone = ZoneInfo(tz)

    def local(at: datetime) -> datetime:
        return at.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)

    due, closed = told.request["due_at"], told.request["closed_at"]
    stretches = [(one.state, local(one.begin), local(one.end)) for one in told.clock]
    if closed is None and due is not None and due > told.as_of:
        stretches.append(("left", local(told.as_of), local(due)))
    begin, end = stretches[0][1], max(*(one[2] for one in stretches), local(due) if due else stretches[0][2])
    data: list[dict[str, Any]] = [
        # Gives the axis its days; nothing is drawn.
        {"type": "scatter", "mode": "markers", "x": [_iso(begin), _iso(end)], "y": [0, 0], "hoverinfo": "skip",
         "marker": {"opacity": 0}}
    ]  # fmt: skip
    for state, (token, said) in STATES.items():
        mine = [(a, b) for name, a, b in stretches if name == state]
        if mine:
            data.append(_bars(mine, token, said, hatched=state == "paused"))
    shapes = _closed_days(told, begin, end)
    notes = []
    if due is not None:
        at = local(due)
        shapes.append({"type": "line", "x0": _iso(at), "x1": _iso(at), "y0": -0.62, "y1": 0.62, "yref": "y",
                       "line": {"color": "$text", "width": 1.5}})  # fmt: skip
        said = c.instant(due, tz, year=begin.year != end.year)
        notes.append(_note(at, begin, end, f"<b>due {said}</b>", 0.62))
    notes += _turns(told, local, begin, end)
    layout = {
        "height": 112, "margin": {"l": 8, "r": 8, "t": 26, "b": 26}, "barmode": "overlay", "bargap": 0,
        "shapes": shapes, "annotations": notes, "hovermode": "closest",
        "xaxis": {"type": "date", "fixedrange": True, "tickangle": 0, "tickformatstops": _ticks(begin, end)},
        "yaxis": {"visible": False, "range": [-1.05, 1.05], "fixedrange": True},
    }  # fmt: skip
    return {"data": data, "layout": layout}


def key_of(told: Timeline) -> Any:
    """The key of the strip: the states there are."""
    there = {one.state for one in told.clock}
    due = told.request["due_at"]
    if told.request["closed_at"] is None and due is not None and due > told.as_of:
        there.add("left")
    return c.key(*(STATES[state] for state in STATES if state in there))


def hours_of(told: Timeline) -> str:
    """The opening hours in which the promise is counted."""
    calendar = told.calendar
    if calendar is None:
        return ""
    if is_always_open(calendar):
        return f"the clock runs {DAY_AND_NIGHT}"
    return f"working time {opening_hours(calendar)}"


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY_AND_NIGHT = "day and night"


def opening_hours(calendar: BusinessCalendar) -> str:
    """The hours of its ordinary week: “Mon–Fri 08:00–17:00”, “Mon–Thu 08:00–12:00, 13:00–17:00; Fri 08:00–12:00”."""
    if is_always_open(calendar):
        return DAY_AND_NIGHT
    parts = []
    for windows, days in groupby(range(7), key=lambda day: tuple(calendar.windows[day])):
        if windows:
            first, *rest = days
            named = _DAYS[first] + (f"–{_DAYS[rest[-1]]}" if rest else "")
            parts.append(f"{named} {', '.join(f'{opens}–{closes}' for opens, closes in windows)}")
    return "; ".join(parts)


def is_always_open(calendar: BusinessCalendar) -> bool:
    """Whether there is no hour at which the office is closed."""
    return all(tuple(windows) == (("00:00", "24:00"),) for windows in calendar.windows) and not calendar.closed_days


def _bars(stretches: list[tuple[datetime, datetime]], token: str, said: str, *, hatched: bool) -> dict[str, Any]:
    marker: dict[str, Any] = {"color": f"${token}"}
    if hatched:
        marker = {"color": "$surface", "line": {"color": f"${token}", "width": 1},
                  "pattern": {"shape": "/", "fgcolor": f"${token}", "size": 5, "solidity": 0.35}}  # fmt: skip
    lengths = [(b - a).total_seconds() for a, b in stretches]
    return {
        "type": "bar", "orientation": "h", "y": [0] * len(stretches), "width": 0.8, "marker": marker,
        "base": [_iso(a) for a, _ in stretches], "x": [1000 * one for one in lengths],
        "customdata": [f"{said}, {c.duration(one)}" for one in lengths],
        "hovertemplate": "%{customdata}<extra></extra>",
    }  # fmt: skip


def _turns(told: Timeline, local: Any, begin: datetime, end: datetime) -> list[dict[str, Any]]:
    """Closings and reopenings under the strip, as far as they do not stand in each other's way."""
    notes, last = [], None
    for step in told.steps:
        if step.kind in ("close", "reopen"):
            at = local(step.at)
            if last is None or abs((at - last).total_seconds()) > 0.12 * (end - begin).total_seconds():
                note = _note(at, begin, end, "closed" if step.kind == "close" else "reopened", -0.5)
                notes.append({**note, "name": "inside"})  # no room for it on a phone
                last = at
    return notes


def _note(at: datetime, begin: datetime, end: datetime, text: str, y: float) -> dict[str, Any]:
    share = (at - begin) / (end - begin) if end > begin else 0
    anchor = "left" if share < 0.15 else "right" if share > 0.85 else "center"
    upright, ink = ("bottom", "$text") if y > 0 else ("top", "$text-2")
    return {"x": _iso(at), "y": y, "yref": "y", "text": text, "showarrow": False, "xanchor": anchor,
            "yanchor": upright, "font": {"size": 12, "color": ink}}  # fmt: skip


def _closed_days(told: Timeline, begin: datetime, end: datetime) -> list[dict[str, Any]]:
    """Days without opening hours, paler, where the strip is short enough to see them."""
    calendar = told.calendar
    if calendar is None or (end - begin).days > SHADED_DAYS:
        return []
    exceptions: dict[date, Any] = dict(calendar.closed_days)  # type: ignore[arg-type]
    shapes: list[dict[str, Any]] = []
    day = begin.date()
    while day <= end.date():
        if not exceptions.get(day, calendar.windows[day.weekday()]):
            a = max(begin, datetime.combine(day, time()))
            b = min(end, datetime.combine(day + timedelta(days=1), time()))
            shapes.append({"type": "rect", "x0": _iso(a), "x1": _iso(b), "y0": -0.4, "y1": 0.4, "yref": "y",
                           "fillcolor": "$surface/0.55", "line": {"width": 0}, "layer": "above"})  # fmt: skip
        day += timedelta(days=1)
    return shapes


def _ticks(begin: datetime, end: datetime) -> list[dict[str, Any]]:
    """A tick is never an hour without its day, nor a day without its year where there are several."""
    day = "%-d %b" if begin.year == end.year else "%-d %b %Y"
    month = "%b" if begin.year == end.year else "%b %Y"
    return [
        {"dtickrange": [None, DAY_MS - 1], "value": f"{day}, %H:%M"},
        {"dtickrange": [DAY_MS, 31 * DAY_MS], "value": day},
        {"dtickrange": ["M1", "M11"], "value": month},
        {"dtickrange": ["M12", None], "value": "%Y"},
    ]


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")
