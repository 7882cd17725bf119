"""Coming in and going out: the pages where people sign in, change their password, and administer accounts."""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Flask, Response, redirect, request
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response as WerkzeugResponse

from dashboard.domain.errors import BadRequest, DataUnavailable, NotPermitted, Problem, UnknownName
from dashboard.domain.policy import Permission, Viewer, may
from dashboard.identity import Identity, here
from dashboard.services import Services, acting_as
from dashboard.static_files import asset_address, bootstrap_address
from data_access.public_extract import extract_file
from layouts import plain_page as plain
from layouts.addresses import inside
from layouts.page import Role

log = logging.getLogger("dashboard311")

LINES = 100
"""Lines of the audit log on a page."""


def demo_accounts(services: Services, now: Viewer | None) -> list[Role]:
    """The demo city's accounts to offer; none in a real city."""
    return [Role(called(viewer), f"/see-as/{slug}", viewer == now) for slug, viewer in services.demo_viewers().items()]


def called(viewer: Viewer) -> str:
    """“Department head, Sanitation”."""
    return f"{viewer.name}, {viewer.own}" if viewer.own else viewer.name


def path_here(address: str) -> str:
    """`address` if it is a path of this site, else the first page: nobody is sent away from here."""
    elsewhere = not address.startswith("/") or address.startswith("//")
    strange = any(ord(letter) < 33 or letter == "\\" for letter in address)
    passing = address.startswith(("/see-as/", "/sign-", "/password"))
    parts = re.split("[?#]", address)[0].lower().replace("%2e", ".").split("/")  # as browsers read them: “..” is one up
    return "/" if elsewhere or strange or passing or not {".", ".."}.isdisjoint(parts) else address


@lru_cache(maxsize=1)
def _sheets() -> tuple[str, ...]:
    return (bootstrap_address(), *(asset_address(name) for name in ("tokens.css", "dashboard.css", "plain.css")))


def written(title: str, body: Any, code: int = 200, kind: str = "") -> Response:
    """A plain page as an answer."""
    page = plain.document(
        title, body, _sheets(), asset_address("favicon.svg"), asset_address("theme.js"), kind
    )  # fmt: skip
    return Response(page, code, mimetype="text/html")


def home_of(viewer: Viewer) -> str:
    """Where somebody begins who has just signed in."""
    return "/" if may(viewer, Permission.READ_REQUESTS) else "/administration"


FIRST_SCREENS = {"department head": "/backlog"}
"""What is looked at first in a role that is about less than the whole city; the overview is one entry above it."""


def begins_at(role: str, goes_to: str = "/") -> str:
    """Where somebody of a role who signed in is sent: where they wanted to go, else their role’s first screen."""
    return FIRST_SCREENS.get(role, "/") if goes_to == "/" else goes_to


def add_entrance(server: Flask, services: Services, identity: Identity) -> None:
    """Serve the pages from `server`."""
    _add_sign_in(server, services, identity)
    _add_see_as(server, services, identity)
    _add_password(server, services, identity)
    _add_administration(server, services, identity)

    @server.errorhandler(NotPermitted)
    def not_permitted(problem: NotPermitted) -> Response:
        page = plain.message(_city_name(services), "This is not shown to you", str(problem), "/", "Go on")
        return written("Not shown to you", page, 403)

    @server.errorhandler(BadRequest)
    def bad_request(problem: BadRequest) -> Response:
        return Response(f"{problem}\n", 404 if isinstance(problem, UnknownName) else 400, mimetype="text/plain")


def _city_name(services: Services) -> str:
    try:
        return services.city().name
    except DataUnavailable:
        return "City"


def _add_sign_in(server: Flask, services: Services, identity: Identity) -> None:
    def sign_in_page(wrong: str = "", name: str = "", code: int = 200) -> Response:
        try:
            has_accounts = identity.has_accounts()
        except DataUnavailable as problem:
            has_accounts, wrong = True, wrong or str(problem)
        body = plain.sign_in(
            _city_name(services), generate_csrf(), path_here(request.values.get("next", "/")), wrong=wrong, name=name,
            public="/public" if extract_file(services.settings).is_file() else "",
            elsewhere="/sign-in/oidc" if services.settings.sign_in == "oidc" else "",
            demo=[(one.title, one.href) for one in demo_accounts(services, None)], has_accounts=has_accounts,
        )  # fmt: skip
        return written(f"Sign in · {_city_name(services)} 311", body, code)

    @server.get("/sign-in")
    def sign_in() -> Response:
        if services.settings.sign_in == "proxy":
            words = "You come here by way of the city’s own sign-in, and it has named nobody who has a role here."
            page = plain.message(_city_name(services), "Nobody is signed in", words, "/", "Try again")
            return written("Nobody is signed in", page, 403)
        return sign_in_page()

    if services.settings.sign_in == "oidc":
        from dashboard.oidc import add_oidc  # its library takes a third of a second to load

        add_oidc(server, services, identity, sign_in_page)

    @server.post("/sign-in")
    def try_to_sign_in() -> Response | WerkzeugResponse:
        name, password = request.form.get("name", "")[:120], request.form.get("password", "")
        try:
            account = identity.sign_in(name, password)
        except NotPermitted as problem:
            services.state.record(name.strip() or "(no name)", "", "was refused at sign-in", "")
            return sign_in_page(str(problem), name, 401)
        except DataUnavailable as problem:
            return sign_in_page(str(problem), name, 503)
        visitor = identity.visitor()
        assert visitor is not None
        services.state.record(account, visitor.viewer.role, "signed in", "password")
        return redirect(begins_at(visitor.viewer.role, path_here(request.form.get("next", "/"))), 303)

    @server.post("/sign-out")
    def sign_out() -> WerkzeugResponse:
        if (visitor := here()) is not None and visitor.kind == "account":
            services.record("signed out", "")
        identity.end()
        return redirect("/sign-in", 303)


def _add_see_as(server: Flask, services: Services, identity: Identity) -> None:
    @server.get("/see-as/<role>")
    def see_as(role: str) -> WerkzeugResponse:
        if role not in services.demo_viewers():
            return Response("There is no such account to take here.\n", 404, mimetype="text/plain")
        identity.take_demo(role)
        with acting_as(services.demo_viewers()[role]):
            services.record("signed in", "demo")
        # Filters stay behind: another role has other departments, and need not know of these.
        came_from = urlsplit(request.referrer or "")
        viewer = services.demo_viewers()[role]
        back = inside(came_from.path) if came_from.netloc == request.host else "/"
        goes_to = path_here(request.args.get("next", back))
        if back != "/" or came_from.netloc != request.host:  # who compares roles on the overview stays there
            goes_to = begins_at(viewer.role, goes_to)
        home = home_of(viewer)
        return redirect(home if home != "/" or goes_to.startswith("/administration") else goes_to)


def _add_password(server: Flask, services: Services, identity: Identity) -> None:
    @server.get("/password")
    def password() -> Response | WerkzeugResponse:
        visitor = here()
        if visitor is None or visitor.account_id is None:
            return redirect("/sign-in")
        body = plain.change_password(_city_name(services), generate_csrf(), must=visitor.must_change_password)
        return written("Change your password", body)

    @server.post("/password")
    def change_password() -> Response | WerkzeugResponse:
        visitor = here()
        if visitor is None or visitor.account_id is None:
            return redirect("/sign-in")
        old, new, again = (request.form.get(name, "") for name in ("old", "new", "again"))
        try:
            if new != again:
                raise BadRequest("The new password was not the same both times.")
            identity.change_password(visitor.account_id, visitor.viewer.account, old, new)
        except Problem as problem:
            body = plain.change_password(
                _city_name(services), generate_csrf(), must=visitor.must_change_password, wrong=str(problem)
            )
            return written("Change your password", body, 400)
        services.state.record(visitor.viewer.account, visitor.viewer.role, "changed the own password", "")
        return redirect(begins_at(visitor.viewer.role, home_of(visitor.viewer)), 303)


def _add_administration(server: Flask, services: Services, identity: Identity) -> None:
    def administrator() -> Viewer:
        viewer = services.viewer()
        services.scope(Permission.ADMINISTER)
        return viewer

    def administration_page(said: str = "") -> Response:
        administrator()
        words, before = request.args.get("words", "")[:100], request.args.get("before", "")
        oldest = int(before) if before.isdecimal() and len(before) < 18 else None
        lines = services.state.audit_lines(LINES, oldest, words)
        more = {"before": lines[-1]["audit_id"], "words": words} if len(lines) == LINES else None
        body = plain.administration(
            _city_name(services), generate_csrf(), [_row(one) for one in services.state.accounts()],
            [{**line, "at": f"{line['happened_at']:%Y-%m-%d %H:%M:%S}"} for line in lines],
            words=words, older=f"/administration?{urlencode(more)}" if more else "", said=said,
            demo=[(one.title, one.href) for one in demo_accounts(services, None)],
        )  # fmt: skip
        return written("Administration", body)

    @server.get("/administration")
    def administration() -> Response:
        return administration_page()

    @server.post("/administration/<action>")
    def administer(action: str) -> Response:
        viewer, name = administrator(), request.form.get("name", "")
        visitor = here()
        if visitor is None or visitor.kind == "demo":
            raise NotPermitted("The demo’s administrator may look, not change.")
        if action not in ("reset", "disable", "enable"):
            return Response("There is nothing to do at this address.\n", 404, mimetype="text/plain")
        account = services.state.account(name)
        if account["account_id"] == visitor.account_id:
            raise BadRequest("Not your own account: ask another administrator.")
        if action == "reset":
            said = f"The new password of {name}, shown once and good for one sign-in: {identity.reset_password(name)}"
        else:
            services.state.set_disabled(account["account_id"], action == "disable")
            said = f"{name} can no longer sign in." if action == "disable" else f"{name} can sign in again."
        services.state.record(viewer.account, viewer.role, f"account: {action}", name)
        return administration_page(said)


def _row(account: Any) -> dict[str, str]:
    state = "disabled" if account["is_disabled"] else "locked" if account["locked_until_at"] else "may sign in"
    role = ", ".join(filter(None, (account["role"], account["own"]))) or "no role"
    return {
        "name": account["name"], "shown": account["shown_name"], "role": role, "state": state,
        "resets": "yes" if account["source"] == "local" else "",
        "closes": "Enable" if account["is_disabled"] else "Disable",
    }  # fmt: skip
