"""Who is looking: from a request to a visitor, and everything about signing in and out.

The one place that knows passwords and the session cookie. What a visitor may see is decided in `domain/policy.py`.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from ipaddress import ip_address, ip_network

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import g, has_request_context, request, session
from sqlalchemy import RowMapping

from dashboard.domain.errors import BadRequest, NotPermitted
from dashboard.domain.policy import OWN, ROLES, Viewer
from dashboard.groups import read_groups, role_in
from dashboard.settings import Settings
from data_access.state import State

SHORTEST, LONGEST = 12, 200
FREE_FAILURES = 5
"""Wrong passwords in a row before an account is locked, for 30 seconds and then twice as long each time …"""
LONGEST_LOCK = timedelta(hours=1)
"""… up to this."""
WRONG = "Name and password do not belong together, or the account is locked. Wait a little before trying again."
DEPUTY_MANAGER = Viewer("Deputy manager", "deputy manager")
TOKEN, DEMO, PROXIED = "token", "demo", "proxied"
"""What the signed cookie holds: the token of a session, the demo account taken ("" for none), whom a proxy named."""

HASHER = PasswordHasher()
"""argon2id with the library's parameters (RFC 9106, low memory)."""


@dataclass(frozen=True)
class Visitor:
    """Who sent a request.

    `kind` says how that is known: ``account`` (a session), ``proxy`` (its headers), ``demo`` (the made-up city's
    accounts, without a password), ``here`` (a real city without any account, on its own computer).
    """

    viewer: Viewer
    kind: str
    account_id: int | None = None
    must_change_password: bool = False


class Identity:
    """Signing in and out at one installation.

    `demo_viewers` gives the accounts of the demo city, by the name in the address; none in a real city.
    """

    def __init__(
        self, settings: Settings, state: State, demo_viewers: Callable[[], Mapping[str, Viewer]],
        hasher: PasswordHasher | None = None,
    ):  # fmt: skip
        self.settings, self.state = settings, state
        self._demo_viewers = demo_viewers
        self._hasher = hasher or HASHER
        self._has_accounts = False
        self._groups = read_groups(settings.groups)
        self._networks = [ip_network(one.strip()) for one in settings.proxy_networks.split(",") if one]
        if settings.sign_in != "accounts" and not self._groups:
            raise BadRequest(
                f"With DASHBOARD311_SIGN_IN={settings.sign_in}, DASHBOARD311_GROUPS says who has which role."
            )
        if settings.sign_in == "proxy" and not self._networks:
            raise BadRequest("With DASHBOARD311_SIGN_IN=proxy, DASHBOARD311_PROXY_NETWORKS says whose headers count.")
        if settings.sign_in == "oidc" and not (settings.oidc_issuer and settings.oidc_client):
            raise BadRequest("With DASHBOARD311_SIGN_IN=oidc, DASHBOARD311_OIDC_ISSUER and _CLIENT say who is asked.")

    def visitor(self) -> Visitor | None:
        """Who sent the request at hand; None for somebody not signed in."""
        if self.settings.sign_in == "proxy":
            return self._named_by_proxy()
        if token := session.get(TOKEN):
            longest = timedelta(hours=self.settings.session_hours)
            found = self.state.signed_in(_hash(token), longest / 4, longest)
            if found is not None:
                return Visitor(viewer_of(found), "account", found["account_id"], found["must_change_password"])
            session.pop(TOKEN)
            return None
        if demo := self._demo_viewers():
            taken = demo.get(session.get(DEMO, next(iter(demo))))
            return None if taken is None else Visitor(taken, "demo")
        if self.settings.sign_in == "accounts" and is_here() and not self.has_accounts():
            return Visitor(DEPUTY_MANAGER, "here")
        return None

    def has_accounts(self) -> bool:
        """Whether there is any account; once there is, there always will be."""
        if not self._has_accounts:
            self._has_accounts = self.state.has_accounts()
        return self._has_accounts

    def sign_in(self, name: str, password: str) -> str:
        """Begin a session for whoever knows the password; the account's name.

        Raises NotPermitted, in the same words and after the same time, whatever was wrong: no such account, another
        password, locked, disabled, without a role. The session before it, if any, is over.
        """
        found = next((one for one in self.state.accounts() if one["name"] == name.strip().casefold()), None)
        stored = found["password_hash"] if found is not None else None
        fits = self._fits(stored or _nobodys_hash(self._hasher), password) and stored is not None
        if found is None:
            raise NotPermitted(WRONG)
        if found["locked_until_at"] is not None and found["locked_until_at"] > self.state.now():
            raise NotPermitted(WRONG)
        if not fits:
            self.state.note_failure(found["account_id"], FREE_FAILURES, LONGEST_LOCK)
            raise NotPermitted(WRONG)
        if found["is_disabled"] or found["role"] not in ROLES:
            raise NotPermitted(WRONG)
        self.state.forget_failures(found["account_id"])
        self.begin(found["account_id"])
        return found["name"]

    def sign_in_from_elsewhere(self, subject: str, shown_name: str, groups: Iterable[str]) -> str:
        """Begin a session for somebody the OpenID provider knows; the account's name, made at the first sign-in.

        The provider's groups decide the role each time. Raises NotPermitted if they have none here. The name is the
        provider's own for the person, so that nobody can take the place of an account kept here.
        """
        group, name = role_in(groups, self._groups), f"oidc:{subject}"[:120].casefold()
        if group is None:
            raise NotPermitted("None of your groups has a role here. Ask the dashboard’s administrator.")
        found = next((one for one in self.state.accounts() if one["name"] == name), None)
        if found is not None and found["is_disabled"]:
            raise NotPermitted("Your account was closed. Ask the dashboard’s administrator.")
        account_id = found["account_id"] if found else self.state.add_account(name, shown_name, None, source="oidc")
        if found is None or (found["role"], found["own"]) != (group.role, group.own):
            self.state.give_role(account_id, group.role, group.own, f"group {group.name}")
        self.begin(account_id)
        return name

    def _named_by_proxy(self) -> Visitor | None:
        try:
            peer = ip_address(peer_address())
        except ValueError:
            return None
        user = request.headers.get(self.settings.proxy_user, "").strip()
        if not user or not any(peer in network for network in self._networks):
            return None
        given = request.headers.get(self.settings.proxy_groups, "")
        group = role_in((one.strip() for one in given.split(",")), self._groups)
        if group is None:
            return None
        visitor = Visitor(_viewer(user, user, group.role, group.own), "proxy")
        if session.get(PROXIED) != user:
            session.clear()  # another person, another token for posts
            session[PROXIED] = user
            self.state.record(user, group.role, "signed in", "proxy")
        return visitor

    def begin(self, account_id: int) -> None:
        """Begin a session under a new token; whatever the cookie held before is gone."""
        self.end()
        token = secrets.token_urlsafe(32)
        session[TOKEN] = token
        self.state.open_session(account_id, _hash(token))

    def take_demo(self, slug: str) -> None:
        """Sign in as a demo account."""
        self.end()
        session[DEMO] = slug

    def end(self) -> None:
        """End the session at hand, here and at the server."""
        if token := session.get(TOKEN):
            self.state.end_session(_hash(token))
        session.clear()
        session[DEMO] = ""

    def change_password(self, account_id: int, name: str, old: str, new: str) -> None:
        """Change the own password, and begin a new session.

        Raises NotPermitted if `old` is wrong, BadRequest if the new one is none.
        """
        found = self.state.account(name)
        if not self._fits(found["password_hash"] or "", old):
            raise NotPermitted("That is not your present password.")
        if old == new:
            raise BadRequest("The new password is the old one.")
        self.state.set_password(account_id, self.hashed(new, name), must_change=False)
        self.begin(account_id)

    def hashed(self, password: str, name: str) -> str:
        """The hash to keep of a new password; BadRequest if it breaks a rule."""
        check_password(password, name)
        return self._hasher.hash(password)

    def reset_password(self, name: str) -> str:
        """A new password for an account, good until the next sign-in, which asks for another one."""
        found = self.state.account(name)
        if found["source"] != "local":
            raise BadRequest(f"The password of “{name}” is not kept here.")
        password = secrets.token_urlsafe(15)
        self.state.set_password(found["account_id"], self._hasher.hash(password), must_change=True)
        return password

    def _fits(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password[:LONGEST])
        except (VerificationError, InvalidHashError):
            return False


def check_password(password: str, name: str) -> None:
    """The rules, long rather than strange (NIST SP 800-63B): BadRequest says which one is broken."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadRequest(f"A password has {SHORTEST} to {LONGEST} characters.")
    if len(set(password)) < 6:
        raise BadRequest("A password has at least six different characters.")
    low = password.casefold()
    if name.casefold() in low or any(word in low for word in ("password", "dashboard311", "123456", "qwerty")):
        raise BadRequest("That password is easily guessed: it holds your name or a well-known word.")


def here() -> Visitor | None:
    """The visitor whom the gate let in with the request at hand."""
    return g.get("visitor") if has_request_context() else None


def viewer_of(account: RowMapping) -> Viewer:
    """The viewer an account stands for."""
    return _viewer(account["shown_name"], account["name"], account["role"], account["own"])


def _viewer(shown_name: str, account: str, role: str, own: str | None) -> Viewer:
    about = OWN.get(role)
    return Viewer(shown_name, role, account=account, **({about: own} if about else {}))


def peer_address() -> str:
    """Where the request at hand came from, whatever its headers say."""
    original = request.environ.get("werkzeug.proxy_fix.orig", {})
    return original.get("REMOTE_ADDR") or request.environ.get("REMOTE_ADDR", "")


def is_here() -> bool:
    """Whether the request comes from this computer and was meant for it.

    A reverse proxy on the same computer names another host or says for whom it asks; a foreign page that lets its own
    name point here (DNS rebinding) names another host too.
    """
    if any(name in request.headers for name in ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")):
        return False
    host = request.host.rsplit(":", 1)[0] if not request.host.endswith("]") else request.host
    return is_loopback(peer_address()) and is_loopback(host.strip("[]"))


def is_loopback(host: str) -> bool:
    """Whether a host is this computer and nobody else can reach it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def may_serve(settings: Settings, host: str, is_made_up: bool) -> str:
    """What to say on the console about who is let in; BadRequest if serving on `host` would let anybody in."""
    if settings.sign_in != "accounts":
        Identity(settings, State(settings), dict)  # what it wants is there
        return f"People are signed in by {'the proxy' if settings.sign_in == 'proxy' else settings.oidc_issuer}."
    if is_made_up:
        return "The demo city: everybody is signed in as its deputy manager, and may take on another role."
    if State(settings).has_accounts():
        return "People sign in with their accounts (dashboard311 user list)."
    if is_loopback(host):
        return "No account yet: whoever uses this computer is the deputy manager. “dashboard311 user add” changes that."
    raise BadRequest(
        f"Not on {host}: there is no account yet, and everybody who reaches it would be let in or nobody at all. Run "
        "“dashboard311 user add NAME --role administrator” first, or serve on 127.0.0.1."
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@lru_cache(maxsize=4)
def _nobodys_hash(hasher: PasswordHasher) -> str:
    """What a password is compared with where there is no account: it takes as long, and never fits."""
    return hasher.hash(secrets.token_urlsafe(32))
