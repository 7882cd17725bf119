"""The roof: the one place where every part knows every other."""

from __future__ import annotations

import atexit
from urllib.parse import urlsplit

from dash import Dash, html
from flask import Flask, request
from flask_compress import Compress

import callbacks
from callbacks.errors import show_trouble
from callbacks.navigation import is_open, is_there
from dashboard.below import live_below
from dashboard.cache import open_cache
from dashboard.domain.errors import DataUnavailable
from dashboard.entrance import add_entrance, demo_accounts
from dashboard.identity import DEPUTY_MANAGER, Identity, here
from dashboard.public import add_public_pages
from dashboard.repeats import keep_answers
from dashboard.routes import add_routes
from dashboard.security import guard
from dashboard.services import Services, acting_as
from dashboard.settings import Settings
from dashboard.static_files import asset_address, assets_folder, bootstrap_address, plotly_address
from dashboard.watching import add_watching
from layouts import page
from layouts.views import collect_views

INDEX = """<!doctype html>
<html lang="en" data-bs-theme="light">
<head>
{%metas%}
<title>{%title%}</title>
<link rel="icon" type="image/svg+xml" href="@FAVICON@">
<script src="@THEME@"></script>
{%css%}
<link rel="preload" as="script" id="plotly" href="@PLOTLY@">
</head>
<body>
<noscript>This dashboard needs JavaScript. The same numbers: <code>dashboard311 ask</code>.</noscript>
{%app_entry%}
<footer hidden>
{%config%}
{%scripts%}
{%renderer%}
</footer>
</body>
</html>
"""


def create_app(settings: Settings | None = None) -> Dash:
    """The dashboard for `settings` (default: from the environment), ready for a WSGI server as ``.server``."""
    settings = settings or Settings.from_environment()
    server = Flask("dashboard", static_folder=None)  # assets are Dash’s
    server.config.update(
        MAX_CONTENT_LENGTH=512 * 1024,
        MAX_FORM_MEMORY_SIZE=64 * 1024,
        MAX_FORM_PARTS=50,
        COMPRESS_ALGORITHM=["zstd", "gzip"],
        COMPRESS_ALGORITHM_STREAMING=["zstd", "gzip"],
        COMPRESS_ZSTD_LEVEL=9,
        COMPRESS_MIN_SIZE=512,
        COMPRESS_MIMETYPES=[
            "text/html", "text/css", "text/csv", "application/json", "application/javascript", "text/javascript",
            "image/svg+xml", "application/geo+json",
        ],
    )  # fmt: skip
    Compress(server)
    cache = open_cache(server, settings)
    services = Services(settings, cache)
    atexit.register(services.warehouse.close)  # while Python still stands, or DuckDB's threads abort the process
    views = collect_views()
    app = Dash(
        "dashboard",
        server=server,  # type: ignore[arg-type]  # its stub knows only its own servers
        assets_folder=str(assets_folder()),
        assets_ignore=r"^(theme\.js|plain\.css)$",  # the one stands in the head, the other is for pages without Dash
        requests_pathname_prefix=f"{settings.path}/",
        routes_pathname_prefix="/",
        external_stylesheets=[settings.path + bootstrap_address()],
        index_string=_index(settings.path),
        title="311",
        update_title=None,  # type: ignore[arg-type]  # documented: the title stands still
        use_async=False,
        use_pages=False,
        suppress_callback_exceptions=True,  # cards come and go; a test checks that every id a callback names exists
        on_error=show_trouble,
    )
    identity = Identity(settings, services.state, services.demo_viewers)
    add_routes(server, services)
    add_entrance(server, services, identity)

    def layout() -> html.Div:
        try:
            viewer, visitor = services.viewer(), here()
            return page.shell(
                services.city().name, viewer, demo_accounts(services, viewer), visitor.kind if visitor else ""
            )
        except DataUnavailable:
            return page.shell("", services.viewer())

    app.layout = layout
    callbacks.register(app, services, views)
    add_public_pages(server, settings, sign_in="/")
    add_watching(server, services)
    guard(app, settings, identity, views)
    live_below(server, settings.path)
    keep_answers(app, services, views, cache)
    _say_not_found(server, views, services)
    # Dash learns which scripts it may serve while it writes its first page, and refuses them until then: in a process
    # whose first request is for a script, that would break the page that another process has written.
    with acting_as(DEPUTY_MANAGER):
        server.test_client().get(f"{settings.path}/")
    return app


def _index(below: str) -> str:
    index = INDEX.replace("@THEME@", below + asset_address("theme.js"))
    index = index.replace("@FAVICON@", below + asset_address("favicon.svg"))
    return index.replace("@PLOTLY@", below + plotly_address())


def _path_as_sent() -> str:
    """The path as the browser wrote it: once decoded, a slash in a request’s number is like those around it."""
    return urlsplit(request.environ.get("RAW_URI", "")).path or request.script_root + request.path


def _say_not_found(server: Flask, views, services: Services) -> None:
    """Dash answers every path with its page, which says what is missing or not shown; so does the status."""

    @server.after_request
    def not_found(response):
        is_page = response.mimetype == "text/html" and response.status_code == 200
        if is_page and request.endpoint in ("/", "/<path:path>"):
            if not is_there(_path_as_sent(), views, services):
                response.status_code = 404
            elif not is_open(_path_as_sent(), views, services):
                response.status_code = 403
        return response
