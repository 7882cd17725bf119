"""The rows of a list, a page at a time, as the reader scrolls, sorts and narrows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from dash import MATCH, ClientsideFunction, Dash, Input, Output, State
from dash.exceptions import PreventUpdate

from callbacks.address import filters_in, place_at, view_at
from dashboard.domain.errors import BadRequest, UnknownName
from dashboard.services import Services
from data_access.listing import COLUMNS, Listing, Rows
from layouts import grid
from layouts import view as parts
from layouts.components import NOTHING
from layouts.figures import words
from layouts.page import URL
from layouts.view import FromAddress, Panel, View


def register(app: Dash, services: Services, views: Sequence[View]) -> None:
    """A grid that asks for rows is given them; its order and conditions become part of the address."""
    panels = {(view.name, panel.name): panel for view in views for panel in view.panels if panel.kind == "grid"}

    @app.callback(
        Output(parts.grid_id(MATCH, MATCH, MATCH), "getRowsResponse"),
        Output(parts.grid_state_id(MATCH, MATCH, MATCH), "data"),
        Input(parts.grid_id(MATCH, MATCH, MATCH), "getRowsRequest"),
        State(parts.grid_id(MATCH, MATCH, MATCH), "id"),
        State(URL, "search"),
        State(URL, "pathname"),
        prevent_initial_call=True,
    )
    def show_rows(asked, at, search, pathname):
        view = view_at(pathname, views)
        panel = panels.get((at["view"], at["panel"]))
        if not asked or view is None or panel is None or view.name != at["view"]:
            raise PreventUpdate
        services.scope(view.needs), services.scope(panel.needs)
        filters = filters_in(search, services, view)
        listing = page_of(panel, place_at(pathname, view, filters), asked)
        rows = services.rows(listing, filters)
        state = {
            "sort": [] if listing.order == grid.USUAL_ORDER else list(listing.order),
            "where": [one.written() for one in listing.conditions],
        }
        return {"rowData": shown(rows, services.city().tz), "rowCount": rows.n}, state

    app.clientside_callback(
        ClientsideFunction("dashboard311", "order"),
        Input(parts.grid_state_id(MATCH, MATCH, MATCH), "data"),
        prevent_initial_call=True,
    )


def page_of(panel: Panel, place: Any, asked: dict[str, Any]) -> Listing:
    """The page of a panel's list that a grid asks for; BadRequest if there can be no such page."""
    item = panel.queries[0]
    listing = item.question(place) if isinstance(item, FromAddress) else item
    if not isinstance(listing, Listing):
        raise UnknownName("list", panel.name, ())
    try:
        first, end = int(asked["startRow"]), int(asked["endRow"])
    except (KeyError, TypeError, ValueError):
        raise BadRequest("A page of a list begins and ends at a row.") from None
    if not 0 <= first < end <= first + grid.MOST_IN_BLOCK:
        raise BadRequest(f"A page holds up to {grid.MOST_IN_BLOCK} rows.")
    return replace(
        listing, order=grid.order_in(asked.get("sortModel")), conditions=grid.conditions_in(asked.get("filterModel")),
        limit=end - first, offset=first,
    )  # fmt: skip


def shown(rows: Rows, tz: str) -> list[dict[str, str]]:
    """The rows in words, each cell as it stands on the screen; an empty one is empty."""
    said = (
        {str(name): words.cell(value, COLUMNS[str(name)].kind, tz) for name, value in row.items()}
        for row in rows.frame.to_dict("records")
    )
    return [{name: "" if cell == NOTHING else cell for name, cell in row.items()} for row in said]
