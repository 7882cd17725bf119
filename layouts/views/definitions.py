"""Definitions: every measure the viewer may ask, and what methods work out, in the words of its declaration."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import dash_bootstrap_components as dbc

from dashboard.domain import methods
from dashboard.domain.policy import Permission
from dashboard.domain.terms import Term
from data_access import measures as declared
from data_access.semantics import Measure
from layouts import components as c
from layouts import html
from layouts.definitions import definitions
from layouts.figures import words
from layouts.view import Context, Drawing, Panel, View


def draw_definitions(answers: tuple[()], context: Context, *, measures: tuple[Measure, ...]) -> Drawing:
    """All of `measures`, as they are declared; no filter changes what they mean."""
    text = f"**{c.count(len(measures))}** measures; the command dashboard311 ask calls them by the names at “Unit”."
    foot = words.foot("", "the same for every filter")
    return Drawing(c.sentence(text), body=definitions(measures, in_full=True), foot=foot)


def draw_terms(answers: tuple[()], context: Context, *, told: tuple[Term, ...]) -> Drawing:
    """All of `told`, as they are declared."""
    text = f"**{c.count(len(told))}** methods: their numbers are worked out on the view itself, from measures above."
    return Drawing(c.sentence(text), body=definitions(told), foot=words.foot("", "the same for every filter"))


def draw_finder(answers: tuple[()], context: Context) -> Drawing:
    """A field: what is typed there leaves the measures that speak of it."""
    hint = "Find a measure: “backlog”, “answered”"
    field = dbc.Input(type="search", placeholder=hint, className="field", autocomplete="off")
    label = html.Label([html.Span("Find a measure", className="visually-hidden"), field])
    found = html.Span(className="found", role="status")
    return Drawing(body=html.Div([label, found], className="finder", **{"data-finds": "definitions"}))


_SUBJECTS = (
    ("requests", "What is counted of requests and promises?", declared.requests, Permission.READ_REQUESTS),
    ("outcomes", "What is counted of closings and satisfaction?", declared.outcomes, Permission.READ_REQUESTS),
    ("inspections", "What is counted of visits?", declared.inspections, Permission.READ_REQUESTS),
    ("fairness", "What is counted to compare districts?", declared.fairness, Permission.COMPARE_DISTRICTS),
    ("collection", "What is counted of collections?", declared.collection, Permission.READ_ROUNDS),
    ("assets", "What is counted of meters, lights and other assets?", declared.assets, Permission.READ_ASSETS),
    ("contacts", "What is counted of calls and other contacts?", declared.contacts, Permission.READ_CONTACTS),
    ("published", "What is counted of published calls?", declared.published_calls, Permission.READ_PUBLISHED_CALLS),
    ("costs", "What is counted of budgets and costs?", declared.costs, Permission.READ_BUDGET),
    ("agents", "What is counted of agents’ time?", declared.agents, Permission.READ_AGENT_SPREAD),
    ("staffing", "What is counted of who was there?", declared.staffing, Permission.READ_AGENT_SPREAD),
)

_METHODS = (
    ("staffing-methods", "How is staff worked out?", methods.STAFFING, Permission.READ_AGENT_SPREAD),
    ("fairness-methods", "How are districts compared?", methods.FAIRNESS, Permission.COMPARE_DISTRICTS),
    ("place-methods", "How are places told apart?", methods.PLACES, Permission.READ_REQUESTS),
    ("change-methods", "How is a change judged?", methods.CHANGES, Permission.READ_CHANGES),
)


def _panels() -> Iterator[Panel]:
    """A card for each subject; a measure that one takes from another is told there."""
    yield Panel("find", "Which measure are you looking for?", (), draw_finder, width=12, kind="plain", height=40)
    told: set[str] = set()
    for name, question, module, needs in _SUBJECTS:
        own = tuple(one for one in vars(module).values() if isinstance(one, Measure) and one.name not in told)
        told.update(one.name for one in own)
        draw = partial(draw_definitions, measures=own)
        yield Panel(name, question, (), draw, width=12, kind="short", needs=needs)
    for name, question, told_here, needs in _METHODS:
        draw_them = partial(draw_terms, told=told_here)
        yield Panel(name, question, (), draw_them, width=12, kind="short", needs=needs)


VIEW = View(
    name="definitions",
    title="Definitions",
    question="What does each number mean?",
    order=20,
    group="Data",
    panels=tuple(_panels()),
)
