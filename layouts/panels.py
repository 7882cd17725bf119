"""Panels ready to be put into a view: a number along time, a number over a dimension, and the rows behind a number.

A view of known figures is made of these and is one file; a panel with something of its own to say has its own
`draw` beside its view.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any
from urllib.parse import urlencode

from dashboard.domain.filters import Filters
from dashboard.domain.policy import FACTS, Permission
from data_access.listing import COLUMNS, Condition, Listing, Rows
from data_access.semantics import Answer, Dimension, Measure, Query, Standing, Total
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


def listed(
    name: str, question: str, measure: Measure, columns: Sequence[str] = ("service_type", "district", "opened_at"), *,
    order: Sequence[str] = ("-opened_at",), limit: int = 10, conditions: Sequence[Condition] = (), foot: str = "",
    **panel: Any,
) -> Panel:  # fmt: skip
    """The first `limit` of the requests that `measure` counts, each a link to its timeline, and a link to all of them.

    `columns` are names of `data_access.listing.COLUMNS`; those the viewer may not read are left out.
    """
    named = ("request_id", "public_id", *columns)
    listing = Listing(measure, tuple(order), limit, conditions=tuple(conditions), columns=named)
    draw = partial(_draw_listed, measure=measure, columns=tuple(columns), foot=foot)
    return Panel(name, question, (listing,), draw, **{"needs": Permission.LIST_REQUESTS, "height": 384, **panel})


def href_of_list(measure: Measure, filters: Filters) -> str:
    """Where all the requests are listed that `measure` counts in `filters`."""
    rest = filters.to_search().lstrip("?")
    return f"/requests?{urlencode({'of': measure.name})}" + (f"&{rest}" if rest else "")


def needs_of(measure: Total | Standing) -> Permission:
    """What a viewer needs to see `measure`."""
    return FACTS[measure.fact.name]


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
        text += f", **{series.few(number / max(words.days_told(context), 1))}** a day"
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
    if len(every) == 1:
        text = f"all **{c.count(first.now)}** are of one {dimension.label.lower()}, **{dimension.say(first.name)}**"
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


def _draw_listed(
    answers: tuple[Rows, ...], context: Context, *, measure: Measure, columns: tuple[str, ...], foot: str
) -> Drawing:
    (rows,) = answers
    if not rows.n:
        return words.nothing(f"No requests ({measure.label.lower()})", context)
    shown = [COLUMNS[name] for name in columns if name in rows.frame.columns]
    lines = []
    for record in rows.frame.to_dict("records"):
        first = c.request_link(record["request_id"], words=record["public_id"])
        cells = [words.cell(record[column.name], column.kind, context.city.tz) for column in shown]
        lines.append([first, *cells])
    heads = [c.Column("Request")]
    heads += [
        c.Column(column.label, is_number=column.kind in ("count", "s"), on_phone=i < 2)
        for i, column in enumerate(shown)
    ]
    every = c.link(f"List all {c.count(rows.n)}", href_of_list(measure, context.filters))
    first = c.count(len(lines))
    text = words.plural(rows.n, "request")
    text += f"; the first **{first}** of them here." if rows.n > len(lines) else "."
    body = c.table(heads, lines, caption=f"Requests: {measure.label.lower()}", className="rank")
    return Drawing(c.sentence(text), body=body, foot=c.foot(every, foot))
