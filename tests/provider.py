"""A small OpenID Connect provider, run as a process of its own: ``python -m tests.provider PORT``.

It signs everybody in at once, as whoever `login_hint` names, and checks what a provider checks: client and secret, the
address to go back to, that a code is used once, and that its verifier fits the challenge (PKCE, S256).
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import sys
import time
from urllib.parse import urlencode

from flask import Flask, abort, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "dashboard", "a secret between the two"
PEOPLE = {
    "hal": {"sub": "h-1", "name": "Hal Planted", "groups": ["staff", "heads"]},
    "eve": {"sub": "e-1", "name": "Eve", "groups": ["staff"]},
}


def provider(issuer: str) -> Flask:
    """The provider at `issuer`; the cookie ``who`` says who is at its keyboard."""
    app, key, codes = Flask("provider"), RSAKey.generate_key(2048, {"kid": "one"}), {}

    @app.get("/.well-known/openid-configuration")
    def about():
        return jsonify(
            issuer=issuer, authorization_endpoint=f"{issuer}/authorize", token_endpoint=f"{issuer}/token",
            jwks_uri=f"{issuer}/keys", response_types_supported=["code"], subject_types_supported=["public"],
            id_token_signing_alg_values_supported=["RS256"], code_challenge_methods_supported=["S256"],
        )  # fmt: skip

    @app.get("/keys")
    def keys():
        return jsonify(keys=[key.as_dict(private=False)])

    @app.get("/authorize")
    def authorize():
        asked = request.args
        if asked["client_id"] != CLIENT or asked["code_challenge_method"] != "S256" or not asked["nonce"]:
            abort(400)
        code = secrets.token_urlsafe(16)
        codes[code] = (asked, request.cookies.get("who", "hal"))
        return redirect(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}")

    @app.post("/token")
    def token():
        asked, who = codes.pop(request.form["code"], (None, None))
        given = request.authorization
        if asked is None or given is None or (given.username, given.password) != (CLIENT, SECRET):
            abort(401)
        digest = hashlib.sha256(request.form["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
            abort(400)
        now = int(time.time())
        audience = "somebody else" if who == "eve2" else CLIENT
        claims = {"iss": issuer, "aud": audience, "iat": now, "exp": now + 60, "nonce": asked["nonce"]}
        claims |= PEOPLE.get(who, PEOPLE["hal"])
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims, key)
        return jsonify(access_token="x", token_type="Bearer", expires_in=60, id_token=signed)

    return app


if __name__ == "__main__":
    provider(f"http://127.0.0.1:{sys.argv[1]}").run("127.0.0.1", int(sys.argv[1]))
