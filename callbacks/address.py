"""What an address asks for: which view, and which part of the data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dashboard.domain.errors import DataUnavailable, NotPermitted
from dashboard.domain.filters import Filters
from dashboard.domain.policy import Permission
from dashboard.services import Services
from layouts.view import View


def filters_in(search: str | None, services: Services) -> Filters:
    """The filters an address holds; BadRequest if it holds anything else, a value nobody knows among it.

    A link to a department that is gone must say so: zeros everywhere would look like an answer.
    """
    filters = Filters.from_search(search or "", services.clock(), services.dimensions)
    for name, values in filters.choices:
        filters = filters.choose(name, [services.resolve(services.dimensions[name], value) for value in values])
    return filters.leaving_out(services.event_days()) if filters.setting("event_days") == "out" else filters


def view_at(pathname: str | None, views: Sequence[View]) -> View | None:
    """The view that lives at `pathname`; the first of all at the root; None if nothing lives there."""
    path = (pathname or "/").rstrip("/") or "/"
    found = next((view for view in views if (view.href.rstrip("/") or "/") == path), None)
    return found or (views[0] if path == "/" and views else None)


def holds_contacts(services: Services) -> bool:
    """Whether the data in service holds calls and other contacts at all."""
    return services.build().contacts > 0


def permitted(views: Iterable[View], services: Services) -> list[View]:
    """The views the viewer may open and the data can fill."""
    try:
        has_contacts = holds_contacts(services)
    except DataUnavailable:
        has_contacts = True  # nobody knows

    def may(view: View) -> bool:
        try:
            services.scope(view.needs)
        except NotPermitted:
            return False
        return has_contacts or view.needs is not Permission.READ_CONTACTS

    return [view for view in views if may(view)]
