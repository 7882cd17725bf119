"""Where the dashboard lives on its site: addresses as this house writes them, and as browsers know them.

Inside, every address begins at the first page (“/backlog”). Where the dashboard is served below a path of the city's
site (“/311”), that path is put before an address where it is written for a browser, and taken off where one comes in.
"""

from __future__ import annotations

from flask import current_app, has_app_context

BELOW = "DASHBOARD311_PATH"
"""The path in the configuration of the server that answers; empty where the dashboard has the site for itself."""


def below() -> str:
    """The path of the site below which the request at hand is answered: “/311”, or nothing."""
    return current_app.config.get(BELOW, "") if has_app_context() else ""


def outside(address: str) -> str:
    """`address` as a browser asks for it; one of another site, or a query alone, stays as it is."""
    return below() + address if address.startswith("/") and not address.startswith("//") else address


def inside(path: str) -> str:
    """The path a browser told as this house knows it; one that is not below the dashboard's stays as it is."""
    rest = path.removeprefix(below())
    return rest or "/" if rest != path and rest[:1] in ("", "/") else path
