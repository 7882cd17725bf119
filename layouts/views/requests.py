"""Requests: the list behind any mark, sorted, narrowed and paged by the database; each row opens its timeline."""

from __future__ import annotations

from datetime import date
from typing import Any

import dash_bootstrap_components as dbc

from dashboard.domain.errors import UnknownName
from dashboard.domain.policy import Permission
from data_access.dimensions import DIMENSIONS
from data_access.listing import COLUMNS, Condition, Listing, Rows, listable
from data_access.measures import CATALOGUE
from data_access.semantics import Ratio, Spread, Standing
from layouts import components as c
from layouts import grid, html
from layouts.figures import words
from layouts.view import Context, Drawing, FromAddress, Panel, Place, View

LISTED = tuple(
    measure for measure in CATALOGUE.values()
    if listable(measure) and not isinstance(measure, Ratio | Spread) and measure.unit == "requests"
)  # fmt: skip
"""What can be chosen to be listed: numbers of requests; a ratio's list is that of what it is divided by."""


def listing_at(place: Place) -> Listing:
    """The list an address names; BadRequest if it names none there is.

    ``of`` is what is listed, ``q`` a number or an address, ``sort`` columns (``-opened_at``), ``where`` conditions.
    """
    name = (place.get("of") or ("opened",))[-1]
    if name not in CATALOGUE or not listable(CATALOGUE[name]):
        raise UnknownName("list", name, [measure.name for measure in LISTED])
    measure = CATALOGUE[name]
    return Listing(
        measure.under if isinstance(measure, Ratio) else measure,
        order=place.get("sort") or grid.USUAL_ORDER,
        limit=1,
        conditions=tuple(Condition.read(text) for text in place.get("where", ())),
        search=(place.get("q") or ("",))[-1],
    )


def draw_list(answers: tuple[Rows, ...], context: Context) -> Drawing:
    """What is listed in words, the controls to change it, and the columns of the grid."""
    (rows,) = answers
    listing, filters = rows.listing, context.filters
    things = "request" if rows.n == 1 else "requests"
    labels = {name: dimension.label for name, dimension in DIMENSIONS.items()}
    chosen = filters.sentence(labels, lambda name, value: DIMENSIONS[name].say(value))
    chosen = chosen[:1].lower() + chosen[1:]
    end = " at the end" if isinstance(listing.of, Standing) else ""
    what = listing.of.label.lower().removeprefix("requests ").removesuffix(" requests")
    text = f"**{c.count(rows.n) if rows.n else 'No'}** {things}: {what}{end}; {chosen}."
    said = [_in_words(one) for one in listing.conditions]
    if listing.search.strip():
        either = "number or address has" if "address" in rows.frame.columns else "number begins with"
        said.insert(0, f"{either} “{listing.search.strip()}”")
    if said:
        text += f" Only where {' and '.join(said)}."
    key = filters.with_parameter("sort").with_parameter("where").to_search()
    twice = listing.of.fact.name == "episode" and not isinstance(listing.of, Standing)
    foot = words.foot(
        "A row opens the request’s timeline", "times on the city’s clocks",
        "a request closed or reopened twice stands here twice" if twice else "",
        "" if "address" in rows.frame.columns else "addresses are not shown for your role",
    )  # fmt: skip
    spec = grid.spec(listing, rows.frame.columns, key)
    body = _controls(listing, context, "Number or address" if "address" in rows.frame.columns else "Number")
    return Drawing(c.sentence(text), body=body, foot=foot, grid=spec)


def _in_words(one: Condition) -> str:
    label = COLUMNS[one.column].label.lower()
    match one.operator:
        case "missing":
            return f"{label} is empty"
        case "given":
            return f"{label} is given"
    verb = {"contains": "has", "equals": "is", "before": "is before", "from": "is from"}[one.operator]
    if isinstance(one.value, date):
        return f"{label} {verb} {c.day(one.value)}" + (" on" if one.operator == "from" else "")
    return f"{label} {verb} “{one.value}”"


def _controls(listing: Listing, context: Context, sought: str) -> html.Div:
    """What is listed, and the field for what can be sought."""
    filters = context.filters.with_parameter("sort").with_parameter("where")

    def option(measure: Any) -> html.Li:
        chosen = {"aria-current": "true"} if measure == listing.of else {}
        href = filters.with_parameter("of", measure.name).to_search()
        return html.Li(
            c.link(measure.label, href, className="option one", title=measure.about, **{"data-closes": ""}, **chosen)
        )

    return html.Div(
        [
            html.Details(
                [
                    html.Summary(
                        [html.Span("List", className="soft"), f" {listing.of.label}"], className="ctl set",
                        **{"aria-label": f"What is listed: {listing.of.label}"},
                    ),
                    html.Div(
                        html.Div(html.Ul([option(measure) for measure in LISTED]), className="scroll"),
                        className="options",
                    ),
                ],
                id="pick-list",
                className="pick",
            ),
            html.Form(
                [
                    html.Label(
                        [
                            html.Span(f"Find: {sought.lower()}", className="visually-hidden"),
                            dbc.Input(
                                id="list-search", type="search", name="q", value=listing.search, autocomplete="off",
                                placeholder=sought, className="field",
                            ),
                        ]
                    ),
                    html.Button("Find", className="ctl ghost", type="submit"),
                ],
                className="find",
                role="search",
                **{"data-find": "q"},
            ),
        ],
        className="list-controls",
    )  # fmt: skip


VIEW = View(
    name="requests",
    title="Requests",
    question="Which requests are behind a number?",
    order=70,
    needs=Permission.LIST_REQUESTS,
    parameters=("of", "q", "sort", "where"),
    panels=(
        Panel(
            "list", "Which requests are they?", (FromAddress(listing_at, LISTED, is_single=True),), draw_list, width=12,
            kind="grid", height=640, needs=Permission.LIST_REQUESTS,
        ),
    ),
)  # fmt: skip
