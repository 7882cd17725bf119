"""Demand: how much comes in, when, how and about what?"""

from __future__ import annotations

import numpy as np

from dashboard.domain.policy import Permission
from data_access.dimensions import channel, district, hour_of_week, service_type
from data_access.measures.contacts import contacts, information_share
from data_access.measures.requests import opened
from data_access.semantics import Answer, Query
from layouts import components as c
from layouts.figures import events, grids, series, tables, words
from layouts.figures.steps import steps_of
from layouts.panels import along_time, ranked
from layouts.view import Compared, Context, Drawing, Panel, View

LISTED = 10
"""Types and districts stand beside each other: as many of the one as of the other."""


def draw_contacts(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Contacts along time, and how many of them made no request."""
    now, before, along = answers
    number = now.value(contacts)
    if not number:
        return words.no_contacts(context)
    steps = steps_of(along, context.filters.period, context.clock)
    figure = series.over_time(steps, "contacts", f"Contacts {steps.each}", "contacts")
    against = words.changed(number, before.value(contacts) if before else None, context)
    text = f"**{c.count(number)}** contacts" + (f", {against}" if against else "")
    text += f"; **{c.share(now.value(information_share))}** were for information and made no request."
    events.shade(figure, steps, context.events)
    caveats = ("Every channel; a transferred call counts once", events.told(figure))
    return Drawing(c.sentence(text), figure, foot=words.foot(series.key_of(figure), *caveats))


def _draw_grid(answers: tuple[Answer | None, ...], context: Context, measure: str, things: str) -> Drawing:
    frame = answers[0].frame
    totals = grids.by_hour_of_week(frame, measure)
    period = context.filters.period
    hours = grids.hours_in(period.from_on, min(period.to_on, context.clock.end_on), context.city.tz)
    mean, said = grids.per_hour_words(totals, hours, things)
    half = int((np.sort(totals)[::-1].cumsum() < totals.sum() / 2).sum()) + 1
    at = int(np.nanargmax(mean))
    text = (
        f"The busiest hour is **{grids.busiest(mean)}** with **{mean[at]:,.1f}** {things} on average; "
        f"half of them come in **{half}** of the week’s 168 hours."
    )
    figure = grids.hour_of_week_grid(mean, said, context.selected)
    key = tables.ramp("few", f"{mean[at]:,.1f} an hour")
    foot = words.foot(key, f"n = {c.count(totals.sum())} {things}", "mean of each hour, local time")
    return Drawing(c.sentence(text), figure, foot=foot)


def draw_request_hours(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """When requests are made, by hour of the week."""
    if not answers[0].frame["opened"].sum():
        return words.nothing("No requests", context)
    return _draw_grid(answers, context, "opened", "requests")


VIEW = View(
    name="demand",
    title="Demand",
    question="How much comes in, when, and about what?",
    order=20,
    panels=(
        along_time("requests", "How many requests come in?", opened, foot="Reports, duplicates included"),
        Panel(
            "contacts",
            "How many people get in touch?",
            (Query((contacts, information_share)), Compared(Query((contacts,))), Query((contacts,), every="auto")),
            draw_contacts,
            selects="period",
            needs=Permission.READ_CONTACTS,
        ),
        ranked("types", "What is asked for?", opened, service_type, limit=LISTED),
        ranked("districts", "Where do requests come from?", opened, district, limit=LISTED,
               foot="Reports, not problems: some neighbourhoods report more"),
        Panel(
            "hours", "When are requests made?", (Query((opened,), by=(hour_of_week,)),), draw_request_hours, width=8,
            selects=hour_of_week, height=248,
        ),
        ranked("channels", "How do requests reach us?", opened, channel, limit=8, width=4, height=248),
    ),
)  # fmt: skip
