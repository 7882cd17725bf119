"""The addresses that are not views: health, Bootstrap's style sheet, the shapes of maps, the demo's roles, and what
goes wrong."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable
from functools import lru_cache, partial
from importlib.resources import files
from urllib.parse import urlsplit

from dash.exceptions import PreventUpdate
from flask import Flask, Response, jsonify, redirect, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as WerkzeugResponse

from dashboard.domain.errors import DataUnavailable
from dashboard.security import YEAR_S
from dashboard.services import SEE_AS, Services
from layouts.page import Role

log = logging.getLogger("dashboard311")

RESOLUTIONS = (8, 9, 10)
FOREVER = f"public, max-age={YEAR_S}, immutable"


@lru_cache(maxsize=1)
def _bootstrap() -> tuple[str, bytes]:
    """Bootstrap's style sheet and its fingerprint."""
    sheet = (files("flask_bootstrap") / "static/bootstrap5/css/bootstrap.min.css").read_bytes()
    sheet = sheet.split(b"/*# sourceMappingURL")[0]
    return hashlib.sha256(sheet).hexdigest()[:12], sheet


def bootstrap_address() -> str:
    """Where Bootstrap's style sheet is served; the address changes with its content."""
    return f"/bootstrap/{_bootstrap()[0]}/bootstrap.min.css"


def roles_of(services: Services) -> list[Role]:
    """The roles to offer at the foot of the menu; none in a real city."""
    now = services.viewer()
    return [
        Role(f"{viewer.name}, {viewer.own}" if viewer.own else viewer.name, f"/see-as/{slug}", viewer == now)
        for slug, viewer in services.demo_viewers().items()
    ]


def path_here(address: str) -> str:
    """`address` if it is a path of this site, else the first page: nobody is sent away from here."""
    parts = urlsplit(address)
    elsewhere = parts.scheme or parts.netloc or not address.startswith("/") or address[1:2] in ("/", "\\")
    strange = any(ord(letter) < 33 or letter == "\\" for letter in address)
    return "/" if elsewhere or strange or parts.path.startswith("/see-as/") else address


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
        found, sheet = _bootstrap()
        response = Response(sheet, mimetype="text/css")
        response.headers["Cache-Control"] = FOREVER if fingerprint == found else "no-store"
        return response

    shapes: dict[str, Callable[[], str]] = {
        "districts.json": services.areas.districts_geojson,
        "base.json": services.areas.base_geojson,
    }
    for resolution in RESOLUTIONS:
        shapes[f"hexagons/{resolution}.json"] = partial(services.areas.hexagons_geojson, resolution)

    @lru_cache(maxsize=12)
    def drawn(_build: str, name: str) -> str:
        return shapes[name]()

    @server.get("/geometry/<build>/<path:name>")
    def geometry(build: str, name: str) -> Response:
        if name not in shapes:
            return Response("There is no such map.\n", 404, mimetype="text/plain")
        current = services.build().build_id
        response = Response(drawn(current, name), mimetype="application/geo+json")
        # A page opened before the newest build still gets its map, but must not keep it under the old name.
        response.headers["Cache-Control"] = FOREVER if build == current else "no-store"
        return response

    @server.get("/see-as/<role>")
    def see_as(role: str) -> WerkzeugResponse:
        if role not in services.demo_viewers():
            return Response("There is no such role to take on here.\n", 404, mimetype="text/plain")
        # Filters stay behind: another role has other departments, and need not know of these.
        came_from = urlsplit(request.referrer or "")
        here = came_from.path if came_from.netloc == request.host else "/"
        response = redirect(path_here(request.args.get("next", here)))
        response.set_cookie(SEE_AS, role, httponly=True, samesite="Lax", secure=request.is_secure)
        return response

    @server.errorhandler(Exception)
    def in_words(error: Exception):
        if isinstance(error, HTTPException):
            return Response(f"{error.description}\n", error.code, mimetype="text/plain")
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
