"""The public pages: served from the published tables alone, without cookies, scripts or a sign-in.

Part of the dashboard, and servable by themselves on a machine that has nothing but the one file
(`dashboard311 serve --public`).
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, redirect, request
from flask_compress import Compress
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response as WerkzeugResponse

from dashboard.below import live_below
from dashboard.domain.errors import DataUnavailable
from dashboard.limits import add_limits
from dashboard.settings import Settings
from dashboard.static_files import asset_address, assets_folder, bootstrap_address, bootstrap_sheet
from data_access.measures.requests import backlog, closed, due, kept, opened, sla_compliance
from data_access.public_extract import extract_file, read_extract
from layouts import plain_page, public_page

KEPT_S = 300
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors *"
)
"""Whoever wants to may embed these pages: there is nothing to click that does anything."""


class _Published:
    """The published tables, read anew when their file changes."""

    def __init__(self, path: Path):
        self._path, self._lock = path, threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._tables: dict[str, Any] = {}

    def tables(self) -> dict[str, Any]:
        try:
            found = os.stat(self._path)
        except (FileNotFoundError, NotADirectoryError):
            raise DataUnavailable("Nothing is published yet.") from None
        stamp = (found.st_mtime_ns, found.st_ino)
        with self._lock:
            if stamp != self._stamp:
                self._tables, self._stamp = read_extract(self._path), stamp
            return self._tables


def add_public_pages(server: Flask, settings: Settings, sign_in: str = "") -> None:
    """Serve them under ``/public`` from `server`; `sign_in` is where people of the city go on, if they can."""
    published = _Published(extract_file(settings))

    def page(title: str, tab: str, *content: Any) -> Response:
        tables = published.tables()
        body = public_page.page(tables, tab, *content, back=sign_in)
        sheets = (bootstrap_address(), *(asset_address(one) for one in ("tokens.css", "dashboard.css", "plain.css")))
        whole = plain_page.document(
            f"{title} · {tables['city']} 311", plain_page.Drawn(body), sheets, asset_address("favicon.svg"),
            asset_address("theme.js"), "public",
        )  # fmt: skip
        response = Response(whole, mimetype="text/html")
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Cache-Control"] = f"public, max-age={KEPT_S}"
        return response

    @server.get("/public")
    def public_glance() -> Response:
        return page("City at a glance", "", *public_page.glance(published.tables()))

    @server.get("/public/district")
    def public_districts() -> Response:
        return page("My district", "district", *public_page.district(published.tables(), None))

    @server.get("/public/district/<path:name>")  # Boston has one that is called “Allston / Brighton”
    def public_district(name: str) -> Response:
        if name not in public_page.districts_in(published.tables()):
            return Response("There is no such district.\n", 404, mimetype="text/plain")
        return page(name, "district", *public_page.district(published.tables(), name))

    @server.get("/public/where")
    def public_where() -> Response:
        kind = request.args.get("type")
        if kind is not None and kind not in published.tables()["by_type"]["rows"]:
            return Response("There is no such type of request.\n", 404, mimetype="text/plain")
        return page("Where", "where", *public_page.where(published.tables(), kind))

    @server.get("/public/promises")
    def public_promises() -> Response:
        return page("Promises kept", "promises", *public_page.promises(published.tables()))

    @server.get("/public/definitions")
    def public_definitions() -> Response:
        shown = (opened, closed, backlog, due, kept, sla_compliance)
        return page("Definitions", "definitions", *public_page.definitions(shown, published.tables()["smallest"]))

    @server.get("/public/<path:_>")
    def public_nothing(_: str) -> Response:
        return Response("There is no such page.\n", 404, mimetype="text/plain")

    @server.get("/public/city.json")
    def public_tables() -> Response:
        response = jsonify(published.tables())
        response.headers["Cache-Control"] = f"public, max-age={KEPT_S}"
        response.headers["Access-Control-Allow-Origin"] = "*"
        return response


def create_public_server(settings: Settings) -> Flask:
    """A server of the public pages and nothing else; it opens no database and knows no account."""
    server = Flask("dashboard", static_folder=str(assets_folder()), static_url_path="/assets")
    server.config.update(MAX_CONTENT_LENGTH=4096, COMPRESS_ALGORITHM=["zstd", "gzip"], SEND_FILE_MAX_AGE_DEFAULT=86_400)
    Compress(server)
    if settings.proxies:
        n = settings.proxies
        server.wsgi_app = ProxyFix(server.wsgi_app, x_for=n, x_proto=n, x_host=n)  # type: ignore[method-assign]
    add_limits(server, settings)
    add_public_pages(server, settings)

    @server.get("/")
    def first() -> WerkzeugResponse:
        return redirect("/public")

    @server.get("/healthz")
    def healthz() -> tuple[Response, int]:
        try:
            return jsonify(status="ok", build=read_extract(extract_file(settings))["build"]), 200
        except DataUnavailable:
            return jsonify(status="no data"), 503

    @server.get("/bootstrap/<fingerprint>/bootstrap.min.css")
    def bootstrap(fingerprint: str) -> Response:
        return Response(bootstrap_sheet()[1], mimetype="text/css", headers={"Cache-Control": "public, max-age=86400"})

    @server.after_request
    def headers(response: Response) -> Response:
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        if request.is_secure and not settings.path:
            response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        return response

    @server.errorhandler(DataUnavailable)
    def nothing_yet(problem: DataUnavailable) -> Response:
        return Response(f"{problem}\n", 503, mimetype="text/plain")

    @server.errorhandler(HTTPException)
    def in_words(problem: HTTPException) -> Response:
        return Response(f"{problem.description}\n", problem.code, mimetype="text/plain")

    live_below(server, settings.path)
    return server
