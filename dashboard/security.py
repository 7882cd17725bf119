"""The gate before every request, and what every answer says about itself: where scripts may come from, how long it may
be kept.

Nobody comes past the gate who is not signed in, except to the addresses listed here. It stands before Dash's own hooks.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode, urlsplit

from dash import Dash
from flask import Flask, Request, Response, g, redirect, request
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import CSRFProtect, generate_csrf
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response as WerkzeugResponse

from dashboard.entrance import home_of, path_here
from dashboard.identity import Identity, Visitor
from dashboard.limits import add_limits
from dashboard.people import key_in
from dashboard.posts import Refused, checker
from dashboard.services import acting
from dashboard.settings import Settings
from layouts.addresses import below
from layouts.view import View

YEAR_S = 31_536_000
DAY_S = 86_400


OPEN = frozenset({"/_favicon.ico", "/healthz", "/readyz", "/metrics"})
"""Addresses that need no sign-in."""
OPEN_FOLDERS = ("/assets/", "/_dash-component-suites/", "/bootstrap/", "/see-as/")
"""Nor do addresses that begin like this: files everybody has, and the demo's accounts."""
PUBLIC = "/public"
"""What everybody may read, without a cookie."""
ENTRANCE = ("/sign-in", "/sign-out", "/password", "/sign-in/oidc", "/sign-in/oidc/back")
CSRF_COOKIE = "_csrf_token"
"""Read by Dash, which sends it back as ``X-CSRFToken``."""


class _Cookies(SecureCookieSessionInterface):
    """Cookies that go over TLS only, once it is there."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


ASK = "/_dash-update-component"
SIGN_INS = "60 per minute"
"""Sign-ins from one address; accounts lock by themselves."""


def guard(app: Dash, settings: Settings, identity: Identity, views: Sequence[View]) -> None:
    """Put the gate before every request to `app`, and the headers on every answer."""
    tiles, server = _origin(settings.basemap), app.server
    server.config.update(
        SECRET_KEY=settings.secret or key_in(settings.data, "cookies.key"),
        SESSION_COOKIE_NAME="dashboard311", SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_METHODS=["POST", "PUT", "PATCH", "DELETE"],
    )  # fmt: skip
    server.session_interface = _Cookies()
    if settings.proxies:
        n = settings.proxies
        server.wsgi_app = ProxyFix(server.wsgi_app, x_for=n, x_proto=n, x_host=n)
    check_post = checker(app, [(view.name, panel.name) for view in views for panel in view.panels])
    CSRFProtect(server)
    limiter = add_limits(server, settings, lambda: _is_open(request.path))
    server.view_functions["try_to_sign_in"] = limiter.limit(SIGN_INS)(server.view_functions["try_to_sign_in"])

    @server.before_request
    def gate() -> WerkzeugResponse | None:
        path = request.path
        if _is_open(path) or _is_public(path):
            return None
        who = acting()
        visitor = Visitor(who, "program") if who is not None else identity.visitor()
        g.visitor = visitor
        if path in ENTRANCE:
            return None
        if visitor is None:
            return _to_sign_in(request)
        if visitor.must_change_password:
            return redirect("/password") if _is_page(request) else Response("Change your password first.\n", 403)
        if path == ASK and request.method == "POST":
            try:
                check_post(request.get_json())
            except Refused:
                return Response("That is not what this page asks.\n", 400, mimetype="text/plain")
        if path == "/" and home_of(visitor.viewer) != "/":
            return redirect(home_of(visitor.viewer))
        return None

    # Dash puts hooks of its own; who is not let in must not reach them.
    hooks = server.before_request_funcs[None]
    hooks.insert(0, hooks.pop())

    @server.after_request
    def headers(response: Response) -> Response:
        path = request.path
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=()"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        if _is_public(request.path):
            pass  # they say for themselves what they are, and set no cookie
        elif response.mimetype == "text/html":
            response.headers["Content-Security-Policy"] = _policy(app, tiles)
            response.headers["X-Frame-Options"] = "DENY"
            if g.get("visitor") is not None and "text/html" in request.headers.get("Accept", "text/html"):
                response.set_cookie(
                    CSRF_COOKIE, generate_csrf(), path=below() or "/", samesite="Strict", secure=request.is_secure
                )
        if request.is_secure and not below():  # the rest of the city's site is not ours to bind
            response.headers["Strict-Transport-Security"] = f"max-age={YEAR_S}; includeSubDomains"
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


def _is_open(path: str) -> bool:
    return path in OPEN or path.startswith(OPEN_FOLDERS)


def _is_public(path: str) -> bool:
    return path == PUBLIC or path.startswith(f"{PUBLIC}/")


def _is_page(asked: Request) -> bool:
    return asked.method == "GET" and not asked.path.startswith(("/_dash", "/geometry/", "/export/"))


def _to_sign_in(asked: Request) -> WerkzeugResponse:
    if not _is_page(asked):
        return Response("Sign in first.\n", 401, mimetype="text/plain")
    goes_to = path_here(asked.full_path.rstrip("?"))
    return redirect("/sign-in" if goes_to == "/" else f"/sign-in?{urlencode({'next': goes_to})}")


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
