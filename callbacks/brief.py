"""The brief of what the viewer may see: the cards that speak in it are asked and drawn as on the screen."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from callbacks.address import filters_in, permitted, place_at
from callbacks.errors import in_words
from callbacks.panels import drawing_of
from dashboard.domain.errors import NotPermitted, Problem
from dashboard.services import Services
from layouts.brief import Brief, Part, Said, panels_of, said_by
from layouts.view import Panel, View


def brief_of(search: str, services: Services, views: Sequence[View], base: str = "") -> Brief:
    """The brief for the filters in `search`, with links to the dashboard at `base`.

    Raises NotPermitted if nothing of it is for the viewer. A card that cannot be answered says why in its place.
    """
    parts = []
    for view in permitted(views, services):
        panels = panels_of(view, permitted(view.panels, services))
        said = [one for one in (_said(view, panel, search, services) for panel in panels) if one is not None]
        if said:
            parts.append(Part(view.title, view.href + search, tuple(said)))
    if not parts:
        raise NotPermitted("No card of a brief is for this role.")
    filters, build = filters_in(search, services), services.build()
    local = services.local(build.data_to_at or build.as_of)
    return Brief(
        services.city().name, filters.period.sentence(), f"Data to {local:%a} {local.day} {local:%b %Y, %H:%M}",
        _reader(services), tuple(parts), base.rstrip("/"),
    )  # fmt: skip


def _said(view: View, panel: Panel, search: str, services: Services) -> Said | None:
    """What a card says; None where there is nothing to draw."""
    try:
        filters = filters_in(search, services, view)
        place = place_at(urlsplit(view.href).path, view, filters)
        drawing, _ = drawing_of(panel, filters, services, place)
    except Problem as problem:
        return Said(panel.question, in_words(problem, f"the brief, {panel.name}"))
    return said_by(panel, drawing) if drawing.sentence and not drawing.is_empty else None


def _reader(services: Services) -> str:
    viewer = services.viewer()
    return f"{viewer.role}, {viewer.own}" if viewer.own else viewer.role
