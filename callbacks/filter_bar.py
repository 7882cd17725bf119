"""The filter bar and the menu are drawn from the address; their controls are links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import Dash, Input, Output

from callbacks.address import filters_in, permitted, view_at
from dashboard.domain.errors import BadRequest, Problem
from dashboard.domain.filters import Filters
from dashboard.services import Services
from layouts import filter_bar as bar
from layouts.markup import markup
from layouts.page import FILTER_BAR, MENU, URL, menu
from layouts.view import View

LISTED = ("department", "service_type", "district", "area", "channel")
"""The dimensions with a list of their own in the bar; any other is chosen by a click on a mark."""


def register(app: Dash, services: Services, views: Sequence[View]) -> None:
    """Both follow the address, in one post: what it costs is the way there and back."""

    @app.callback(
        Output(FILTER_BAR, "data-markup"), Output(MENU, "data-markup"), Input(URL, "search"), Input(URL, "pathname")
    )
    def show_controls(search, pathname):
        here = view_at(pathname, views)
        filters: Filters | None = None
        try:
            filters = filters_in(search, services, here)
            controls = _drawn(filters, services)
        except Problem as problem:
            controls = bar.refused(str(problem), "?" if isinstance(problem, BadRequest) else "")
        offered = permitted([view for view in views if view.in_menu], services)
        return markup(controls), markup(menu(offered, here, filters))


def _drawn(filters: Filters, services: Services) -> list[Any]:
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
    labels = {name: dimension.label.partition(" (")[0] for name, dimension in services.dimensions.items()}
    return bar.filter_bar(
        filters,
        services.clock(),
        choices,
        labels,
        lambda name, value: services.say(services.dimensions[name], value),
    )
