"""Going from view to view: the address decides which cards are on the page."""

from __future__ import annotations

from collections.abc import Sequence

from dash import ClientsideFunction, Dash, Input, Output

from callbacks.address import permitted, place_at, view_at, why_nothing
from callbacks.errors import in_words
from callbacks.panels import heading_of
from dashboard.domain.errors import NotPermitted, NotThere, Problem
from dashboard.domain.policy import Permission
from dashboard.services import Services
from layouts import page as screen
from layouts.components import link
from layouts.markup import markup
from layouts.view import View


def register(app: Dash, services: Services, views: Sequence[View]) -> None:
    """The page follows the path; the window's title follows the view."""

    @app.callback(
        Output(screen.PAGE, "children"),
        Output(screen.HEAD, "data-markup"),
        Output(screen.FOOT, "data-markup"),
        Output(screen.TITLE, "data"),
        Input(screen.URL, "pathname"),
    )
    def show_view(pathname):
        cards, head, foot, title = shown_at(pathname)
        return cards, markup(head), markup(foot), title

    def shown_at(pathname):
        try:
            city, build, clock = services.city(), services.build(), services.clock()
            view = view_at(pathname, views)
            as_of = screen.as_of_line(clock, city, build, services.local(build.data_to_at or build.as_of))
            foot = screen.print_foot(city.name, f"data to {clock.last_on:%Y-%m-%d}, build {build.build_id}")
            if view is None:
                words = screen.page_of_words(
                    "There is no such page",
                    f"Nothing lives at {pathname}. The menu lists every view there is.",
                    link("Go to the first of them", "/"),
                )
                return words, screen.head("Not found", "", as_of), foot, f"Not found · {city.name} 311"
            services.scope(view.needs)
            title, question = heading_of(view, pathname, services)
            within = next((one for one in views if one.name == view.within), None)
            head = screen.head(title, question, as_of, within)
            if not permitted([view], services):
                words = screen.page_of_words(*why_nothing(view, services), link("Go to the overview", "/"))
                return words, head, foot, f"{view.title} · {city.name} 311"
            place, may_list = place_at(pathname, view), services.may(Permission.LIST_REQUESTS)
            cards = screen.page(view, permitted(view.panels, services), place, may_list)
            return cards, head, foot, f"{title} · {city.name} 311"
        except NotThere as missing:
            words = screen.page_of_words("There is no such page", str(missing), link("Go to the first of them", "/"))
            return words, screen.head("Not found", "", None), None, "Not found · 311"
        except NotPermitted as problem:
            words = screen.page_of_words("This is not shown to you", str(problem), link("Go to the overview", "/"))
            return words, screen.head(view.title if view else "311", "", None), None, "311"
        except Problem as problem:
            words = screen.page_of_words("This cannot be shown just now", in_words(problem, "navigation"))
            return words, screen.head("311", "", None), None, "311"

    app.clientside_callback(ClientsideFunction("dashboard311", "title"), Input(screen.TITLE, "data"))


def is_there(pathname: str, views: Sequence[View], services: Services) -> bool:
    """Whether something lives at `pathname` that the viewer may know of."""
    view = view_at(pathname, views)
    if view is None:
        return False
    try:
        heading_of(view, pathname, services)
    except NotThere:
        return False
    except Problem:
        pass  # told on the page itself
    return True


def is_open(pathname: str, views: Sequence[View], services: Services) -> bool:
    """Whether the viewer may see the view at `pathname`."""
    view = view_at(pathname, views)
    try:
        return view is None or services.scope(view.needs) is not None
    except NotPermitted:
        return False
    except Problem:
        return True  # told on the page itself
