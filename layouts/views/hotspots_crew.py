"""The list a crew takes along: where to go, in which order, and everything to know before getting there."""

from __future__ import annotations

from typing import Any

from dashboard.domain.policy import Permission
from data_access.fieldwork import NEARBY_DAYS, VISITED_DAYS, Stop, Stops
from data_access.measures.requests import opened
from layouts import components as c
from layouts import html
from layouts.figures import words
from layouts.view import Context, Drawing, FromAddress, Panel, View
from layouts.views.hotspots.asking import quotient, rats_if_nothing_is_chosen, so_many, thing_of
from layouts.views.hotspots.one_place import crew_in, found_at

OUTCOMES = ("Active signs", "Conditions", "None", "No access")
MOST_OPEN = 8


def draw_stops(answers: tuple[Stops, ...], context: Context) -> Drawing:
    """A card for each place, made to be printed or read on a phone: why, what was found, what is open, what is near."""
    (answer,) = answers
    if not answer.stops:
        return Drawing(c.empty("No place stands out, and none is chosen.", c.link("Back to the map", "/hotspots",
                       **{"data-with-search": ""})), is_empty=True)  # fmt: skip
    open_now = sum(len(stop.open) for stop in answer.stops)
    text = (
        f"{thing_of(context)}: {words.plural(len(answer.stops), 'stop')}, {words.plural(open_now, 'open request')}; "
        f"places {'with confirmed and recent activity' if answer.visits else 'that stand out most'} first."
    )
    stops = [_stop(rank, stop, context, answer.visits) for rank, stop in enumerate(answer.stops, 1)]
    body = html.Ol(stops, className="stops")
    visited = f"Visits of {VISITED_DAYS} days, nearby" if answer.visits else "Nearby"
    foot = words.foot(f"{visited} of {NEARBY_DAYS} days; one tick for each visit",
                      "" if answer.addresses else "addresses are not shown for your role, but to department heads",
                      "places, not people: ask before entering")  # fmt: skip
    return Drawing(c.sentence(text), body=body, foot=foot)


def _stop(rank: int, stop: Stop, context: Context, visits: bool) -> html.Li:
    facts = [one for name, value in _facts(stop, visits) for one in (html.Dt(name), html.Dd(value))]
    parts: list[Any] = [
        html.H3([html.Span(str(rank), className="rank-no"), stop.place,
                 html.Span(stop.district or "", className="sub")]),
        html.P(c.sentence(_why(stop, context)), className="why"),
        html.Dl(facts, className="facts"),
    ]  # fmt: skip
    if stop.open:
        shown = [
            html.Li([
                html.I(className="tick"), c.request_link(one.request_id, words=one.public_id),
                f" {one.address}" if one.address else "", f", since {c.day(one.opened_on)}",
                c.tag("overdue", "bad") if one.is_overdue else "",
            ])
            for one in stop.open[:MOST_OPEN]
        ]  # fmt: skip
        if len(stop.open) > MOST_OPEN:
            shown.append(html.Li(f"and {len(stop.open) - MOST_OPEN} more"))
        parts.append(html.Ul(shown, className="todo"))
    parts.append(
        html.P(
            ["Found today: ", *(html.Span([html.I(className="tick"), word]) for word in OUTCOMES)], className="found"
        )
    )
    return html.Li(parts, className="stop")


def _why(stop: Stop, context: Context) -> str:
    told = f"{so_many(stop.reports, context)} in the period, z {stop.z:.1f} (q {quotient(stop.q)})"
    return told + (f": {stop.category}." if stop.category not in (None, "none") else ".")


def _facts(stop: Stop, visits: bool) -> list[tuple[str, Any]]:
    seen = stop.visited
    facts: list[tuple[str, Any]] = []
    if visits:
        told = f"{seen.active} of {seen.told} found activity" if seen.told else "none with an outcome"
        facts.append(("Visits", told))
    if seen.last_on:
        facts.append(("Last visit", f"{c.day(seen.last_on)}, {found_at(seen.last_result)}"))
    if seen.baited_on:
        facts.append(("Baited", f"{c.day(seen.baited_on)}, {c.count(seen.baited)} premises"))
    if stop.nearby:
        facts.append(("Nearby", ", ".join(f"{kind} {n}" for kind, n in stop.nearby)))
    facts.append(("Point", f"{stop.lat:.5f}, {stop.lon:.5f}"))
    return facts


VIEW = View(
    name="hotspots-crew",
    title="Crew list",
    question="Where do we go today?",
    order=51,
    path="/hotspots/crew",
    within="hotspots",
    parameters=("show", "size"),
    needs=Permission.LIST_REQUESTS,
    panels=(
        Panel("stops", "The stops, in order", (FromAddress(crew_in, (opened,)),), draw_stops, width=12,
              needs=Permission.LIST_REQUESTS, assumes=rats_if_nothing_is_chosen, about=("points",)),
    ),
)  # fmt: skip
