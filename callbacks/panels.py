"""Every panel of every view is answered here: ask what it asks, draw what came back, say what went wrong.

One post answers a whole view. A panel that fails tells so in its own card; the others stand.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from dash import ALL, MATCH, ClientsideFunction, Dash, Input, Output, State, ctx, html, no_update

from callbacks.address import filters_in, holds_contacts, place_at, view_at
from callbacks.errors import in_words
from dashboard.domain.errors import BadRequest, Problem
from dashboard.domain.filters import Filters
from dashboard.domain.policy import Permission, Viewer
from dashboard.services import Services
from data_access.hotspots import Analysed
from data_access.listing import Listing, Rows
from data_access.semantics import Answer, Dimension, Query
from data_access.timeline import OneRequest, Timeline
from layouts import grid
from layouts import page as screen
from layouts import view as parts
from layouts.markup import markup
from layouts.view import Context, Drawing, Event, FromAddress, Panel, Place, Question, View, asked_of

OUTPUTS = ("state", "sentence", "spec", "body", "foot")
"""What every card is made of; one with a list has its grid besides."""


Answered = tuple[Answer | Analysed | Rows | Timeline | None, ...]


def answers_to(
    panel: Panel, filters: Filters, services: Services, place: Place | None = None, rows: int | None = None
) -> Answered:
    """What the panel asks, answered within the viewer's scope.

    The panel's own dimension is left open, so that what is selected stays visible among the rest. `place` is what the
    address names; of a panel that is a list itself, `rows` are brought if given.
    """
    scope, clock = services.scope(panel.needs), services.clock()
    left_open = asked_by(panel, filters, services, place)

    # The same labels for people in all answers of a panel under its filters, other ones anywhere else.
    picture = f"{panel.name} {panel.question}{left_open.to_search()}"

    def answered(item: Question) -> Answer | Analysed | Rows | Timeline | None:
        question = item.question(place or {}) if isinstance(item, FromAddress) else item
        if question is None:
            return None
        if isinstance(question, OneRequest):
            return services.timeline(question)
        asked = asked_of(question, left_open, clock)
        if asked is None:
            return None
        wanted, filters_asked = asked
        if isinstance(wanted, Listing):
            limit = rows if rows is not None and panel.kind == "grid" else wanted.limit
            return services.rows(replace(wanted, limit=limit), filters_asked)
        if not isinstance(wanted, Query):
            return services.analyse(wanted, filters_asked, scope)
        return services.ask(wanted, filters_asked, scope, picture=picture)

    return tuple(answered(question) for question in panel.queries)


def asked_by(panel: Panel, filters: Filters, services: Services, place: Place | None = None) -> Filters:
    """The filters a panel asks with: its own dimension left open, and what it assumes where nothing was chosen."""
    own = panel.chooses(place)
    left_open = filters.without(own.name) if isinstance(own, Dimension) else filters
    return panel.assumes(left_open, services.values("service_type")) if panel.assumes else left_open


def context_of(panel: Panel, filters: Filters, services: Services, place: Place | None = None) -> Context:
    """What the panel may know besides its answers."""
    chosen = panel.chooses(place)
    own = chosen.name if isinstance(chosen, Dimension) else None
    return Context(
        filters=filters,
        clock=services.clock(),
        city=services.city(),
        build_id=services.map_key(),
        selected=filters.chosen(own) if own else (),
        has_contacts=holds_contacts(services),
        events=city_events(services),
        place=place or {},
        closed_on=services.closed_days(),
        names=services.names(),
        populations=services.populations(),
        assumed=panel.assumes(filters, services.values("service_type")) if panel.assumes else None,
        targets=services.targets(),
        own=dict(services.scope(panel.needs).rows),
    )


def city_events(services: Services) -> tuple[Event, ...]:
    """Every event of the city, in order of time: axes of several lengths mark those they hold."""
    return _city_events(services, services.build().build_id, services.viewer().rights)


@lru_cache(maxsize=64)  # every panel marks them
def _city_events(services: Services, _build_id: str, _rights: Viewer) -> tuple[Event, ...]:
    rows = services.events()[["name", "kind", "start_on", "end_on", "scope"]].itertuples(index=False, name=None)
    return tuple(
        Event(name, kind, begin.date(), end.date(), _about(scope, services)) for name, kind, begin, end, scope in rows
    )


SCOPES = {"types": "service_type", "departments": "department", "districts": "district"}
"""What an event's scope may name, and the dimension it names values of."""


def _about(scope: str | None, services: Services) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The values an event is about that the viewer may choose; none is the whole city."""
    named = json.loads(scope) if isinstance(scope, str) and scope else {}
    found = {SCOPES[name]: values for name, values in named.items() if name in SCOPES}
    known = {name: set(services.values(name)) for name in found}
    return tuple(
        (name, chosen) for name, values in found.items() if (chosen := tuple(v for v in values if v in known[name]))
    )


def register(app: Dash, services: Services, views: Sequence[View]) -> None:
    """Panels follow the address; figures follow their spec, the theme and the width."""
    by_name = {view.name: view for view in views}

    def drawn(view: View, panel: Panel, filters: Filters, place: Place) -> tuple[tuple[Any, ...], Any]:
        try:
            answers = answers_to(panel, filters, services, place)
            drawing = panel.draw(answers, context_of(panel, filters, services, place))
            return _on_card(panel, drawing, answers), _list_of(view, panel, drawing)
        except Exception as error:  # whatever it is, it stays in this card
            return (screen.state_class("failed"), in_words(error, f"panel {panel.name}"), None, "", ""), None

    def shown(view_name: str, search: str, pathname: str, again: str | None, slow: bool) -> tuple[Any, ...]:
        """The cards of a view whose panels are `slow` or are not, or only the one to be asked again."""
        ids = [output["id"] for output in ctx.outputs_list[0]]
        lists = [output["id"] for output in ctx.outputs_list[len(OUTPUTS)]]
        if any(
            [output["id"]["panel"] for output in one] != [at["panel"] for at in ids]
            for one in ctx.outputs_list[: len(OUTPUTS)]
        ):
            raise BadRequest("A card has five parts.")
        view = by_name.get(view_name)
        if view is not None:
            services.scope(view.needs)
        if view is None or view is not view_at(pathname, views):
            return (*([no_update] * len(ids) for _ in OUTPUTS), [no_update] * len(lists))
        panels = {panel.name: panel for panel in view.panels}
        try:
            filters = filters_in(search, services, view)
        except Problem:
            filters = None  # the filter bar says what is wrong with the address
        place = place_at(pathname, view, filters)
        if filters is not None and not slow:
            note_sight(view, place, services)
        rows: list[tuple[Any, ...]] = []
        grids: dict[str, Any] = {}
        for at in ids:
            panel = panels.get(at["panel"]) if at["view"] == view_name else None
            if panel is None or (panel.slow != slow if again is None else again != panel.name):
                rows.append((no_update,) * len(OUTPUTS))
            elif filters is None:
                rows.append((screen.state_class("empty"), "Not asked: see above.", None, "", ""))
            else:
                cells, grids[panel.name] = drawn(view, panel, filters, place)
                rows.append(cells)
        columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in OUTPUTS]
        return (*columns, [grids.get(one["panel"], no_update) for one in lists])

    def outputs(**options: Any) -> list[Output]:
        return [
            Output(parts.state_id(ALL, ALL), "className", **options),
            Output(parts.sentence_id(ALL, ALL), "children", **options),
            Output(parts.spec_id(ALL, ALL), "data", **options),
            Output(parts.body_id(ALL, ALL), "data-markup", **options),
            Output(parts.foot_id(ALL, ALL), "data-markup", **options),
            Output(parts.grid_spec_id(ALL, ALL), "data", **options),
        ]

    @app.callback(
        *outputs(),
        Output(screen.SLOW, "data"),
        Input(screen.SHOWN_VIEW, "data"),
        Input(screen.URL, "search"),
        Input(parts.retry_id(ALL, ALL), "n_clicks"),
        State(screen.URL, "pathname"),
    )
    def show_answers(view_name, search, _again, pathname):
        again = ctx.triggered_id["panel"] if isinstance(ctx.triggered_id, dict) else None
        view = by_name.get(view_name)
        waits = again is None and view is not None and any(panel.slow for panel in view.panels)
        asked = {"view": view_name, "search": search, "path": pathname} if waits else no_update
        return (*shown(view_name, search, pathname, again, slow=False), asked)

    @app.callback(*outputs(allow_duplicate=True), Input(screen.SLOW, "data"), prevent_initial_call=True)
    def show_slow_answers(asked):
        told = asked if isinstance(asked, dict) else {}
        view_name, search, pathname = (told.get(name) for name in ("view", "search", "path"))
        if not isinstance(view_name, str) or not isinstance(pathname, str):
            return no_update
        return shown(view_name, search if isinstance(search, str) else "", pathname, None, slow=True)

    app.clientside_callback(
        ClientsideFunction("dashboard311", "list"),
        Output(parts.grid_place_id(MATCH, MATCH), "children"),
        Input(parts.grid_spec_id(MATCH, MATCH), "data"),
        State(parts.grid_spec_id(MATCH, MATCH), "id"),
        prevent_initial_call=True,
    )

    app.clientside_callback(
        ClientsideFunction("dashboard311", "paint"),
        Output(parts.figure_id(MATCH, MATCH), "figure"),
        Output(parts.figure_id(MATCH, MATCH), "style"),
        Output(parts.chart_id(MATCH, MATCH), "className"),
        Input(parts.spec_id(MATCH, MATCH), "data"),
        Input(screen.APPEARANCE, "data"),
        State(parts.figure_id(MATCH, MATCH), "id"),
        prevent_initial_call=True,
    )


def note_sight(view: View, place: Place, services: Services, did: str = "looked at") -> None:
    """Write into the audit log that somebody looked at agents, or at a single request."""
    if view.needs is Permission.READ_AGENT_SPREAD:
        services.record(did, view.title)
    items = [item for panel in view.panels for item in panel.queries if isinstance(item, FromAddress)]
    for question in {item.question(place) for item in items}:
        if isinstance(question, OneRequest):
            services.record(did, f"request {question.request_id}")
            return


def _list_of(view: View, panel: Panel, drawing: Drawing) -> dict[str, Any] | None:
    """The grid of a panel that is a list, and the key by which the browser knows whether it is another one."""
    if drawing.grid is None:
        return None
    return {"key": drawing.grid["key"], "grid": grid.grid(view.name, panel.name, drawing.grid)}


def _on_card(panel: Panel, drawing: Drawing, answers: Answered) -> tuple[Any, ...]:
    """A drawing as the five things a card is made of."""
    state = "empty" if drawing.is_empty else "ready"
    spec = None
    if drawing.figure is not None and not drawing.is_empty:
        every = next((answer.every for answer in answers if answer is not None and answer.every), None)
        spec = {
            "figure": drawing.figure,
            "height": panel.height,
            "brush": panel.selects == "period",
            "every": every,
        }
    notes = dict.fromkeys(note for answer in answers if answer is not None for note in answer.notes)
    foot = drawing.foot or []
    foot = list(foot) if isinstance(foot, list | tuple) else [html.Span(foot) if isinstance(foot, str) else foot]
    foot += [html.Span(note) for note in notes]
    return screen.state_class(state), drawing.sentence, spec, markup(drawing.body), markup(foot)
