"""What every answer over HTTP says about itself: where scripts may come from, and how long it may be kept."""

from __future__ import annotations

from urllib.parse import urlsplit

from dash import Dash
from flask import Response, request

from dashboard.settings import Settings

YEAR_S = 31_536_000
DAY_S = 86_400


def guard(app: Dash, settings: Settings) -> None:
    """Add the headers to every answer of `app`."""
    tiles = _origin(settings.basemap)

    @app.server.after_request
    def headers(response: Response) -> Response:
        path = request.path
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        if response.mimetype == "text/html":
            response.headers["Content-Security-Policy"] = _policy(app, tiles)
            response.headers["X-Frame-Options"] = "DENY"
        if response.status_code == 200 and _is_static(path):
            # Dash says no-cache for assets although their address changes with their content.
            fixed = "m" in request.args or ".v" in path.rsplit("/", 1)[-1]
            response.cache_control.no_cache = None  # None takes the word out
            response.cache_control.public = True
            response.cache_control.max_age = YEAR_S if fixed else DAY_S
            response.cache_control.immutable = fixed
        elif "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        return response


def _is_static(path: str) -> bool:
    return path.startswith(("/assets/", "/_dash-component-suites/"))


def _policy(app: Dash, tiles: str) -> str:
    """No script but our own files and Dash's few lines, by their hashes; no foreign host but the city's own tiles.

    Styles may stand inline because plotly and Dash write them; workers and blobs are the map's.
    """
    hashes = " ".join(app.csp_hashes())  # after the first request: Dash adds scripts late
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {hashes}",
            "style-src 'self' 'unsafe-inline'",
            f"img-src 'self' data: blob: {tiles}".rstrip(),
            "font-src 'self' data:",
            f"connect-src 'self' {tiles}".rstrip(),
            "worker-src blob:",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        )
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
