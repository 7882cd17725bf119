"""Below a path of the city's site: what a server needs to live there, and nowhere else on it."""

from __future__ import annotations

from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.wrappers import Response

from layouts.addresses import BELOW, outside


def live_below(server: Flask, path: str) -> None:
    """Let `server` answer below `path` alone (“/311”), to a proxy that leaves the path as it is; nothing if empty.

    Inside, requests bear the path that is left (WSGI's ``SCRIPT_NAME``), so that gate, limits and routes know nothing
    of it. Call it after everything that wraps `server` has been put there.
    """
    if not path:
        return
    server.config.update({BELOW: path, "SESSION_COOKIE_PATH": path})
    redirect = server.redirect  # whatever Flask's own `redirect` is called with comes by there
    server.redirect = lambda location, code=302: redirect(outside(location), code)  # type: ignore[method-assign]
    elsewhere = Response(
        f"Nothing lives here: the dashboard is below {path}/. A proxy before it must leave the path as it is.\n",
        404, mimetype="text/plain", headers={"X-Content-Type-Options": "nosniff"},
    )  # fmt: skip
    server.wsgi_app = DispatcherMiddleware(elsewhere, {path: server.wsgi_app})  # type: ignore[method-assign]
