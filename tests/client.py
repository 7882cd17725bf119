"""A browser without a screen: an HTTP client that sends what Dash's own script would send."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

from dashboard.security import CSRF_COOKIE

ASK = "/_dash-update-component"


def token_of(client: FlaskClient, path: str = "/") -> str:
    """The token that shows a post was ours; a page is opened to get one."""
    if client.get_cookie(CSRF_COOKIE) is None:
        client.get(path)
    cookie = client.get_cookie(CSRF_COOKIE)
    return cookie.value if cookie is not None else ""


def ask(client: FlaskClient, body: Any, **more: Any):
    """What Dash answers to a post."""
    return client.post(ASK, json=body, headers={"X-CSRFToken": token_of(client)}, **more)


def part(name: Any, prop: str, value: Any) -> dict[str, Any]:
    """An input or a state of a callback."""
    return {"id": name, "property": prop, "value": value}
