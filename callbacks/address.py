"""What an address asks for: which view, and which part of the data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from dashboard.domain.errors import BadRequest, NotPermitted
from dashboard.domain.filters import Filters
from dashboard.domain.policy import ABOUT
from dashboard.services import Services
from data_access.records import KINDS, RECORDS, Record
from layouts.addresses import inside
from layouts.view import Panel, View

Asking = TypeVar("Asking", View, Panel)
"""What needs a permission to be shown."""


def filters_in(search: str | None, services: Services, view: View | None = None) -> Filters:
    """The filters an address holds; BadRequest if it holds anything else, a value nobody knows among it.

    What `view` keeps in the address beside the filters is set aside.

    A link to a department that is gone, or to days that the data does not tell of, must say so: zeros everywhere would
    look like an answer.
    """
    parameters = view.parameters if view is not None else ()
    clock = services.clock()
    filters = Filters.from_search(search or "", clock, services.dimensions, parameters)
    if not clock.tells_of(filters.period):
        raise BadRequest(f"The data tells of {clock.days.sentence()}; {filters.period.sentence()} lies outside.")
    for name, values in filters.choices:
        filters = filters.choose(name, [services.resolve(services.dimensions[name], value) for value in values])
    return filters.leaving_out(services.event_days()) if filters.setting("event_days") == "out" else filters


def view_at(pathname: str | None, views: Sequence[View]) -> View | None:
    """The view that lives at `pathname`; the first of all at the root; None if nothing lives there."""
    path = inside(pathname or "/")
    found = next((view for view in views if view.named_in(path) is not None), None)
    return found or (views[0] if path.rstrip("/") == "" and views else None)


def place_at(pathname: str | None, view: View, filters: Filters | None = None) -> dict[str, tuple[str, ...]]:
    """What an address says beside the filters: the open parts of its path, and what the view keeps in its query."""
    beside = {name: filters.parameter(name) for name in view.parameters} if filters is not None else {}
    return {
        **{name: values for name, values in beside.items() if values},
        **(view.named_in(inside(pathname or "/")) or {}),
    }


def holds_contacts(services: Services) -> bool:
    """Whether the data in service holds calls and other contacts at all."""
    return services.build().contacts > 0


def held_in_words(services: Services) -> str:
    """What the data in service holds: “service requests and calls”."""
    held = services.held()
    return " and ".join(one.words for kind, one in KINDS.items() if kind in held)


def needed_in_words(view: View, services: Services) -> str:
    """What a view is about and the data in service does not hold: “budgets”."""
    kinds = _kinds_lacking(view, services)
    if not kinds:
        every = set.intersection(*(set(panel.about) for panel in view.panels))
        kinds = [one for name, one in RECORDS.items() if name in every and not services.records(name)]
    return " and ".join(one.words for one in kinds)


def _kinds_lacking(view: View, services: Services) -> list[Record]:
    asked, held = {panel.needs for panel in view.panels}, services.held()
    return [one for kind, one in KINDS.items() if kind not in held and ABOUT[kind] & asked]


def why_nothing(view: View, services: Services) -> tuple[str, str]:
    """Why a view has no card at all, as a title and a sentence.

    Whoever sees only the rows of a department or a district is told of these: the city may well record more.
    """
    about = f"This page is about {needed_in_words(view, services)}"
    if services.scope(view.needs).rows and not _kinds_lacking(view, services):
        whose = services.viewer().own or "you"
        return f"Nothing of this is recorded for {whose}", f"{about}, and no request that you may see has any."
    return (
        "Nothing of this was imported",
        f"{services.city().name}’s data holds {held_in_words(services)} only. {about}; docs/importing.md says how that "
        "is brought.",
    )


def permitted(asking: Iterable[Asking], services: Services) -> list[Asking]:
    """The views (or panels of a view) the viewer may see and the data can fill; a view if it can fill any panel."""

    def may(one: Asking) -> bool:
        try:
            services.scope(one.needs)
        except NotPermitted:
            return False
        parts = one.panels if isinstance(one, View) else (one,)
        return any(services.holds(part.needs) and services.records(*part.about) for part in parts)

    return [one for one in asking if may(one)]
