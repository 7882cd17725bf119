"""The filter bar is drawn from the address. Its controls are links; only the two dates need an answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from dash import Dash, Input, Output, State, no_update
from dash.exceptions import PreventUpdate

from callbacks.address import filters_in
from dashboard.domain.errors import Problem
from dashboard.domain.filters import DAY, Period
from dashboard.services import Services
from layouts import filter_bar as bar
from layouts.page import FILTER_BAR, URL
from layouts.view import View

LISTED = ("department", "service_type", "district", "channel")
"""The dimensions with a list of their own in the bar; any other is chosen by a click on a mark."""


def register(app: Dash, services: Services, views: Sequence[View]) -> None:
    """The bar follows the address; “Show these days” writes the address."""
    del views

    @app.callback(Output(FILTER_BAR, "children"), Input(URL, "search"))
    def show_filters(search):
        try:
            filters = filters_in(search, services)
            choices = [
                bar.choice(
                    name,
                    services.dimensions[name].label,
                    services.values(services.dimensions[name]),
                    services.categories() if name == "service_type" else None,
                )
                for name in LISTED
            ]
        except Problem as problem:
            return bar.refused(str(problem), "?")
        labels = {name: dimension.label for name, dimension in services.dimensions.items()}
        return bar.filter_bar(filters, services.clock(), [c for c in choices if any(v for _, v in c.groups)], labels)

    @app.callback(
        Output(URL, "search", allow_duplicate=True),
        Output(bar.PERIOD_WRONG, "children"),
        Input(bar.PERIOD_APPLY, "n_clicks"),
        State(bar.PERIOD_FROM, "value"),
        State(bar.PERIOD_TO, "value"),
        State(URL, "search"),
        prevent_initial_call=True,
    )
    def show_these_days(clicks, first, last, search):
        if not clicks:
            raise PreventUpdate
        try:
            period = Period(date.fromisoformat(first or ""), date.fromisoformat(last or "") + DAY)
        except ValueError:
            return no_update, "Give both days."
        except Problem:
            return no_update, "The last day lies before the first."
        try:
            return bar.search_in_period(filters_in(search, services), period), ""
        except Problem as problem:
            return no_update, str(problem)
