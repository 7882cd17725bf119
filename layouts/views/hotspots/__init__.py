"""Hotspots: where should a crew go first? Places that stand out from what chance explains, as a map and as a list."""

from __future__ import annotations

from typing import Any

from dashboard.domain import methods
from dashboard.domain.policy import Permission
from data_access.dimensions import district
from data_access.fieldwork import Clusters, RepeatAddresses
from data_access.measures.inspections import confirmed_share
from data_access.measures.requests import opened
from data_access.semantics import Answer, Query
from layouts import components as c
from layouts.figures import series, tables, words
from layouts.figures.steps import steps_of
from layouts.view import Compared, Context, Drawing, FromAddress, Panel, View
from layouts.views.hotspots.asking import (
    hexagon_of,
    hotspots_in,
    rats_if_nothing_is_chosen,
    so_many,
    thing_of,
    things_in,
    why_so,
)
from layouts.views.hotspots.on_the_map import draw_map
from layouts.views.hotspots.one_place import crew_in, draw_chosen, draw_related, related_in
from layouts.views.hotspots.outbreaks import draw_clusters, draw_outbreaks, outbreaks_in
from layouts.views.hotspots.places import draw_places
from layouts.views.hotspots.visited import draw_addresses, draw_confirmed, draw_treatment, treatment_in


def draw_months(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The same reports along time."""
    along = answers[0]
    assert along is not None
    thing, things = thing_of(context), things_in(context)
    if along.frame.empty or not along.frame["opened"].sum():
        return words.nothing(f"No {things} ({thing})", context)
    steps = steps_of(along, context.filters.period, context.clock)
    figure = series.over_time(steps, "opened", f"{things.capitalize()} {steps.each}", things)
    total = steps.values("opened").sum()
    top = int(steps.values("opened").argmax())
    most = steps.values("opened")[top]
    text = f"{words.capital(thing)}: {so_many(total, context)}"
    text += f"; the most, **{c.count(most)}**, {steps.when(top)}." if most > 1 and len(steps) > 1 else "."
    return Drawing(c.sentence(text), figure, foot=words.foot(series.key_of(figure), why_so(context)))


def draw_districts(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Reports by district, with the change."""
    now, before = answers
    assert now is not None
    sums = now.frame.set_index(district.name)["opened"]
    sums = sums[sums > 0]
    if sums.empty:
        return words.nothing(f"No {things_in(context)} ({thing_of(context)})", context)
    earlier = None
    if before is not None and before.frame["opened"].sum():
        earlier = dict(zip(before.frame[district.name], before.frame["opened"].astype(float), strict=True))
    rows, rest = tables.ranked_rows(list(sums.index), sums.tolist(), earlier, context.selected, 9)
    text = f"**{rows[0].name}** has the most, **{c.count(rows[0].now)}** of {c.count(sums.sum())}."
    if len(sums) == 1:
        text = f"All **{c.count(sums.sum())}** lie in one district, **{rows[0].name}**."
    moved, against = tables.moved_most(rows), context.filters.comparison()
    if moved is not None and moved.before is not None and against is not None:
        who = "That is" if len(sums) == 1 else f"**{moved.name}** changed most,"
        text += f" {who} **{c.signed(moved.now - moved.before)}** on {against.sentence()}."
    body = tables.ranked(rows, rest, context, district, things=things_in(context))
    return Drawing(c.sentence(text), body=body, foot=words.foot(why_so(context), "not divided by residents"))


def _panel(name: str, question: str, queries: tuple, draw: Any, about: tuple[str, ...] = (), **more: Any) -> Panel:
    return Panel(name, question, queries, draw, assumes=rats_if_nothing_is_chosen, about=("points", *about), **more)


_FOUND = FromAddress(hotspots_in, (opened,))
_DISTRICTS = Query((opened,), by=(district,))
_CONFIRMED = Query((confirmed_share,), by=(district,))

VIEW = View(
    name="hotspots",
    title="Hotspots",
    question="Where should a crew go first?",
    order=50,
    parameters=("show", "size"),
    panels=(  # map and list first: they are what a click is about
        _panel("map", "Where is more reported than chance explains?", (_FOUND,), draw_map, width=7, selects=hexagon_of,
               height=460, terms=(methods.STANDS_OUT, methods.RATE)),
        _panel("places", "Which places come first?", (_FOUND,), draw_places, width=5, selects=hexagon_of, height=460,
               terms=(methods.STANDS_OUT, methods.RATE, methods.PATTERN)),
        _panel("chosen", "What is known of the place?", (FromAddress(crew_in, (opened,)),), draw_chosen, width=4,
               needs=Permission.LIST_REQUESTS, wave=1, terms=(methods.PATTERN,)),
        _panel("related", "What else is wrong there?", (FromAddress(related_in, (opened,)),), draw_related, width=4,
               selects=hexagon_of, wave=1, terms=(methods.TIMES_AS_OFTEN, methods.STANDS_OUT)),
        Panel("confirmed", "Are the reports confirmed?", (_CONFIRMED, Query((confirmed_share,))), draw_confirmed,
              width=4, selects=district, height=320, wave=1, about=("points", "visits")),
        _panel("outbreaks", "What has broken out lately?", (FromAddress(outbreaks_in, (opened,)),), draw_outbreaks,
               width=6, wave=2, selects=hexagon_of, terms=(methods.OUTBREAK,)),
        _panel("treatment", "Does treating a place help?", (FromAddress(treatment_in, (opened,)),), draw_treatment,
               width=6, wave=2, terms=(methods.TREATED_OR_NOT,), about=("treatments",)),
        _panel("clusters", "Where do the points crowd?", (FromAddress(lambda place: Clusters(), (opened,)),),
               draw_clusters, width=6, height=300, needs=Permission.READ_ADDRESSES, wave=2, terms=(methods.CROWD,)),
        _panel("addresses", "Which addresses come back?", (FromAddress(lambda place: RepeatAddresses(), (opened,)),),
               draw_addresses, width=6, needs=Permission.READ_ADDRESSES, wave=2, terms=(methods.REPEAT_ADDRESS,)),
        _panel("time", "When were they reported?", (Query((opened,), every="auto"),), draw_months, width=7,
               selects="period", height=320, wave=1),
        _panel("districts", "Which districts report most?", (_DISTRICTS, Compared(_DISTRICTS)), draw_districts, width=5,
               selects=district, wave=1, about=("districts",)),
    ),
)  # fmt: skip
