"""How the screen answers: functions that register what happens, one file per thing a reader does.

Nothing is registered at import, so two apps in one process each get all of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from dash import Dash

from callbacks import cross_filter, export, filter_bar, grid, navigation, panels
from dashboard.services import Services
from layouts.view import View


def register(app: Dash, services: Services, views: Sequence[View]) -> None:
    """Register everything shared by all views; what takes longest is asked first."""
    for part in (panels, filter_bar, navigation, grid, cross_filter, export):
        part.register(app, services, views)
