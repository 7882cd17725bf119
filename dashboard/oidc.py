"""Signing in at an OpenID Connect provider."""

from __future__ import annotations

import logging
from collections.abc import Callable

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import OAuth
from flask import Flask, Response, redirect, request, session, url_for
from joserfc.errors import JoseError
from requests import RequestException
from werkzeug.wrappers import Response as WerkzeugResponse

from dashboard.domain.errors import NotPermitted
from dashboard.entrance import begins_at, path_here
from dashboard.identity import Identity
from dashboard.services import Services

log = logging.getLogger("dashboard311")


def add_oidc(server: Flask, services: Services, identity: Identity, sign_in_page: Callable[..., Response]) -> None:
    """Sign in at an OpenID Connect provider: authorization code with PKCE, state and nonce, by Authlib."""
    settings = services.settings
    provider = OAuth(server).register(
        "oidc",
        client_id=settings.oidc_client,
        client_secret=settings.oidc_secret or None,
        server_metadata_url=f"{settings.oidc_issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={"scope": "openid profile", "code_challenge_method": "S256", "timeout": 10},
    )

    @server.get("/sign-in/oidc")
    def go_to_provider() -> WerkzeugResponse:
        session["goes_to"] = path_here(request.args.get("next", "/"))
        try:
            return provider.authorize_redirect(url_for("back_from_provider", _external=True))
        except (RequestException, AuthlibBaseError) as problem:
            log.warning("The OpenID provider does not answer: %s", type(problem).__name__)
            return sign_in_page("The city’s sign-in does not answer. Please try again in a moment.", code=503)

    @server.get("/sign-in/oidc/back")
    def back_from_provider() -> Response | WerkzeugResponse:
        goes_to = path_here(session.get("goes_to", "/"))
        try:
            told = provider.authorize_access_token()["userinfo"]
            groups = told.get(settings.oidc_groups) or []
            groups = [groups] if isinstance(groups, str) else [one for one in groups if isinstance(one, str)]
            shown = str(told.get("name") or told.get("preferred_username") or told["sub"])[:120]
            account = identity.sign_in_from_elsewhere(str(told["sub"]), shown, groups)
        except NotPermitted as problem:
            services.state.record(f"oidc:{told['sub']}", "", "was refused at sign-in", "oidc")
            return sign_in_page(str(problem), code=403)
        except (RequestException, AuthlibBaseError, JoseError, KeyError) as problem:
            log.warning("A sign-in at the OpenID provider failed: %s", type(problem).__name__)
            return sign_in_page("The sign-in did not come to its end. Please try again.", code=401)
        role = services.state.account(account)["role"]
        services.state.record(account, role, "signed in", "oidc")
        return redirect(begins_at(role, goes_to), 303)
