"""Demand: how much comes in, when, how and about what?"""

from __future__ import annotations

from typing import Any

import numpy as np

from dashboard.domain.policy import Permission
from data_access.dimensions import channel, district, hour_of_week, service_type
from data_access.measures.contacts import contacts, information_share
from data_access.measures.requests import opened
from data_access.semantics import Answer, Dimension, Query
from layouts import components as c
from layouts.figures import events, grids, series, tables, words
from layouts.figures.steps import steps_of
from layouts.view import Compared, Context, Drawing, Panel, View

LISTED = 10
"""Types and districts stand beside each other: as many of the one as of the other."""


def draw_requests(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Requests along time with their mean, and the change against the comparison."""
    now, before, along = answers
    number = now.value(opened)
    if not number:
        return words.nothing("No requests", context)
    steps = steps_of(along, context.filters.period, context.clock)
    figure = series.over_time(steps, "opened", f"Requests {steps.each}", "requests")
    against = words.changed(number, before.value(opened) if before else None, context)
    text = f"**{c.count(number)}** requests, **{c.count(number / context.filters.period.days)}** a day"
    events.shade(figure, steps, context.events)
    caveats = ("Reports, duplicates included", events.told(figure), "drag along the axis to set the period")
    foot = words.foot(series.key_of(figure), *caveats)
    return Drawing(c.sentence(text + (f"; {against}." if against else ".")), figure, foot=foot)


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


def _draw_ranked(
    answers: tuple[Answer | None, ...], context: Context, dimension: Dimension, limit: int, heading: str = ""
) -> Drawing:
    now, before = answers
    frame = now.frame
    total = frame["opened"].sum()
    if not total:
        return words.nothing("No requests", context)
    earlier = None
    if before is not None and before.frame["opened"].sum():
        earlier = dict(zip(before.frame[dimension.name], before.frame["opened"].astype(float), strict=True))
    every, _ = tables.ranked_rows(frame[dimension.name], frame["opened"], earlier, (), len(frame))
    first, moved = every[0], tables.moved_most(every)
    kept = (*context.selected, moved.name) if moved is not None and not context.selected else context.selected
    rows, rest = tables.ranked_rows(frame[dimension.name], frame["opened"], earlier, kept, limit)
    text = f"**{dimension.say(first.name)}** comes first with **{c.count(first.now)}**, "
    text += f"{c.share(first.now / total)} of all"
    if moved is not None:
        difference = f"**{c.signed(moved.now - moved.before)}** on {context.filters.comparison().sentence()}"
        same = moved.name == first.name
        text += f", {difference}" if same else f"; **{dimension.say(moved.name)}** changed most, {difference}"
    text = words.capital(text) + "."
    body = tables.ranked(rows, rest, context, dimension, heading)
    return Drawing(
        c.sentence(text), body=body, foot=words.foot(f"n = {c.count(total)} requests", "Click a row to choose it")
    )


def draw_types(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Service types by volume, with their change."""
    return _draw_ranked(answers, context, service_type, LISTED)


def draw_channels(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """How requests reach the city, with the change."""
    return _draw_ranked(answers, context, channel, 8)


def draw_districts(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Requests by district, with their change."""
    drawing = _draw_ranked(answers, context, district, LISTED)
    if drawing.is_empty:
        return drawing
    total = c.count(answers[0].frame["opened"].sum())
    foot = words.foot(f"n = {total} requests", "Reports, not problems: some neighbourhoods report more")
    return Drawing(drawing.sentence, body=drawing.body, foot=foot)


def _by(dimension: Dimension) -> tuple[Any, ...]:
    query = Query((opened,), by=(dimension,))
    return query, Compared(query)


CONTACTS = {"needs": Permission.READ_CONTACTS}

VIEW = View(
    name="demand",
    title="Demand",
    question="How much comes in, when, and about what?",
    order=20,
    panels=(
        Panel(
            "requests",
            "How many requests come in?",
            (Query((opened,)), Compared(Query((opened,))), Query((opened,), every="auto")),
            draw_requests,
            selects="period",
        ),
        Panel(
            "contacts",
            "How many people get in touch?",
            (Query((contacts, information_share)), Compared(Query((contacts,))), Query((contacts,), every="auto")),
            draw_contacts,
            selects="period",
            **CONTACTS,
        ),
        Panel("types", "What is asked for?", _by(service_type), draw_types, selects=service_type, height=480),
        Panel("districts", "Where do requests come from?", _by(district), draw_districts, selects=district, height=480),
        Panel(
            "hours", "When are requests made?", (Query((opened,), by=(hour_of_week,)),), draw_request_hours, width=8,
            selects=hour_of_week, height=248,
        ),
        Panel("channels", "How do requests reach us?", _by(channel), draw_channels, width=4, selects=channel),
    ),
)  # fmt: skip
