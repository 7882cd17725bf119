"""What is known of a place that was chosen, and what else is reported where it stands out."""

from __future__ import annotations

from typing import Any

import numpy as np

from data_access.dimensions import service_type
from data_access.fieldwork import VISITED_DAYS, CrewList, Stop, Stops
from data_access.hotspots import Analysed, Related
from layouts import components as c
from layouts import html
from layouts.figures import words
from layouts.view import Context, Drawing, Place
from layouts.views.hotspots.asking import everywhere, hexagon_of, hotspots_in, things_in

RELATED = 7


def crew_in(place: Place) -> CrewList:
    """The stops of a crew that goes to the places an address asks for."""
    return CrewList(hotspots_in(place))


def draw_chosen(answers: tuple[Stops, ...], context: Context) -> Drawing:
    """The chosen places, or the first one on the crew's list: visits, open work, what else was reported."""
    (stops,) = answers
    if not stops.stops:
        return Drawing(c.sentence("No place stands out, and none is chosen. Choose one on the map or in the list."),
                       is_empty=True)  # fmt: skip
    chosen = bool(context.filters.chosen(hexagon_of(context.place).name))
    shown = stops.stops[:2] if chosen else stops.stops[:1]
    parts: list[Any] = []
    for stop in shown:
        parts.append(
            html.H3([stop.place, html.Span(stop.district or "no district", className="sub")], className="word")
        )
        parts.append(html.Dl([one for name, value in _facts(stop, context) for one in (html.Dt(name), html.Dd(value))],
                             className="facts"))  # fmt: skip
    lead = "chosen" if chosen else "first on the crew’s list"
    if not chosen and shown[0].z < max(stop.z for stop in stops.stops):
        lead += ", where confirmed and recent activity comes before numbers"
    text = f"**{shown[0].place}**, {lead}: " + (_short(shown[0]) if stops.visits else _counted(shown[0], context))
    more = len(stops.stops) - len(shown)
    foot = words.foot("Visits of half a year; nearby: of 30 days" if stops.visits else "Nearby: of 30 days",
                      f"{more} more on the crew’s list" if more > 0 else "")  # fmt: skip
    return Drawing(c.sentence(text), body=parts, foot=foot)


def found_at(result: str | None) -> str:
    """What a visit found, in words."""
    return {"none": "nothing found"}.get(result or "", (result or "outcome not recorded").replace("_", " "))


def _short(stop: Stop) -> str:
    seen = stop.visited
    if not seen.told:
        return f"nobody has been there in {VISITED_DAYS // 30} months."
    return f"**{seen.active}** of {words.plural(seen.told, 'visit')} found activity."


def _counted(stop: Stop, context: Context) -> str:
    came = words.plural(stop.reports, things_in(context).removesuffix("s"))
    return f"{came} in the period, {words.plural(len(stop.open), 'request')} open now."


def _facts(stop: Stop, context: Context) -> list[tuple[str, Any]]:
    seen = stop.visited
    late = sum(one.is_overdue for one in stop.open)
    facts: list[tuple[str, Any]] = []
    if seen.told:
        share = f"{c.share(seen.active / seen.told, 0)} of {c.count(seen.told)} visits" if seen.told >= 5 else (
            f"{seen.active} of {seen.told} visits")  # fmt: skip
        facts.append(("Confirmed by visit", share))
    if seen.last_on:
        facts.append(("Last visit", f"{c.day(seen.last_on)}, {found_at(seen.last_result)}"))
    if seen.baited_on:
        facts.append(("Last baited", f"{c.day(seen.baited_on)}, {c.count(seen.baited)} premises"))
    facts.append(("Open now", f"{c.count(len(stop.open))}" + (f", of which {late} overdue" if late else "")))
    facts.append((things_in(context).capitalize(), f"{c.count(stop.reports)} in the period"))
    if stop.category not in (None, "none"):
        facts.append(("Pattern", stop.category))
    if stop.nearby:
        facts.append(("Also reported", ", ".join(f"{kind} {n}" for kind, n in stop.nearby)))
    return facts


# ── what else is wrong there ──


def related_in(place: Place) -> Related:
    """What else is reported where an address lets places stand out."""
    return Related(hotspots_in(place))


def draw_related(answers: tuple[Analysed, ...], context: Context) -> Drawing:
    """Other types in the places that stand out, as ratios to the rest of the city with their intervals."""
    (answer,) = answers
    frame = answer.frame
    if frame.empty:
        return Drawing(c.sentence("Nothing to compare: no place stands out, or nothing else is reported often enough."),
                       is_empty=True)  # fmt: skip
    shown = frame.head(RELATED)
    first = shown.iloc[0]
    sure = frame[frame["low"] > 1]
    if len(sure):
        text = f"Where it stands out, **{first['service_type']}** is reported **{first['ratio']:.1f} times** as often "
        text += f"as elsewhere in {everywhere(context)}."
    else:
        text = "No other type is reported clearly more often there than elsewhere."
    columns = [c.Column("Service type"), c.Column("Times", is_number=True), c.Column("95 %", is_number=True),
               c.Column("n there", is_number=True, on_phone=False)]  # fmt: skip
    rows = [
        [
            c.toggle(row.service_type, context.filters, service_type.name, row.service_type),
            _times(row.ratio), f"{_times(row.low)}–{_times(row.high)}", c.count(row.there),
        ]
        for row in shown.itertuples(index=False)
    ]  # fmt: skip
    found = f"of {len(frame)} types, some differ by chance alone"
    return Drawing(c.sentence(text), body=c.table(columns, rows, caption="Other types there", className="rank"),
                   foot=words.foot("Reports there against all other places, exact intervals", found))  # fmt: skip


def _times(ratio: float) -> str:
    return c.NOTHING if ratio != ratio or np.isinf(ratio) else f"{ratio:.1f}"
