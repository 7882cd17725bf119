"""The filter bar is drawn from the address; its controls are links."""

from __future__ import annotations

from collections.abc import Sequence

from dash import Dash, Input, Output

from callbacks.address import filters_in, view_at
from dashboard.domain.errors import Problem
from dashboard.services import Services
from layouts import filter_bar as bar
from layouts.markup import markup
from layouts.page import FILTER_BAR, URL
from layouts.view import View

LISTED = ("department", "service_type", "district", "area", "channel")
"""The dimensions with a list of their own in the bar; any other is chosen by a click on a mark."""


def register(app: Dash, services: Services, views: Sequence[View]) -> None:
    """The bar follows the address."""

    @app.callback(Output(FILTER_BAR, "data-markup"), Input(URL, "search"), Input(URL, "pathname"))
    def show_filters(search, pathname):
        try:
            filters = filters_in(search, services, view_at(pathname, views))
            choices = [
                bar.choice(
                    name,
                    services.dimensions[name].label,
                    services.values(services.dimensions[name]),
                    services.categories() if name == "service_type" else None,
                )
                for name in LISTED
                if services.is_told(name)
            ]
        except Problem as problem:
            return markup(bar.refused(str(problem), "?"))
        labels = {name: dimension.label.partition(" (")[0] for name, dimension in services.dimensions.items()}
        drawn = bar.filter_bar(
            filters,
            services.clock(),
            choices,
            labels,
            lambda name, value: services.say(services.dimensions[name], value),
        )
        return markup(drawn)
