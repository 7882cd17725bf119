"""The addresses that are not views: health, Bootstrap's style sheet, the shapes of maps, and what goes wrong."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from functools import lru_cache

from dash.exceptions import DependencyException, InvalidResourceError, PreventUpdate
from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException

from dashboard.domain.errors import DataUnavailable
from dashboard.domain.policy import Permission, Scope
from dashboard.security import YEAR_S
from dashboard.services import Services
from dashboard.static_files import bootstrap_sheet

log = logging.getLogger("dashboard311")

RESOLUTIONS = (8, 9, 10)
FOREVER = f"private, max-age={YEAR_S}, immutable"


def add_routes(server: Flask, services: Services) -> None:
    """Serve them from `server`."""

    @server.get("/healthz")
    def healthz():
        try:
            return jsonify(status="ok", build=services.build().build_id)
        except DataUnavailable as problem:
            return jsonify(status="no data", reason=str(problem)), 503

    @server.get("/bootstrap/<fingerprint>/bootstrap.min.css")
    def bootstrap(fingerprint: str) -> Response:
        found, sheet = bootstrap_sheet()
        response = Response(sheet, mimetype="text/css")
        response.headers["Cache-Control"] = FOREVER.replace("private", "public") if fingerprint == found else "no-store"
        return response

    shapes: dict[str, Callable[[], str]] = {
        "districts.json": services.areas.districts_geojson,
        "base.json": services.areas.base_geojson,
    }
    cells = {f"hexagons/{resolution}.json": resolution for resolution in RESOLUTIONS}

    @lru_cache(maxsize=12)
    def drawn(_build: str, name: str) -> str:
        return shapes[name]()

    @lru_cache(maxsize=24)
    def drawn_cells(_key: str, resolution: int, scope: Scope) -> str:
        return services.areas.hexagons_geojson(resolution, scope)

    @server.get("/geometry/<build>/<path:name>")
    def geometry(build: str, name: str) -> Response:
        if name not in shapes and name not in cells:
            return Response("There is no such map.\n", 404, mimetype="text/plain")
        # Where requests lie is told within the viewer's scope, whatever the address says.
        scope, current = services.scope(Permission.READ_REQUESTS), services.map_key()
        shape = drawn(current, name) if name in shapes else drawn_cells(current, cells[name], scope)
        response = Response(shape, mimetype="application/geo+json")
        # A page opened before the newest build still gets its map, but must not keep it under the old name.
        response.headers["Cache-Control"] = FOREVER if build == current else "no-store"
        return response

    @server.errorhandler(Exception)
    def in_words(error: Exception):
        if isinstance(error, HTTPException):
            return Response(f"{error.description}\n", error.code, mimetype="text/plain")
        if isinstance(error, DependencyException | InvalidResourceError):
            return Response("There is no such file.\n", 404, mimetype="text/plain")
        if isinstance(error, DataUnavailable):
            return Response(f"{error}\n", 503, mimetype="text/plain")
        incident = secrets.token_hex(4)
        log.error("Incident %s", incident, exc_info=error)
        return Response(
            f"Something went wrong; it has been logged as incident {incident}.\n", 500, mimetype="text/plain"
        )

    @server.errorhandler(PreventUpdate)
    def nothing_to_do(_):
        return "", 204
