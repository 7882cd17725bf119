"""Panels ready to be put into a view: a number along time, and a number over a dimension, for any total or standing.

A view of known figures is made of these and is one file; a panel with something of its own to say has its own
`draw` beside its view.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from dashboard.domain.policy import Permission
from data_access.semantics import Answer, Dimension, Query, Standing, Total
from layouts import components as c
from layouts.figures import events, series, tables, words
from layouts.figures.steps import steps_of
from layouts.view import Compared, Context, Drawing, Panel


def along_time(name: str, question: str, measure: Total | Standing, *, foot: str = "", **panel: Any) -> Panel:
    """`measure` in steps as fine as the period is long; dragging along the axis sets the period.

    `foot` is a caveat for the foot of the card; `panel` are further fields of `Panel` (width, height).
    """
    whole = Query((measure,))
    queries = (whole, Compared(whole), Query((measure,), every="auto"))
    draw = partial(_draw_along_time, measure=measure, foot=foot)
    return Panel(name, question, queries, draw, **{"selects": "period", "needs": needs_of(measure), **panel})


def ranked(
    name: str, question: str, measure: Total | Standing, dimension: Dimension, *, limit: int = 15, heading: str = "",
    foot: str = "Click a row to choose it", **panel: Any,
) -> Panel:  # fmt: skip
    """`measure` by the values of `dimension`, the largest first, with share and change; a click chooses one.

    `heading` names the first column if the dimension's own label does not fit.
    """
    query = Query((measure,), by=(dimension,))
    draw = partial(_draw_ranked, measure=measure, dimension=dimension, limit=limit, heading=heading, foot=foot)
    fields = {"selects": dimension, "needs": needs_of(measure), "height": 480, **panel}
    return Panel(name, question, (query, Compared(query)), draw, **fields)


def needs_of(measure: Total | Standing) -> Permission:
    """What a viewer needs to see `measure`."""
    return Permission.READ_CONTACTS if measure.fact.name == "contact" else Permission.READ_REQUESTS


def _draw_along_time(
    answers: tuple[Answer | None, ...], context: Context, *, measure: Total | Standing, foot: str
) -> Drawing:
    now, before, along = answers
    number = now.value(measure) if now else None
    if not number or along is None:
        return _nothing(measure, context)
    steps = steps_of(along, context.filters.period, context.clock)
    said = f"{measure.label} at the end" if isinstance(measure, Standing) else f"{measure.label} {steps.each}"
    figure = series.over_time(steps, measure.name, said, measure.fact.plural)
    events.shade(figure, steps, context.events)
    text = f"**{c.count(number)}** {measure.label.lower()}"
    if isinstance(measure, Total):
        text += f", **{c.count(number / max(context.filters.days_counted(), 1))}** a day"
    against = words.changed(number, before.value(measure) if before else None, context)
    text += f"; {against}." if against else "."
    caveats = (foot, events.told(figure), "drag along the axis to set the period")
    return Drawing(c.sentence(text), figure, foot=words.foot(series.key_of(figure), *caveats))


def _draw_ranked(
    answers: tuple[Answer | None, ...], context: Context, *, measure: Total | Standing, dimension: Dimension,
    limit: int, heading: str, foot: str,
) -> Drawing:  # fmt: skip
    now, before = answers
    total = now.frame[measure.name].sum() if now else 0
    if not total or now is None:
        return _nothing(measure, context)
    earlier = None
    if before is not None and before.frame[measure.name].sum():
        earlier = dict(zip(before.frame[dimension.name], before.frame[measure.name].astype(float), strict=True))
    names, numbers = now.frame[dimension.name], now.frame[measure.name]
    every, _ = tables.ranked_rows(names, numbers, earlier, (), len(names))
    first, moved, against = every[0], tables.moved_most(every), context.filters.comparison()
    # The one that changed most is listed wherever it stands, so that the sentence has its row.
    kept = (*context.selected, moved.name) if moved is not None and not context.selected else context.selected
    rows, rest = tables.ranked_rows(names, numbers, earlier, kept, limit)
    text = f"**{dimension.say(first.name)}** comes first with **{c.count(first.now)}**, "
    text += f"{c.share(first.now / total)} of all"
    if moved is not None and against is not None:
        difference = f"**{c.signed(moved.now - moved.before)}** on {against.sentence()}"
        same = moved.name == first.name
        text += f", {difference}" if same else f"; **{dimension.say(moved.name)}** changed most, {difference}"
    things = measure.fact.plural
    body = tables.ranked(rows, rest, context, dimension, heading, things)
    foots = words.foot(f"n = {c.count(total)} {things}", foot)
    return Drawing(c.sentence(words.capital(text) + "."), body=body, foot=foots)


def _nothing(measure: Total | Standing, context: Context) -> Drawing:
    if measure.fact.name == "contact":
        return words.no_contacts(context)
    return words.nothing(f"No {measure.label.lower()}", context)
