"""One file for each view, or a folder where one would be long; each holds one `VIEW`."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from layouts.view import View

GROUPS = ("City", "Contact centre", "Money", "Evidence", "Data")
"""The menu's groups, in order."""


def collect_views() -> tuple[View, ...]:
    """Every view in this folder, in the order of the menu."""
    views = [import_module(f"{__name__}.{module.name}").VIEW for module in pkgutil.iter_modules(__path__)]
    return tuple(sorted(views, key=lambda view: (GROUPS.index(view.group), view.order, view.name)))
