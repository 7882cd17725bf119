"""Every panel of every view is answered here: ask what it asks, draw what came back, say what went wrong.

One post answers a whole view. A panel that fails tells so in its own card; the others stand.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

from dash import MATCH, ClientsideFunction, Dash, Input, Output, State, ctx, no_update

from callbacks.address import filters_in, holds_contacts, permitted, place_at, view_at
from callbacks.errors import in_words
from dashboard.domain.errors import NotThere, NotTold, Problem
from dashboard.domain.filters import Filters
from dashboard.domain.policy import Permission, Viewer
from dashboard.services import Services
from data_access.dimensions import HEXAGONS
from data_access.health import Health, Told
from data_access.hotspots import Analysed
from data_access.listing import Listing, Rows
from data_access.measures.requests import working_time_to_close
from data_access.semantics import Answer, Dimension, Query
from data_access.timeline import OneRequest, Timeline
from layouts import components as c
from layouts import grid, html
from layouts import page as screen
from layouts import view as parts
from layouts.figures import words
from layouts.figures.literal import literal
from layouts.figures.packing import packed
from layouts.markup import markup
from layouts.view import Context, Dated, Drawing, Event, FromAddress, OnDays, Panel, Place, View, asked_of

Answered = tuple[Answer | Analysed | Rows | Timeline | Told | None, ...]


def answers_to(
    panel: Panel, filters: Filters, services: Services, place: Place | None = None, rows: int | None = None,
    *, in_full: bool = True,
) -> Answered:  # fmt: skip
    """What the panel asks, answered within the viewer's scope.

    The panel's own dimension is left open, so that what is selected stays visible among the rest. `place` is what the
    address names; of a panel that is a list itself, `rows` are brought if given. Unless `in_full`, lists come in the
    columns that are drawn.
    """
    scope, clock = services.scope(panel.needs), services.clock()
    left_open = asked_by(panel, filters, services, place)

    # The same labels for people in all answers of a panel under its filters, other ones anywhere else.
    picture = f"{panel.name} {panel.question}{left_open.to_search()}"

    def answered(item: Dated | OneRequest | FromAddress) -> Answer | Analysed | Rows | Timeline | Told | None:
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
            columns = () if in_full else wanted.columns
            return services.rows(replace(wanted, limit=limit, columns=columns), filters_asked)
        if isinstance(wanted, Health):
            return services.health(wanted, filters_asked, scope)
        if not isinstance(wanted, Query):
            return services.analyse(wanted, filters_asked, scope)
        return services.ask(wanted, filters_asked, scope, picture=picture)

    found: list[Answer | Analysed | Rows | Timeline | Told | None] = []
    for item in panel.queries:
        if isinstance(item, OnDays):
            then = item.of(tuple(found), context_of(panel, filters, services, place))
            found.append(None if then is None else answered(then))
        else:
            found.append(answered(item))
    return tuple(found)


def drawing_of(
    panel: Panel, filters: Filters, services: Services, place: Place | None = None
) -> tuple[Drawing, Answered]:  # fmt: skip
    """What the panel draws, and the answers it is made of.

    Where its question means nothing for what was chosen, it says why and offers to take the choice back.
    """
    context = context_of(panel, filters, services, place)
    try:
        answers = answers_to(panel, filters, services, place, in_full=False)
    except NotTold as why:
        return Drawing(sentence=c.empty(str(why), words.clear(context)), is_empty=True), ()
    return panel.draw(answers, context), answers


def asked_by(panel: Panel, filters: Filters, services: Services, place: Place | None = None) -> Filters:
    """The filters a panel asks with: its own dimension left open, and what it assumes where nothing was chosen."""
    own = panel.chooses(place)
    left_open = filters.without(own.name) if isinstance(own, Dimension) else filters
    return panel.assumes(left_open, services.values("service_type")) if panel.assumes else left_open


def context_of(panel: Panel, filters: Filters, services: Services, place: Place | None = None) -> Context:
    """What the panel may know besides its answers."""
    chosen = panel.chooses(place)
    own = chosen.name if isinstance(chosen, Dimension) else None
    size = next((size for size, hexagon in HEXAGONS.items() if hexagon is chosen), None)
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
        redrawn_on=services.redrawn_on(),
        place_names=services.place_names(size) if size else {},
        assumed=panel.assumes(filters, services.values("service_type")) if panel.assumes else None,
        targets=services.targets(),
        hours=services.hours() if working_time_to_close in screen.measures_of(panel) else {},
        own=dict(services.scope(panel.needs).rows),
        money=services.money(),
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
    """Panels follow the address; the browser puts what they say in place, and figures into the theme and the width."""

    def drawn(view: View, panel: Panel, filters: Filters, place: Place) -> dict[str, Any]:
        try:
            drawing, answers = drawing_of(panel, filters, services, place)
            return on_card(panel, drawing, answers) | list_on(view, panel, drawing)
        except Exception as error:  # whatever it is, it stays in this card
            return words_on_card("failed", in_words(error, f"panel {panel.name}"))

    def shown(
        pathname: str | None, search: str | None, only: Collection[str] | None, wave: int = 0
    ) -> dict[str, Any] | None:
        """The cards of a wave of panels of the view at an address, or of `only` some; None without such a view.

        ``next`` is what is to be posted then, for the panels in ``later``.
        """
        view = view_at(pathname, views)
        if view is None or view not in permitted([view], services):
            return None
        try:
            filters = filters_in(search, services, view)
        except Problem:
            filters = None  # the filter bar says what is wrong with the address
        place = place_at(pathname, view, filters)
        if view.heading is not None:
            try:
                view.heading(*_first_of(view, place, services))
            except NotThere:
                return None  # the page says so
        if filters is not None and wave == 0 and only is None:
            note_sight(view, place, services)
        may_see = permitted(view.panels, services)
        asked = [panel for panel in may_see if (panel.name in only if only is not None else panel.wave == wave)]
        later = [panel for panel in may_see if panel.wave > wave and only is None]
        if filters is None:
            cards = [words_on_card("empty", "Not asked: see above.") for _ in asked]
        else:
            cards = _side_by_side([partial(drawn, view, panel, filters, place) for panel in asked])
        found = dict(zip((panel.name for panel in asked), cards, strict=True))
        then = {"path": pathname, "search": search or "", "wave": min(panel.wave for panel in later)} if later else None
        told = {"view": view.name, "path": pathname, "search": search or "", "cards": found}
        return told | {"later": [panel.name for panel in later], "next": then}

    @app.callback(
        Output(screen.ANSWERS, "data"),
        Input(screen.URL, "pathname"),
        Input(screen.URL, "search"),
        Input(screen.AGAIN, "data"),
    )
    def show_answers(pathname, search, again):
        only = again["panels"] if again and ctx.triggered_id == screen.AGAIN else None
        return shown(pathname, search, only)

    @app.callback(Output(screen.LATER_ANSWERS, "data"), Input(screen.LATER, "data"), prevent_initial_call=True)
    def show_later_answers(asked):
        return shown(asked["path"], asked["search"], None, asked["wave"]) if asked else no_update

    app.clientside_callback(
        ClientsideFunction("dashboard311", "begin"), Input(screen.URL, "pathname"), Input(screen.URL, "search")
    )
    for answers in (screen.ANSWERS, screen.LATER_ANSWERS):
        app.clientside_callback(
            ClientsideFunction("dashboard311", "show"), Input(answers, "data"), prevent_initial_call=True
        )
    app.clientside_callback(
        ClientsideFunction("dashboard311", "list"),
        Output(parts.grid_place_id(MATCH, MATCH), "children"),
        Input(parts.grid_spec_id(MATCH, MATCH), "data"),
        State(parts.grid_spec_id(MATCH, MATCH), "id"),
        prevent_initial_call=True,
    )


def _side_by_side(work: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each of `work` returns. One draws while another's question is answered: the engine needs no Python."""
    if len(work) < 2:
        return [one() for one in work]
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda context, one: context.run(one), [copy_context() for _ in work], work))


def _first_of(view: View, place: Place, services: Services) -> tuple[Answered, Context]:
    """What the heading of a view is made of; NotThere if the address names what does not exist."""
    panel = view.panels[0]
    filters = Filters.from_search("", services.clock(), ())
    return answers_to(panel, filters, services, place), context_of(panel, filters, services, place)


def heading_of(view: View, pathname: str | None, services: Services) -> tuple[str, str]:
    """The title of what is shown and the question it answers; NotThere if the address names what does not exist."""
    if view.heading is None:
        return view.title, view.question
    return view.heading(*_first_of(view, place_at(pathname, view), services))


def note_sight(view: View, place: Place, services: Services, did: str = "looked at") -> None:
    """Write into the audit log that somebody looked at agents, or at a single request."""
    if view.needs is Permission.READ_AGENT_SPREAD:
        services.record(did, view.title)
    items = [item for panel in view.panels for item in panel.queries if isinstance(item, FromAddress)]
    for question in {item.question(place) for item in items}:
        if isinstance(question, OneRequest):
            services.record(did, f"request {question.request_id}")
            return


def list_on(view: View, panel: Panel, drawing: Drawing) -> dict[str, Any]:
    """The grid of a panel that is a list, and the key by which the browser knows whether it is another one."""
    if panel.kind != "grid":
        return {}
    if drawing.grid is None:
        return {"list": None}
    return {"list": {"key": drawing.grid["key"], "grid": grid.grid(view.name, panel.name, drawing.grid)}}


def words_on_card(state: str, words: Any) -> dict[str, Any]:
    """A card that has nothing but words to show."""
    return {"state": screen.state_class(state), "sentence": markup(words), "figure": None, "body": "", "foot": ""}


def on_card(panel: Panel, drawing: Drawing, answers: Answered) -> dict[str, Any]:
    """A drawing as what a card is made of: its state, HTML for what is read, and the figure in token names."""
    figure = None
    if drawing.figure is not None and not drawing.is_empty:
        every = next((answer.every for answer in answers if answer is not None and answer.every), None)
        brush = panel.selects == "period"
        figure = {"figure": packed(literal(drawing.figure)), "height": panel.height, "brush": brush, "every": every}
    notes = dict.fromkeys(note for answer in answers if answer is not None for note in answer.notes)
    if drawing.is_empty:
        notes = {}  # they are about numbers, and there are none
    foot = drawing.foot or []
    foot = list(foot) if isinstance(foot, list | tuple) else [html.Span(foot) if isinstance(foot, str) else foot]
    foot += [html.Span(note) for note in notes]
    return words_on_card("empty" if drawing.is_empty else "ready", drawing.sentence) | {
        "figure": figure, "body": markup(drawing.body), "foot": markup(foot),
    }  # fmt: skip
