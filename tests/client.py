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


def controls(pathname: str, search: str) -> dict[str, Any]:
    """The post that asks for the filter bar and the menu."""
    names = ("filter-bar", "menu")
    return {
        "output": f"..{'...'.join(f'{name}.data-markup' for name in names)}..",
        "outputs": [{"id": name, "property": "data-markup"} for name in names],
        "inputs": [part("url", "search", search), part("url", "pathname", pathname)],
        "state": [], "changedPropIds": ["url.search"],
    }  # fmt: skip
