"""What the screen shows, without a screen: a card as it is drawn for a viewer, and its words."""

from __future__ import annotations

import re
from typing import Any

from callbacks.address import place_at
from callbacks.panels import drawing_of
from dashboard.domain.filters import Filters
from dashboard.domain.policy import Viewer
from dashboard.identity import DEPUTY_MANAGER
from dashboard.services import Services, acting_as
from data_access.dimensions import DIMENSIONS
from layouts.markup import markup
from layouts.view import Drawing, View


def drawn(
    services: Services, view: View, name: str, search: str = "?period=all", viewer: Viewer = DEPUTY_MANAGER
) -> Drawing:  # fmt: skip
    """The card of that name; unlike on the screen, an address may also choose what the data does not hold."""
    panel = next(one for one in view.panels if one.name == name)
    with acting_as(viewer):
        filters = Filters.from_search(search, services.clock(), DIMENSIONS, view.parameters)
        place = place_at(view.href, view, filters)
        return drawing_of(panel, filters, services, place)[0]


def said(part: Any) -> str:
    """The words of a part of the page."""
    return re.sub("<.*?>", "", markup(part))
